#include "enclave/runtime/identity.h"

#include "common/crypto/ecdsa_p256.h"
#include "common/crypto/tls_certificate.h"

namespace redoubt::runtime {
namespace {

constexpr std::int64_t kTenYears = 10LL * 366 * 86400;

}  // namespace

Result<Identity> make_identity(std::string_view workload, const ContractDigest& contract,
                               const attest::WorkloadClaimsDigest& workload_claims, crypto::Random& random, Instant now) {
  REDOUBT_TRY(const auto tls_key, crypto::EcdsaP256PrivateKey::generate());
  const crypto::TlsCertificateProfile profile{
      "redoubt enclave", {"enclave.redoubt.invalid"}, {}, {now.plus_seconds(-86400), now.plus_seconds(kTenYears)}};
  REDOUBT_TRY(const auto certificate, crypto::self_signed_certificate(tls_key, profile, random));
  REDOUBT_TRY(auto receipt_key, crypto::Ed25519PrivateKey::generate(random));
  REDOUBT_TRY(auto hpke_key, crypto::HpkePrivateKey::generate(random));
  attest::Claims claims;
  claims.workload = std::string(workload);
  claims.instance = random.fixed<InstanceId>();
  claims.boot = random.fixed<BootId>();
  claims.tls_key = attest::spki_digest(tls_key.public_key().spki());
  claims.receipt_key = receipt_key.public_key();
  claims.hpke_key = hpke_key.public_key();
  claims.contract = contract;
  claims.workload_claims = workload_claims;
  return Identity{{to_bytes(certificate.pem), tls_key.pkcs8()}, std::move(receipt_key), std::move(hpke_key), std::move(claims)};
}

}  // namespace redoubt::runtime
