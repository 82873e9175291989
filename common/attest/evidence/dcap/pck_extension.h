// PckExtension: what Intel says of a platform in its PCK certificate (SGX extension, OID 1.2.840.113741.1.13.1).
//
// The bytes are only as good as the certificate they stand in; reading gives the form. The extension is a sequence of
// {OID, value} in any order: each known OID once, no unknown one, every value of exactly its type and size. The platform's
// instance id and configuration stand together in certificates by the Platform CA and are absent in those by the Processor
// CA. Pure and thread-safe. Intel SGX PCK Certificate and CRL Profile Specification, section 1.3.5.
#pragma once

#include <array>
#include <optional>

#include "common/attest/endorse/intel/tcb_info.h"
#include "common/base/bytes.h"
#include "common/base/der.h"
#include "common/base/json.h"

namespace redoubt::dcap {

using Ppid = FixedBytes<struct PpidTag, 16>;
using CertifiedCpuSvn = FixedBytes<struct CertifiedCpuSvnTag, 16>;
using endorse::Fmspc;
using endorse::PceId;
using PlatformInstanceId = FixedBytes<struct PlatformInstanceIdTag, 16>;

enum class SgxType : std::uint8_t { standard = 0, scalable = 1, scalable_with_integrity = 2 };
std::string_view sgx_type_text(SgxType type);

// Of multi-package platforms. Each flag may be absent: "undefined" in Intel's words.
struct PlatformConfiguration {
  std::optional<bool> dynamic_platform;  // packages can be added after the platform was registered
  std::optional<bool> cached_keys;       // Intel's registration service keeps the platform's root keys
  std::optional<bool> smt_enabled;       // simultaneous multithreading is on
};

struct PckExtension {
  static constexpr der::Oid kOid = der::oid("1.2.840.113741.1.13.1");

  Ppid ppid;
  endorse::Components component_svn{};
  std::uint16_t pce_svn = 0;
  CertifiedCpuSvn cpu_svn;
  PceId pce_id;
  Fmspc fmspc;
  SgxType type = SgxType::standard;
  std::optional<PlatformInstanceId> platform_instance_id;
  std::optional<PlatformConfiguration> configuration;

  // parse takes the content of the extension's OCTET STRING; `malformed` otherwise.
  static Result<PckExtension> parse(ByteView value);
};

// describe: every field for people.
json::Value describe(const PckExtension& extension);

}  // namespace redoubt::dcap
