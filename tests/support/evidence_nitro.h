// Nitro documents under a root of our own: what an enclave and its hypervisor would make, whole or changed in one place.
#pragma once

#include "common/attest/evidence/nitro/evidence.h"
#include "common/base/cbor.h"
#include "tests/support/test_ca.h"

namespace redoubt::test {

// The time at which the samples are valid.
inline constexpr Instant kNitroTime{1795000000};

// NitroSample: change members before encode().
struct NitroSample {
  // sample: certificates by the given specs, root first, leaf last (nitro_specs() unless changed).
  explicit NitroSample(const std::vector<CertificateSpec>& specs);
  NitroSample();

  // encode signs with the leaf's key, unless `signature` is set.
  Bytes encode() const;
  // member: the value under a key of the payload, to be changed; absent ones are added.
  cbor::Value& member(std::string_view key);
  void remove(std::string_view key);
  // root: a pin for the sample's root.
  crypto::RootPin root() const;
  std::vector<ByteView> cabundle() const;

  std::vector<TestCertificate> certificates;  // root first, leaf last
  std::vector<std::pair<cbor::Value, cbor::Value>> members;
  bool indefinite = false;  // the payload's map, as AWS writes it since 2025
  bool tagged = false;
  cbor::Value protected_header;
  cbor::Value unprotected_header;
  std::optional<Bytes> signature;
};

// nitro_specs: root, region, zone, instance and leaf as AWS shapes them.
std::vector<CertificateSpec> nitro_specs();

}  // namespace redoubt::test
