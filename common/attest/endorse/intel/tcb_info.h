// TcbInfo: what Intel says of a family of platforms: which versions of microcode, modules and PCE are up to date.
//
// The Intel Provisioning Certification Service signs it (tcb_info_body gives the exact signed bytes); whoever hands it over may
// have changed, aged or chosen it: nothing here is believed before collateral.h has verified it. Read are version 3 (SGX and TDX)
// and version 2 (SGX). Members that are not known are passed over, since Intel adds some; known ones must have their form, and
// an unknown TCB status is refused. Intel SGX and TDX PCS API, versions 3 and 4, "Get TCB Info". Pure, thread-safe.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/instant.h"

namespace redoubt::endorse {

enum class Tee { sgx, tdx };
std::string_view tee_text(Tee tee);  // "SGX", "TDX"

// Status of a TCB level as Intel writes it, and the two that only a verifier concludes (td_relaunch_*), and not_supported: no level
// matches.
enum class TcbStatus {
  up_to_date, sw_hardening_needed, configuration_needed, configuration_and_sw_hardening_needed, out_of_date,
  out_of_date_configuration_needed, td_relaunch_advised, td_relaunch_advised_configuration_needed, revoked, not_supported,
};
std::string_view status_text(TcbStatus status);  // "UpToDate", ..., "NotSupported"
// published_status: one that Intel publishes; the ones that a verifier concludes are not.
std::optional<TcbStatus> published_status(std::string_view text);
// tcb_status_from_text: any of them, for policies.
std::optional<TcbStatus> tcb_status_from_text(std::string_view text);

using Fmspc = FixedBytes<struct FmspcTag, 6>;
using PceId = FixedBytes<struct PceIdTag, 2>;
using SeamSigner = FixedBytes<struct SeamSignerTag, 48>;      // MRSIGNERSEAM
using SeamAttributes = FixedBytes<struct SeamAttributesTag, 8>;
using Components = std::array<std::uint8_t, 16>;              // security versions, index 0 is component 1

// What Intel says of one level, apart from its versions.
struct LevelFacts {
  TcbStatus status = TcbStatus::revoked;
  Instant date;                         // tcbDate
  std::vector<std::string> advisories;  // advisoryIDs, as they stand there
};

struct TcbLevel : LevelFacts {
  Components sgx{};
  std::uint16_t pcesvn = 0;
  Components tdx{};                     // zero unless TDX
};

struct IsvLevel : LevelFacts {
  std::uint16_t isvsvn = 0;
};

struct TdxModule {
  SeamSigner mrsigner;
  SeamAttributes attributes, attributes_mask;
};

struct TdxModuleIdentity : TdxModule {
  std::uint8_t version = 0;             // of the id "TDX_%02X"
  std::vector<IsvLevel> levels;         // newest first
};

struct TcbInfo {
  static constexpr std::size_t kMaxSize = 128 * 1024;
  static constexpr std::size_t kMaxLevels = 128;
  static constexpr std::size_t kMaxModules = 32;
  static constexpr std::size_t kMaxAdvisories = 128;

  Tee tee = Tee::sgx;
  unsigned version = 0;                 // 2 or 3
  Instant issue_date, next_update;
  Fmspc fmspc;
  std::optional<PceId> pce_id;          // may be absent in version 2
  std::uint32_t evaluation_number = 0;  // tcbEvaluationDataNumber
  std::optional<TdxModule> tdx_module;  // present for TDX
  std::vector<TdxModuleIdentity> modules;
  std::vector<TcbLevel> levels;         // at least one, newest first

  // newest_level_date: the latest tcbDate of the levels; none without a level.
  std::optional<Instant> newest_level_date() const;
  // module: the identity of that major version of the TDX module.
  const TdxModuleIdentity* module(std::uint8_t module_version) const;
};

// A body as the service sends it: {"tcbInfo": {...}, "signature": "..."}. `signed_bytes` is a view of the text that was read.
using JsonSignature = FixedBytes<struct JsonSignatureTag, 64>;  // r and s, big-endian
struct SignedTcbInfo {
  TcbInfo info;
  std::string_view signed_bytes;
  JsonSignature signature;
};
// parse_tcb_info borrows `text` for signed_bytes. `malformed` otherwise.
Result<SignedTcbInfo> parse_tcb_info(std::string_view text);

}  // namespace redoubt::endorse
