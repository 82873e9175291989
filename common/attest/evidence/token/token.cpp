#include "common/attest/evidence/token/token.h"

#include <set>

#include "common/crypto/certificate_view.h"

namespace redoubt::token {
namespace {

using attest::CheckId;

constexpr std::int64_t kMaxTime = 253402300799;  // 9999-12-31T23:59:59Z
constexpr std::int64_t kMaxSkew = 600;
constexpr std::size_t kMaxNonces = 64;
constexpr std::size_t kChain = 3;
// Extended key usage: the services say for no purpose of X.509 what their leaves are for, and Google's own verifier takes any.
constexpr der::Oid kReadCritical[] = {der::oid("2.5.29.37")};

const json::Value* member(const json::Value& value, std::string_view name) {
  if (value.object() == nullptr) return nullptr;
  const auto found = value.object()->find(name);
  return found == value.object()->end() ? nullptr : &found->second;
}

Error binding(std::string message) { return Error(Code::binding, std::move(message)); }

// shown: a foreign string for a message, at most 128 bytes; messages are UTF-8 since the token's JSON is.
std::string shown(std::string_view text) {
  if (text.size() <= 128) return "'" + std::string(text) + "'";
  std::size_t end = 128;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return "'" + std::string(text.substr(0, end)) + "...'";
}

crypto::Sha256Digest chain_digest(std::span<const Bytes> certificates) {
  Fields fields("redoubt token certificates v1");
  for (const Bytes& der : certificates) fields.field(der);
  return crypto::sha256(fields.view());
}

bool pinned(std::span<const crypto::Sha256Digest> roots, const crypto::Sha256Digest& root) {
  return std::ranges::find(roots, root) != roots.end();
}

Result<std::string> text_claim(const json::Value& claims, std::string_view name) {
  const json::Value* value = member(claims, name);
  if (value == nullptr) return binding("no " + std::string(name) + " claim");
  if (value->string() == nullptr) return binding(std::string(name) + " is not a string");
  return *value->string();
}

Result<std::int64_t> time_claim(const json::Value& claims, std::string_view name) {
  const json::Value* value = member(claims, name);
  if (value == nullptr) return Error(Code::freshness, "no " + std::string(name) + " claim");
  const std::int64_t* seconds = value->integer();
  if (seconds == nullptr || *seconds < 0 || *seconds > kMaxTime) {
    return Error(Code::freshness, std::string(name) + " is not a time in whole seconds");
  }
  return *seconds;
}

}  // namespace

class TokenAuthenticator {
 public:
  static const json::Value& payload(const attest::Parsed<Token>& parsed) { return parsed.value_.claims(); }
  static const crypto::JwtHeader& header(const attest::Parsed<Token>& parsed) { return parsed.value_.jwt->header(); }

  TokenAuthenticator(const attest::Parsed<Token>& parsed, const Inputs& inputs)
      : token_(parsed.value_), header_(token_.jwt->header()), inputs_(inputs) {}

  Outcome run() {
    judge(CheckId::j1, std::string(crypto::jwt_algorithm_text(inputs_.issuer.algorithm)) + " under a pinned key", check_key());
    judge(CheckId::j2, wanted(), check_claims());
    judge(CheckId::j4, "a header without keys and without addresses of keys", check_header());
    Outcome outcome;
    outcome.checks = std::move(checks_);
    if (outcome.checks[0].outcome == attest::Outcome::passed && outcome.checks[1].outcome == attest::Outcome::passed) {
      outcome.validity = accepted().intersect(chain_validity_);
      if (outcome.checks[2].outcome == attest::Outcome::passed) outcome.authentic = attest::Authentic<Token>(std::move(token_));
    }
    return outcome;
  }

 private:
  void judge(CheckId id, std::string expected, const Result<std::string>& found) {
    if (found.ok()) {
      checks_.push_back(attest::passed(id, std::move(expected), *found));
    } else {
      checks_.push_back(attest::failed(id, found.error().code(), std::move(expected), found.error().message()));
    }
  }

  // J1
  Result<std::string> check_key() {
    if (header_.type && *header_.type != "JWT") {
      return Error(Code::chain, "token type: expected JWT, found " + shown(*header_.type));
    }
    return inputs_.issuer.key_source == KeySource::key_set ? check_key_of_set() : check_key_of_chain();
  }

  Result<std::string> check_key_of_set() {
    if (!header_.key_id) return Error(Code::chain, "token header: expected a kid of the key set, found none");
    const auto jwk = std::ranges::find(inputs_.key_set, *header_.key_id, &crypto::Jwk::key_id);
    if (jwk == inputs_.key_set.end()) return Error(Code::chain, "kid " + shown(*header_.key_id) + " is not in the key set");
    if (jwk->algorithm && *jwk->algorithm != crypto::jwt_algorithm_text(inputs_.issuer.algorithm)) {
      return Error(Code::chain, "the key set gives kid " + shown(*header_.key_id) + " to " + shown(*jwk->algorithm));
    }
    REDOUBT_CHECK(token_.jwt->verify(inputs_.issuer.algorithm, jwk->key));
    token_.key = crypto::sha256(jwk->key.spki());
    return header_.algorithm + " under kid " + shown(*header_.key_id);
  }

  Result<std::string> check_key_of_chain() {
    if (!header_.certificates) return Error(Code::chain, "token header: expected x5c, found none");
    const std::span<const Bytes> certificates = *header_.certificates;
    const VerifiedChain* chain = inputs_.verified_chain;
    std::optional<VerifiedChain> own;
    if (chain == nullptr || chain->certificates_ != chain_digest(certificates) || !pinned(inputs_.roots, chain->anchor_) ||
        !chain->validity_.contains(inputs_.now)) {
      REDOUBT_TRY(own, verify_chain(certificates, inputs_.roots, inputs_.now));
      chain = &*own;
    }
    REDOUBT_CHECK(token_.jwt->verify(inputs_.issuer.algorithm, chain->key_));
    token_.key = crypto::sha256(chain->key_.spki());
    token_.anchor = chain->anchor_;
    chain_validity_ = chain->validity_;
    return header_.algorithm + " under a chain that ends in " + chain->anchor_.hex();
  }

  // J2
  std::string wanted() const {
    std::string text = "issuer " + shown(inputs_.issuer.name);
    if (inputs_.issuer.has_audience) text += ", audience " + shown(inputs_.audience);
    text += ", valid at " + inputs_.now.text();
    if (inputs_.nonce) text += ", nonce " + shown(*inputs_.nonce);
    return text;
  }

  Result<std::string> check_claims() {
    REDOUBT_TRY(token_.issuer, text_claim(token_.claims(), "iss"));
    if (token_.issuer != inputs_.issuer.name) return binding("issuer " + shown(token_.issuer));
    REDOUBT_CHECK(check_audience());
    REDOUBT_CHECK(check_times());
    REDOUBT_CHECK(check_nonce());
    return "all of them, issued " + token_.issued_at.text() + (token_.nonces.empty() ? ", without a nonce" : "");
  }

  Status check_audience() {
    if (!inputs_.issuer.has_audience) {
      if (inputs_.audience.empty()) return {};
      return binding("the issuer writes no audience, but one is expected");
    }
    REDOUBT_TRY(token_.audience, text_claim(token_.claims(), "aud"));
    if (inputs_.audience.empty()) return binding("no expected audience was given; the token's is " + shown(token_.audience));
    if (token_.audience != inputs_.audience) return binding("audience " + shown(token_.audience));
    return {};
  }

  // RFC 7519 section 4.1: `now` must be before exp, and not before nbf. A token from the future (iat) is refused too.
  Status check_times() {
    REDOUBT_TRY(const std::int64_t not_before, time_claim(token_.claims(), "nbf"));
    REDOUBT_TRY(const std::int64_t issued, time_claim(token_.claims(), "iat"));
    REDOUBT_TRY(const std::int64_t expires, time_claim(token_.claims(), "exp"));
    token_.issued_at = Instant(issued);
    token_.window = {Instant(std::max(not_before, issued)), Instant(expires).plus_seconds(-1)};
    if (token_.window.end < token_.window.begin) {
      return Error(Code::freshness, "the token ends at " + Instant(expires).text() + " and begins at " + token_.window.begin.text());
    }
    if (inputs_.skew_seconds < 0 || inputs_.skew_seconds > kMaxSkew) {
      return Error(Code::usage, "skew: expected 0 to 600 seconds, found " + std::to_string(inputs_.skew_seconds));
    }
    if (!accepted().contains(inputs_.now)) {
      return Error(Code::freshness, "valid from " + token_.window.begin.text() + " until before " + Instant(expires).text());
    }
    return {};
  }

  Interval accepted() const {
    return {token_.window.begin.plus_seconds(-inputs_.skew_seconds), token_.window.end.plus_seconds(inputs_.skew_seconds)};
  }

  // One string or an array of them; each once.
  Status check_nonce() {
    const json::Value* value = inputs_.issuer.nonce_claim.empty() ? nullptr : &token_.claims();
    for (const std::string& name : inputs_.issuer.nonce_claim) {
      if (value != nullptr) value = member(*value, name);
    }
    if (value != nullptr && value->is_null()) value = nullptr;
    if (value != nullptr && value->string() != nullptr) {
      token_.nonces = {*value->string()};
    } else if (value != nullptr) {
      auto nonces = json::strings(*value, "nonce", kMaxNonces);
      if (!nonces.ok()) return binding(nonces.error().message());
      token_.nonces = std::move(nonces).value();
    }
    if (std::set<std::string_view>(token_.nonces.begin(), token_.nonces.end()).size() != token_.nonces.size()) {
      return binding("a nonce stands in the token twice");
    }
    if (!inputs_.nonce) return {};
    if (inputs_.nonce->empty()) return binding("the expected nonce is empty");
    if (token_.nonces.empty()) return Error(Code::freshness, "the token has no nonce");
    if (std::ranges::find(token_.nonces, *inputs_.nonce) == token_.nonces.end()) {
      return Error(Code::freshness, "the token has another nonce, " + shown(token_.nonces.front()));
    }
    return {};
  }

  // J4
  Result<std::string> check_header() const {
    if (header_.embedded_key) return Error(Code::chain, "the header holds a key (jwk)");
    if (header_.certificate_address) {
      return Error(Code::chain, "the header holds an address of certificates (x5u) " + shown(*header_.certificate_address));
    }
    if (header_.key_address && header_.key_address != inputs_.issuer.key_address) {
      return Error(Code::chain, "the header holds an address of keys (jku) " + shown(*header_.key_address));
    }
    if (header_.certificates && inputs_.issuer.key_source != KeySource::certificate_chain) {
      return Error(Code::chain, "the header holds certificates (x5c), but the issuer signs with a key set");
    }
    return std::string(header_.key_address ? "the issuer's own address, which is not followed" : "none that is used unpinned");
  }

  Token token_;  // a copy, which becomes the authentic value
  const crypto::JwtHeader& header_;
  const Inputs& inputs_;
  std::vector<attest::Check> checks_;
  Interval chain_validity_{Instant(0), Instant(kMaxTime)};
};

Result<attest::Parsed<Token>> parse(std::string_view text) {
  REDOUBT_TRY(crypto::Jwt jwt, crypto::Jwt::parse(text));
  Token token;
  token.jwt = std::make_shared<const crypto::Jwt>(std::move(jwt));
  return attest::Parsed<Token>(std::move(token));
}

const json::Value& unverified_claims(const attest::Parsed<Token>& parsed) { return TokenAuthenticator::payload(parsed); }

json::Value describe(const attest::Parsed<Token>& parsed) {
  const crypto::JwtHeader& header = TokenAuthenticator::header(parsed);
  json::Object shown_header{{"alg", header.algorithm}};
  if (header.key_id) shown_header.emplace("kid", *header.key_id);
  if (header.type) shown_header.emplace("typ", *header.type);
  if (header.key_address) shown_header.emplace("jku", *header.key_address);
  if (header.certificate_address) shown_header.emplace("x5u", *header.certificate_address);
  if (header.embedded_key) shown_header.emplace("jwk", "present");
  if (header.certificates) {
    json::Array digests;
    for (const Bytes& der : *header.certificates) digests.emplace_back(crypto::sha256(der).hex());
    shown_header.emplace("x5c_sha256", std::move(digests));
  }
  return json::Object{{"format", "token"}, {"verified", false}, {"header", std::move(shown_header)},
                      {"claims", TokenAuthenticator::payload(parsed)}};
}

Result<VerifiedChain> verify_chain(std::span<const Bytes> certificates, std::span<const crypto::Sha256Digest> roots, Instant now) {
  if (certificates.size() != kChain) {
    return Error(Code::chain, "x5c: expected leaf, intermediate and root, found " + std::to_string(certificates.size()) +
                                  " certificates");
  }
  std::vector<crypto::CertificateView> views;
  for (const Bytes& der : certificates) {
    auto view = crypto::CertificateView::parse(der);
    if (!view.ok()) return view.error().context("x5c certificate " + std::to_string(views.size()));
    views.push_back(std::move(view).value());
  }
  const crypto::Sha256Digest anchor = crypto::sha256(views.back().spki);
  if (!pinned(roots, anchor)) return Error(Code::chain, "x5c: the chain ends in " + anchor.hex() + ", which is not pinned");
  auto validity = crypto::check_path(views, now, {.known_critical = kReadCritical});
  if (!validity.ok()) return validity.error().context("x5c");
  const crypto::CertificateView& leaf = views.front();
  if (leaf.is_ca.value_or(false)) return Error(Code::chain, "x5c: the leaf is a certificate authority");
  if (leaf.key_usage && (*leaf.key_usage & crypto::kDigitalSignature) == 0) {
    return Error(Code::chain, "x5c: the leaf's key usage has no digital signature");
  }
  REDOUBT_TRY(crypto::PublicKey key, leaf.public_key());
  VerifiedChain chain(std::move(key));
  chain.certificates_ = chain_digest(certificates);
  chain.anchor_ = anchor;
  chain.validity_ = *validity;
  return chain;
}

Outcome authenticate(const attest::Parsed<Token>& parsed, const Inputs& inputs) { return TokenAuthenticator(parsed, inputs).run(); }

}  // namespace redoubt::token
