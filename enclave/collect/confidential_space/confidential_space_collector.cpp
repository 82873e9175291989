#include "enclave/collect/confidential_space/confidential_space_collector.h"

#include "common/attest/evidence/gcp/confidential_space.h"
#include "common/base/utf8.h"
#include "common/crypto/jwt.h"
#include "common/net/client.h"

namespace redoubt::collect {
namespace {

std::string_view type_text(TokenType type) { return type == TokenType::oidc ? "OIDC" : "PKI"; }

// names: the claim is this text, or a list with it.
bool names(const json::Value& claims, std::string_view claim, const std::string& text) {
  const auto found = claims.object()->find(claim);
  if (found == claims.object()->end()) return false;
  if (const std::string* one = found->second.string()) return *one == text;
  const json::Array* list = found->second.array();
  return list != nullptr && std::ranges::any_of(*list, [&](const json::Value& item) { return item.string() != nullptr && *item.string() == text; });
}

}  // namespace

Result<std::string> ConfidentialSpaceCollector::request(const std::string& nonce) const {
  net::ClientOptions client;
  client.unix_path = options_.socket;
  client.connect_time = options_.connect_time;
  client.stall_time = options_.answer_time;
  client.max_response_bytes = kMaxToken;
  REDOUBT_TRY(net::HttpClient launcher, net::HttpClient::connect(client));
  net::ClientRequest request;
  request.method = "POST";
  request.target = "/v1/token";
  request.headers = {{"content-type", "application/json"}};
  request.body = to_bytes(json::canonical(json::Object{{"audience", options_.audience}, {"token_type", type_text(options_.type)}, {"nonces", json::Array{nonce}}}));
  REDOUBT_TRY(const net::ClientResponse answer, launcher.request(request));
  if (answer.status != 200) {
    const bool later = answer.status >= 500 || answer.status == 429;
    return Error(later ? Code::unavailable : Code::refused, "POST /v1/token: expected status 200, found " + std::to_string(answer.status));
  }
  std::string token(as_text(answer.body));
  if (token.ends_with('\n')) token.pop_back();
  return token;
}

Status ConfidentialSpaceCollector::check(const std::string& token, const std::string& nonce) const {
  // The form that the verifier reads; the second reading is for the claims, which the first keeps to itself.
  if (const auto parsed = gcp::parse(token); !parsed.ok()) return parsed.error();
  REDOUBT_TRY(const crypto::Jwt jwt, crypto::Jwt::parse(token));
  if (!names(jwt.payload(), "aud", options_.audience)) return Error(Code::binding, "token: expected the audience " + options_.audience + ", found another");
  if (!names(jwt.payload(), "eat_nonce", nonce)) return Error(Code::binding, "token: expected the nonce " + nonce + ", found another");
  if (jwt.header().certificates.has_value() != (options_.type == TokenType::pki)) {
    return Error(Code::binding, "token: expected type " + std::string(type_text(options_.type)) + ", found " +
                                    (jwt.header().certificates ? "one with certificates" : "one without certificates"));
  }
  return {};
}

Result<Collection> ConfidentialSpaceCollector::collect(ByteView statement) {
  const std::string doing = "collecting Evidence from Confidential Space at " + options_.socket;
  if (options_.audience.empty() || options_.audience.size() > ConfidentialSpaceOptions::kMaxAudience || !valid_utf8(options_.audience)) {
    return Error(Code::usage, "audience: expected 1 to " + std::to_string(ConfidentialSpaceOptions::kMaxAudience) + " bytes of UTF-8, found " +
                                  std::to_string(options_.audience.size()) + " bytes").context(doing);
  }
  const std::string nonce = crypto::sha256(statement).hex();
  REDOUBT_TRY(const std::string token, request(nonce).context(doing));
  REDOUBT_CHECK(check(token, nonce).context(doing));
  return Collection{{"token", to_bytes(token)}, {}};
}

}  // namespace redoubt::collect
