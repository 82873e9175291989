// Issuer: what a verifier knows of an attestation service before it sees a token: data, not code.
//
// The algorithm and the kind of key come from here and never from the token (RFC 8725 sections 3.1 and 3.2). The makers below
// give what the vendors publish; another service is another value of this type.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/crypto/digest.h"
#include "common/crypto/jwt.h"

namespace redoubt::token {

enum class KeySource {
  key_set,            // a key of a pinned set, found by kid
  certificate_chain,  // leaf, intermediate and root in x5c; the root's key is pinned
};

struct Issuer {
  std::string name;  // the iss claim, exactly
  crypto::JwtAlgorithm algorithm = crypto::JwtAlgorithm::rs256;
  KeySource key_source = KeySource::key_set;
  // The jku that genuine tokens of this issuer carry. It is compared and never followed; without a value a token with jku fails
  // J4, and so does one with another address.
  std::optional<std::string> key_address;
  bool has_audience = true;               // false: the service writes no aud claim
  std::vector<std::string> nonce_claim;   // the path to the nonce, outermost name first; empty: the service writes none
};

// Google Cloud Attestation for Confidential Space: tokens under the service's key set, or under its own certificate authority.
Issuer google_oidc();
Issuer google_pki();
// Microsoft Azure Attestation; `instance` is the address of the provider's instance, such as https://shareduks.uks.attest.azure.net.
Issuer microsoft(std::string_view instance);
// Intel Trust Authority: PS384, or RS256 when the requester asked for it. With nonce_claim {"eat_nonce"} its tokens for
// Confidential Space.
Issuer intel(crypto::JwtAlgorithm algorithm = crypto::JwtAlgorithm::ps384);

// SHA-256 of the SubjectPublicKeyInfo of "Confidential Space Root CA", valid 2024-01-19 to 2034-01-16.
const crypto::Sha256Digest& confidential_space_root();

}  // namespace redoubt::token
