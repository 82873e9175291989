#include "common/attest/evidence/claims.h"

namespace redoubt::attest {
namespace {

constexpr std::string_view kType = "redoubt/claims/1";
constexpr std::size_t kMaxBytes = 4096;
constexpr std::size_t kMaxWorkload = 32;

}  // namespace

std::string Claims::canonical() const {
  return json::canonical(json::Object{{"boot", boot.hex()},
                                      {"contract", contract.hex()},
                                      {"hpke_key", hpke_key.hex()},
                                      {"instance", instance.hex()},
                                      {"receipt_key", receipt_key.hex()},
                                      {"tls_key", tls_key.hex()},
                                      {"type", kType},
                                      {"workload", workload},
                                      {"workload_claims", workload_claims.hex()}});
}

Result<Claims> Claims::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = kMaxBytes, .max_depth = 1}).context("claims"));
  json::ObjectReader reader(value, "claims");
  reader.expect("type", kType);
  Claims claims;
  claims.workload = reader.nonempty("workload", kMaxWorkload);
  claims.instance = reader.hex<InstanceId>("instance");
  claims.boot = reader.hex<BootId>("boot");
  claims.tls_key = reader.hex<SpkiDigest>("tls_key");
  claims.receipt_key = reader.hex<crypto::Ed25519PublicKey>("receipt_key");
  claims.hpke_key = reader.hex<crypto::HpkePublicKey>("hpke_key");
  claims.contract = reader.hex<ContractDigest>("contract");
  claims.workload_claims = reader.hex<WorkloadClaimsDigest>("workload_claims");
  REDOUBT_CHECK(reader.finish());
  return claims;
}

ClaimsDigest Claims::digest() const { return crypto::digest_of<ClaimsDigest>(kType, as_bytes(canonical())); }

SpkiDigest spki_digest(ByteView spki_der) { return SpkiDigest(crypto::sha256(spki_der).array()); }

}  // namespace redoubt::attest
