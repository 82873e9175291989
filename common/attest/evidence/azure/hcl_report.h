// HclReport: what the paravisor of an Azure confidential VM stores in its virtual TPM: a hardware report, made once at boot, and the
// runtime data that the report's REPORT_DATA vouches for, with the virtual TPM's attestation key.
//
// The guest reads it from NV index 0x01400001 and hands it on; host and guest may lie in every byte. All integers are little-endian:
//
//   0      "HCLA", u32 version (1 or 2), u32 size of all that follows here and below, u32 request type (2), u32 status (0), 12 bytes zero
//   32     1184 bytes: SEV-SNP report; or TDREPORT (1024 bytes) and zeros
//   1216   u32 size (20 and that of the JSON), u32 version (1), u32 report type (2 SNP, 4 TDX), u32 hash (1: SHA-256), u32 size of the JSON
//   1236   JSON; then zeros to the end of the NV index
//
// Nothing is believed by being read. docs/specs/azure.md. Pure and thread-safe.
#pragma once

#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/crypto/public_key.h"

namespace redoubt::azure {

enum class Hardware { snp, tdx };
std::string_view hardware_text(Hardware hardware);

struct HclReport {
  static constexpr std::size_t kMaxSize = 16 * 1024;
  static constexpr std::size_t kSnpReportSize = 1184;
  static constexpr std::size_t kTdReportSize = 1024;

  Hardware hardware = Hardware::snp;
  ByteView hardware_report;  // 1184 bytes (SNP) or 1024 (TDX); borrowed, like the next
  ByteView runtime_data;     // the exact bytes that REPORT_DATA hashes

  // parse: `malformed` unless every size fits the others and nothing but zeros follows.
  static Result<HclReport> parse(ByteView bytes);
};

// RuntimeData: the JSON, read. Members that are not spoken of here are left alone: Azure adds some, and the hash covers them.
struct RuntimeData {
  crypto::PublicKey attestation_key;        // HCLAkPub: RSA; the virtual TPM's AK
  std::optional<bool> secure_boot;          // vm-configuration: what the paravisor was told, and enforces
  std::optional<bool> console_enabled;
  std::optional<bool> tpm_enabled;
  std::string vm_id;                        // vmUniqueId, or empty
  Bytes user_data;                          // 64 bytes that the guest chose, or empty

  // parse: JSON without duplicate names, exactly one key HCLAkPub for signing: RSA with exponent 65537. `malformed` otherwise.
  static Result<RuntimeData> parse(ByteView json);
};

}  // namespace redoubt::azure
