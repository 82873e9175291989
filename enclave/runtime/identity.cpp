#include "enclave/runtime/identity.h"

#include "common/base/reader.h"
#include "common/crypto/ecdsa_p256.h"
#include "common/crypto/tls_certificate.h"

namespace redoubt::runtime {
namespace {

constexpr std::int64_t kTenYears = 10LL * 366 * 86400;
constexpr std::string_view kKeysLabel = "RDTKEYS1";
constexpr std::size_t kKeySize = 32;

}  // namespace

Result<InstanceKeys> InstanceKeys::generate(crypto::Random& random) {
  REDOUBT_TRY(auto receipt_key, crypto::Ed25519PrivateKey::generate(random));
  REDOUBT_TRY(auto hpke_key, crypto::HpkePrivateKey::generate(random));
  return InstanceKeys{random.fixed<InstanceId>(), std::move(receipt_key), std::move(hpke_key)};
}

SecretBytes InstanceKeys::encode() const {
  SecretBytes out(kKeysLabel.size() + InstanceId::size + 2 * kKeySize);
  auto at = out.writable().begin();
  for (const ByteView part : {as_bytes(kKeysLabel), instance.view()}) at = std::ranges::copy(part, at).out;
  at = std::ranges::copy(receipt_key.seed().reveal(), at).out;
  std::ranges::copy(hpke_key.bytes().reveal(), at);
  return out;
}

Result<InstanceKeys> InstanceKeys::decode(ByteView bytes) {
  Reader reader(bytes, "instance keys");
  if (!equal(reader.bytes(kKeysLabel.size()), as_bytes(kKeysLabel))) reader.fail("expected the label of version 1");
  const auto instance = reader.fixed<InstanceId>();
  const ByteView seed = reader.bytes(kKeySize);
  const ByteView hpke = reader.bytes(kKeySize);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(auto receipt_key, crypto::Ed25519PrivateKey::from_seed(SecretBytes::copy_of(seed)));
  REDOUBT_TRY(auto hpke_key, crypto::HpkePrivateKey::from_bytes(SecretBytes::copy_of(hpke)));
  return InstanceKeys{instance, std::move(receipt_key), std::move(hpke_key)};
}

Result<Identity> make_identity(std::string_view workload, const ContractDigest& contract, const attest::WorkloadClaimsDigest& workload_claims,
                               crypto::Random& random, Instant now) {
  REDOUBT_TRY(InstanceKeys keys, InstanceKeys::generate(random));
  return make_identity(workload, contract, workload_claims, std::move(keys), random, now);
}

Result<Identity> make_identity(std::string_view workload, const ContractDigest& contract, const attest::WorkloadClaimsDigest& workload_claims,
                               InstanceKeys keys, crypto::Random& random, Instant now) {
  REDOUBT_TRY(const auto tls_key, crypto::EcdsaP256PrivateKey::generate());
  const crypto::TlsCertificateProfile profile{
      "redoubt enclave", {"enclave.redoubt.invalid"}, {}, {now.plus_seconds(-86400), now.plus_seconds(kTenYears)}};
  REDOUBT_TRY(const auto certificate, crypto::self_signed_certificate(tls_key, profile, random));
  attest::Claims claims;
  claims.workload = std::string(workload);
  claims.instance = keys.instance;
  claims.boot = random.fixed<BootId>();
  claims.tls_key = attest::spki_digest(tls_key.public_key().spki());
  claims.receipt_key = keys.receipt_key.public_key();
  claims.hpke_key = keys.hpke_key.public_key();
  claims.contract = contract;
  claims.workload_claims = workload_claims;
  return Identity{{to_bytes(certificate.pem), tls_key.pkcs8()}, std::move(keys.receipt_key), std::move(keys.hpke_key), std::move(claims)};
}

}  // namespace redoubt::runtime
