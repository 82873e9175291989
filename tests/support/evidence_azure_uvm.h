// UVM endorsements under a root of our own: what Microsoft's signer would make, whole or changed in one place.
#pragma once

#include "common/attest/evidence/azure_uvm/endorsement.h"
#include "common/base/cbor.h"
#include "tests/support/test_ca.h"

namespace redoubt::test {

inline constexpr Instant kUvmSigningTime{1700000000};
inline constexpr std::string_view kUvmFeed = "TestPlat-UVM";

// UvmSample: change members before encode().
struct UvmSample {
  // Keys are made once for the test program: RSA keys take time.
  explicit UvmSample(const std::vector<CertificateSpec>& specs);
  UvmSample();

  // encode signs with the leaf's key, unless `signature` is set.
  Bytes encode() const;
  cbor::Value& header(const cbor::Value& label);
  cbor::Value& header(std::int64_t label) { return header(cbor::Value::integer(label)); }
  cbor::Value& header(std::string_view label) { return header(cbor::Value::text(label)); }
  void remove_header(const cbor::Value& label);
  crypto::RootPin root() const;
  // did: an identifier with the root's fingerprint and these policies ("eku:1.2.3").
  std::string did(std::string_view policies, std::size_t certificate = 2) const;
  azure_uvm::LaunchMeasurement measurement() const;

  std::vector<TestCertificate> certificates;  // leaf first, root last, as x5chain has them
  cbor::Map protected_header;
  cbor::Value unprotected_header;
  std::string payload;
  bool tagged = true;
  std::optional<Bytes> signature;
};

// uvm_specs: leaf, CA and root as Microsoft shapes them.
std::vector<CertificateSpec> uvm_specs();

}  // namespace redoubt::test
