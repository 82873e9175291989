// Confidential Space tokens, as the folder gcp-confidential-space lists them.
#include "client/sdk/conformance/entry.h"
#include "common/attest/evidence/gcp/confidential_space.h"

namespace redoubt::conformance {
namespace {

json::Value texts_or_null(const std::optional<gcp::Texts>& texts) {
  return texts ? json::Value(json::Array(texts->begin(), texts->end())) : json::Value();
}

json::Value nonce_json(const std::vector<std::string>& nonces) {
  if (nonces.empty()) return {};
  if (nonces.size() == 1) return nonces.front();
  return json::Array(nonces.begin(), nonces.end());
}

}  // namespace

Result<Facts> token_facts(const Entry& entry) {
  REDOUBT_TRY(const Bytes bytes, entry.evidence("token"));
  REDOUBT_TRY(const Instant now, entry.at());
  std::string text(as_text(bytes));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  REDOUBT_TRY(const auto parsed, gcp::parse(text));
  std::vector<crypto::Jwk> keys;
  if (entry.has("keys")) {
    REDOUBT_TRY(const Bytes set, entry.file("keys"));
    REDOUBT_TRY(keys, crypto::parse_jwk_set(as_text(set)));
  }
  const token::Issuer issuer = keys.empty() ? token::google_pki() : token::google_oidc();
  const crypto::Sha256Digest roots[] = {token::confidential_space_root()};
  const std::string audience = gcp::unverified_audience(parsed);  // the case says which one it is, and it is compared below
  const gcp::Outcome outcome = gcp::authenticate(parsed, {.issuer = issuer, .key_set = keys, .roots = roots, .audience = audience, .now = now});
  Facts facts{{"authentic", outcome.authentic.has_value()}, {"accept_under_strict_policy", false}, {"verdict", "reject"}};
  if (!outcome.authentic) return facts;

  const gcp::ConfidentialSpace& space = **outcome.authentic;
  const gcp::Claims& claims = space.claims;
  const token::Token& token = **space.token;
  const bool debug = claims.debug != gcp::DebugStatus::disabled_since_boot;
  facts["verdict"] = "accept";
  facts["accept_under_strict_policy"] = !debug;
  facts.emplace("alg", crypto::jwt_algorithm_text(issuer.algorithm));
  facts.emplace("iss", token.issuer);
  facts.emplace("aud", token.audience);
  facts.emplace("hwmodel", claims.hwmodel);
  facts.emplace("swname", claims.swname);
  facts.emplace("swversion", json::Array(claims.swversion.begin(), claims.swversion.end()));
  facts.emplace("dbgstat", claims.dbgstat);
  facts.emplace("secboot", claims.secboot ? json::Value(*claims.secboot) : json::Value());
  facts.emplace("image_digest", claims.container ? json::Value("sha256:" + claims.container->image_digest.hex()) : json::Value());
  facts.emplace("eat_nonce", nonce_json(token.nonces));
  facts.emplace("support_attributes", texts_or_null(claims.support_attributes));
  facts.emplace("why_not", debug ? json::Value("dbgstat is not disabled-since-boot (debug image)") : json::Value());
  return facts;
}

}  // namespace redoubt::conformance
