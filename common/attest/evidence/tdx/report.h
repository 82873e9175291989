// The TD report body: what the TDX module and the CPU say of a trust domain, in quotes of TDX. Two versions: 1.0 with 584
// bytes, 1.5 with 64 more.
//
// Reading gives the form only: whoever uses the values must know who signed them (common/attest/evidence/dcap). Integers are
// little-endian. Pure and thread-safe. Intel TDX DCAP Quoting Library API, appendix A.3; Intel TDX module 1.5 ABI
// specification, section 3 (TDINFO, TD ATTRIBUTES).
#pragma once

#include <optional>

#include "common/base/bytes.h"
#include "common/base/json.h"

namespace redoubt::tdx {

using TcbSvn = FixedBytes<struct TcbSvnTag, 16>;            // [0] minor, [1] major version of the TDX module, [2] SEAM loader..
using SeamMeasurement = FixedBytes<struct SeamMeasurementTag, 48>;
using SeamSigner = FixedBytes<struct SeamSignerTag, 48>;
using Measurement = FixedBytes<struct MeasurementTag, 48>;  // MRTD, MRSERVICETD
using ConfigId = FixedBytes<struct ConfigIdTag, 48>;        // MRCONFIGID
using Owner = FixedBytes<struct OwnerTag, 48>;              // MROWNER, MROWNERCONFIG
using Rtmr = FixedBytes<struct RtmrTag, 48>;
using ReportData = FixedBytes<struct ReportDataTag, 64>;

// Attributes: TD ATTRIBUTES (module ABI, table "ATTRIBUTES"). Bits 0 to 7 put the TD outside of trust, 8 to 31 concern its
// security, 32 to 63 are of other kinds.
struct Attributes {
  std::uint64_t bits = 0;

  bool debug() const { return bit(0); }
  bool hgs_plus_profile() const { return bit(4); }
  bool perf_profile() const { return bit(5); }
  bool pmt_profile() const { return bit(6); }
  bool lass() const { return bit(27); }
  bool sept_ve_disable() const { return bit(28); }
  bool migratable() const { return bit(29); }
  bool pks() const { return bit(30); }
  bool key_locker() const { return bit(31); }
  bool tpa() const { return bit(62); }
  bool perfmon() const { return bit(63); }
  // tud: the first byte ("TD under debug"): anything but zero means that the host can look inside.
  std::uint8_t tud() const { return static_cast<std::uint8_t>(bits & 0xffU); }
  // reserved: bits that have no name above.
  std::uint64_t reserved() const { return bits & ~kNamed; }

  static constexpr std::uint64_t kNamed = 0xc0000000f8000071ULL;
  friend bool operator==(const Attributes&, const Attributes&) = default;

 private:
  bool bit(unsigned index) const { return ((bits >> index) & 1U) != 0; }
};

//   0 tee_tcb_svn[16] | 16 mrseam[48] | 64 mrsignerseam[48] | 112 seamattributes[8] | 120 tdattributes[8] | 128 xfam[8]
// 136 mrtd[48] | 184 mrconfigid[48] | 232 mrowner[48] | 280 mrownerconfig[48] | 328 rtmr0..3[4][48] | 520 reportdata[64]
// and in 1.5: 584 tee_tcb_svn2[16] | 600 mrservicetd[48]
struct Report {
  static constexpr std::size_t kSize10 = 584;
  static constexpr std::size_t kSize15 = 648;

  // Extension15: what version 1.5 adds: the TCB of the module that runs now (it may have been updated under the TD), and
  // the hash of the service TDs bound to this one.
  struct Extension15 {
    TcbSvn tee_tcb_svn2;
    Measurement mr_service_td;
  };

  TcbSvn tee_tcb_svn;
  SeamMeasurement mr_seam;
  SeamSigner mr_signer_seam;
  std::uint64_t seam_attributes = 0;
  Attributes attributes;
  std::uint64_t xfam = 0;
  Measurement mr_td;
  ConfigId mr_config_id;
  Owner mr_owner;
  Owner mr_owner_config;
  std::array<Rtmr, 4> rtmr;
  ReportData report_data;
  std::optional<Extension15> v15;

  // parse takes exactly kSize10 or kSize15 bytes; `malformed` otherwise.
  static Result<Report> parse(ByteView bytes);
};

// describe: every field for people; hexadecimal as the bytes stand in the report.
json::Value describe(const Report& report);

}  // namespace redoubt::tdx
