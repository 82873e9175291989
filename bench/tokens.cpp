// Tokens and RA-TLS certificates against the one signature that each cannot do without, in the same run: what reading and judging
// costs beside it.
#include <benchmark/benchmark.h>

#include "common/attest/evidence/cert/evidence_certificate.h"
#include "common/attest/evidence/gcp/confidential_space.h"
#include "tests/support/evidence_token.h"
#include "tests/support/expect.h"

namespace redoubt {
namespace {

const test::Signer& signer() { return test::test_signer(test::SignerKind::rsa2048, "signer"); }
const std::string& sample() {
  static const std::string token =
      test::make_token(R"({"alg":"RS256","kid":"k1","typ":"JWT"})", test::confidential_space_payload(), "RS256", signer());
  return token;
}

void bare_rsa_2048(benchmark::State& state) {
  const auto key = OrDie(crypto::PublicKey::from_spki(signer().spki()));
  const std::string text = sample().substr(0, sample().rfind('.'));
  const Bytes signature = signer().sign("RS256", text);
  for (auto _ : state) benchmark::DoNotOptimize(key.verify(crypto::SignatureScheme::rsa_pkcs1_sha256, as_bytes(text), signature).ok());
}
BENCHMARK(bare_rsa_2048);

void confidential_space_parse(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(gcp::parse(sample()).ok());
}
BENCHMARK(confidential_space_parse);

void confidential_space_authenticate(benchmark::State& state) {
  const auto keys = OrDie(crypto::parse_jwk_set(test::jwk_set(signer(), "k1", "RS256")));
  const auto parsed = OrDie(gcp::parse(sample()));
  const token::Issuer issuer = token::google_oidc();
  for (auto _ : state) {
    const auto outcome = gcp::authenticate(
        parsed, {.issuer = issuer, .key_set = keys, .audience = "https://verifier.example", .now = Instant(1790001000)});
    if (!outcome.authentic) state.SkipWithError("not authentic");
  }
}
BENCHMARK(confidential_space_authenticate);

void evidence_certificate_parse(benchmark::State& state) {
  const auto& key = test::test_signer(test::SignerKind::p256, "enclave");
  Bytes quote(4700, std::byte{3});
  quote[1] = std::byte{0};
  const Bytes der = test::signer_certificate(
      {.extensions = {{"2.23.133.5.4.9", cert::encode_tagged(quote, cert::encode_claims(key.spki()))}}}, key, key);
  for (auto _ : state) benchmark::DoNotOptimize(cert::parse(der).ok());
}
BENCHMARK(evidence_certificate_parse);

}  // namespace
}  // namespace redoubt

BENCHMARK_MAIN();
