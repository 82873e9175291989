// Report: an SEV-SNP attestation report (ATTESTATION_REPORT), versions 2 to 5, as typed fields.
//
// The chip's firmware writes it; whoever passes it on may have changed every byte. parse() looks at form alone, and reads fields
// that a version does not have as absent. Multi-byte numbers are little-endian. Pure, no allocation, thread-safe. AMD 56860
// (SEV-SNP firmware ABI) sections 4.3 (policy) and 7.3 (report). Layout, in bytes:
//
//   000 version, guest svn, policy (8)      0E0 id key digest (48)         1E0 committed tcb (8)
//   010 family id (16)                      110 author key digest (48)     1E8 current build, minor, major, reserved
//   020 image id (16)                       140 report id (32)             1EC committed build, minor, major, reserved
//   030 vmpl, signature algorithm           160 report id of the MA (32)   1F0 launch tcb (8)
//   038 current tcb (8)                     180 reported tcb (8)           1F8 launch mitigations (8, v5)
//   040 platform info (8)                   188 cpuid family, model,       200 current mitigations (8, v5)
//   048 key flags, reserved                     stepping (v3), reserved    208 reserved
//   050 report data (64)                    1A0 chip id (64)               2A0 signature: r (72), s (72), reserved (368)
//   090 measurement (48), host data (32)
#pragma once

#include "common/attest/endorse/amd/leaf.h"

namespace redoubt::snp {

inline constexpr std::size_t kReportSize = 0x4a0;
inline constexpr std::size_t kSignedSize = 0x2a0;

using ReportData = FixedBytes<struct SnpReportDataTag, 64>;
using Measurement = FixedBytes<struct SnpMeasurementTag, 48>;
using HostData = FixedBytes<struct SnpHostDataTag, 32>;
using KeyDigest = FixedBytes<struct SnpKeyDigestTag, 48>;
using ReportId = FixedBytes<struct SnpReportIdTag, 32>;
using FamilyId = FixedBytes<struct SnpFamilyIdTag, 16>;
using ImageId = FixedBytes<struct SnpImageIdTag, 16>;

// GuestPolicy: what the guest's owner allows; firmware starts the guest only where it holds.
struct GuestPolicy {
  std::uint64_t raw = 0;

  std::uint8_t abi_minor() const { return static_cast<std::uint8_t>(raw & 0xffU); }
  std::uint8_t abi_major() const { return static_cast<std::uint8_t>((raw >> 8U) & 0xffU); }
  bool smt() const { return bit(16); }                      // simultaneous multithreading is allowed
  bool migrate_ma() const { return bit(18); }               // a migration agent is allowed
  bool debug() const { return bit(19); }                    // the host may read and write the guest's memory
  bool single_socket() const { return bit(20); }            // only one socket is allowed
  bool cxl_allow() const { return bit(21); }                // CXL memory is allowed
  bool mem_aes_256_xts() const { return bit(22); }          // AES-256-XTS is required
  bool rapl_dis() const { return bit(23); }                 // running average power limits must be off
  bool ciphertext_hiding_dram() const { return bit(24); }   // ciphertext hiding is required
  bool page_swap_disable() const { return bit(25); }        // swapping and moving of pages is forbidden
  // reserved_ok: bit 17 is one, bits 26 to 63 are zero.
  bool reserved_ok() const { return bit(17) && (raw >> 26U) == 0; }

 private:
  bool bit(unsigned at) const { return ((raw >> at) & 1U) != 0; }
};

// PlatformInfo: what the platform is set to.
struct PlatformInfo {
  std::uint64_t raw = 0;

  bool smt_en() const { return bit(0); }
  bool tsme_en() const { return bit(1); }
  bool ecc_en() const { return bit(2); }
  bool rapl_dis() const { return bit(3); }
  bool ciphertext_hiding_dram_en() const { return bit(4); }
  bool alias_check_complete() const { return bit(5); }  // memory was searched for aliases since the last reset (CVE-2024-21944)
  bool iommu_write_safe() const { return bit(6); }
  bool tio_en() const { return bit(7); }
  // unknown: bits without a name here. Firmware newer than this reader sets them; they are not an error of form.
  std::uint64_t unknown() const { return raw & ~std::uint64_t{0xff}; }

 private:
  bool bit(unsigned at) const { return ((raw >> at) & 1U) != 0; }
};

// KeyFlags: who signed, and what of the chip is hidden.
struct KeyFlags {
  std::uint32_t raw = 0;

  // author_key_en: AUTHOR_KEY_DIGEST holds a digest. (The specification's table says the opposite beside the digest, so that no form is
  // asked of the digest here; a policy that names an author key asks for both.)
  bool author_key_en() const { return (raw & 1U) != 0; }
  bool mask_chip_key() const { return (raw & 2U) != 0; }   // firmware leaves reports unsigned
  unsigned signing_key() const { return (raw >> 2U) & 7U; }  // 0 VCEK, 1 VLEK, 7 none
  bool reserved_zero() const { return (raw >> 5U) == 0; }
};

// CpuId: family and model with the extended parts added in.
struct CpuId {
  std::uint8_t family = 0;
  std::uint8_t model = 0;
  std::uint8_t stepping = 0;
  friend bool operator==(const CpuId&, const CpuId&) = default;
};

struct FirmwareVersion {
  std::uint8_t major = 0;
  std::uint8_t minor = 0;
  std::uint8_t build = 0;
  std::string text() const;  // "1.55.29"
  friend bool operator==(const FirmwareVersion&, const FirmwareVersion&) = default;
};

struct Report {
  static constexpr std::uint32_t kMinVersion = 2;
  static constexpr std::uint32_t kMaxVersion = 5;

  std::uint32_t version = 0;
  std::uint32_t guest_svn = 0;
  GuestPolicy policy;
  FamilyId family_id;
  ImageId image_id;
  std::uint32_t vmpl = 0;
  std::uint32_t signature_algorithm = 0;  // 1: ECDSA P-384 with SHA-384
  amd::TcbVersion current_tcb;
  PlatformInfo platform;
  KeyFlags keys;
  ReportData report_data;
  Measurement measurement;
  HostData host_data;
  KeyDigest id_key_digest;
  KeyDigest author_key_digest;
  ReportId report_id;
  ReportId report_id_ma;
  amd::TcbVersion reported_tcb;     // what the endorsement key is derived with
  std::optional<CpuId> cpuid;       // from version 3
  amd::ChipId chip_id;              // zero where the platform masks it
  amd::TcbVersion committed_tcb;    // firmware below this can no longer be loaded
  FirmwareVersion current;
  FirmwareVersion committed;
  amd::TcbVersion launch_tcb;       // current_tcb when the guest was launched or imported
  std::optional<std::uint64_t> launch_mitigations;   // version 5
  std::optional<std::uint64_t> current_mitigations;  // version 5
  // reserved_at: offset of the first reserved byte that is not zero, if there is one; key flags and policy are judged by themselves.
  std::optional<std::size_t> reserved_at;

  // parse: exactly 1184 bytes of version 2 to 5; `malformed` otherwise. All else is a check's business.
  static Result<Report> parse(ByteView bytes);

  // product: by the CPUID fields; nothing in version 2, or where they name no line with SEV-SNP.
  std::optional<amd::Product> product() const;
  // requested_by_host: not the guest but the hypervisor asked for it (SNP_HV_REPORT_REQ), and no privilege level speaks.
  bool requested_by_host() const { return vmpl == 0xffffffffU; }
  bool chip_id_masked() const { return chip_id == amd::ChipId(); }
  // provisional_firmware: the running firmware is not the committed one, so that the platform can still go back.
  bool provisional_firmware() const { return current != committed; }
};

// TcbOrder: whether the TCB versions of a report stand in the order that firmware keeps, part by part (check N8).
struct TcbOrder {
  bool reported_at_most_committed = false;
  bool committed_at_most_current = false;
  bool launch_at_most_current = false;
  bool reported_below_committed = false;  // in order, and not equal: the endorsement key speaks for an older TCB
  bool in_order() const { return reported_at_most_committed && committed_at_most_current; }
};
TcbOrder tcb_order(const Report& report);

}  // namespace redoubt::snp
