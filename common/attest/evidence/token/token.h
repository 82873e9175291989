// Token: a signed statement of an attestation service (Confidential Space, Azure Attestation, Intel Trust Authority), and
// authenticate(), which judges whose statement it is, for whom and when.
//
// The bearer sends it and may lie in every byte. J1 (key, algorithm, signature), J2 (issuer, audience, times, nonce) and J4
// (nothing in the token chooses its own key) all run whether or not an earlier one failed; the claims can be read only from
// Authentic<Token>. What the claims must say (J3) is the policy's business, on a floor above. No download, no clock. Pure and
// thread-safe. RFC 7515, RFC 7519, RFC 8725; docs/specs/cloud-tokens.md.
#pragma once

#include <memory>
#include <span>

#include "common/attest/evidence/check.h"
#include "common/attest/evidence/token/issuer.h"
#include "common/attest/evidence/type_state.h"
#include "common/base/instant.h"

namespace redoubt::token {

// What an authentic token says about itself.
struct Token {
  using Authenticator = class TokenAuthenticator;

  std::shared_ptr<const crypto::Jwt> jwt;  // never null
  // Filled by authenticate():
  std::string issuer;
  std::string audience;             // empty when the issuer writes none
  Interval window;                  // from the later of nbf and iat to the last second before exp, without skew
  Instant issued_at;
  std::vector<std::string> nonces;  // in the order of the token
  crypto::Sha256Digest key;         // of the SubjectPublicKeyInfo of the key that signed
  std::optional<crypto::Sha256Digest> anchor;  // of the root's, for KeySource::certificate_chain

  const json::Value& claims() const { return jwt->payload(); }
};

// parse: form only; `malformed` names the part or member. A claim that occurs twice is a matter of form.
Result<attest::Parsed<Token>> parse(std::string_view token);

// unverified_claims: the payload, believed by nobody: for rooms that read the claims of one service, and for display.
const json::Value& unverified_claims(const attest::Parsed<Token>& parsed);
// describe: header and claims for people, marked as unverified.
json::Value describe(const attest::Parsed<Token>& parsed);

// VerifiedChain: a chain from x5c that was checked once: an immutable proof object for caches.
class VerifiedChain {
 public:
  const crypto::Sha256Digest& certificates() const { return certificates_; }
  const crypto::Sha256Digest& anchor() const { return anchor_; }
  const Interval& validity() const { return validity_; }

 private:
  friend Result<VerifiedChain> verify_chain(std::span<const Bytes>, std::span<const crypto::Sha256Digest>, Instant);
  friend class TokenAuthenticator;
  explicit VerifiedChain(crypto::PublicKey key) : key_(std::move(key)) {}
  crypto::Sha256Digest certificates_;
  crypto::Sha256Digest anchor_;
  Interval validity_;
  crypto::PublicKey key_;
};

// verify_chain: exactly leaf, intermediate and root, each issued by the next and valid at `now`; the leaf is no CA and may sign;
// SHA-256 of the root's SubjectPublicKeyInfo is one of `roots`. `malformed`, `chain` or `freshness`.
Result<VerifiedChain> verify_chain(std::span<const Bytes> certificates, std::span<const crypto::Sha256Digest> roots, Instant now);

// What the verifier brings. Borrowed for the call.
struct Inputs {
  const Issuer& issuer;
  std::span<const crypto::Jwk> key_set = {};             // pinned keys, for KeySource::key_set
  std::span<const crypto::Sha256Digest> roots = {};      // pinned roots, for KeySource::certificate_chain
  // From a cache; used only if its certificates are the token's, its anchor is one of `roots` and now is inside.
  const VerifiedChain* verified_chain = nullptr;
  std::string_view audience;                             // must be given where the issuer writes one
  std::optional<std::string_view> nonce = std::nullopt;  // the one that the verifier sent
  std::int64_t skew_seconds = 0;                         // how far the issuer's clock may be from `now`; 0 to 600
  Instant now;
};

struct Outcome {
  std::vector<attest::Check> checks;  // J1, J2, J4: each once, in this order
  std::optional<attest::Authentic<Token>> authentic;
  Interval validity{Instant(1), Instant(0)};  // of token and chain, with the skew; empty where J1 or J2 failed
};

Outcome authenticate(const attest::Parsed<Token>& parsed, const Inputs& inputs);

}  // namespace redoubt::token
