// JWS in compact form (RFC 7515) with EdDSA over Ed25519 (RFC 8037), and nothing else: Attestation Results and other
// signed answers between our programs.
//
// The token comes from anywhere. Its header is not interpreted: it must be, byte for byte, the one spelling that jws_sign
// writes, so there is no choice of algorithm, no embedded or fetched key, no critical extension. The caller brings the key
// and the type it expects; the key id in the token only helps to find a key among those the caller trusts. Whether the
// payload is fresh or meant for the reader is for the payload to say. Pure and thread-safe.
#pragma once

#include <string>

#include "common/crypto/ed25519.h"

namespace redoubt::crypto {

inline constexpr std::size_t kJwsMaxPayload = std::size_t{1} << 20;

// JwsHeader: `typ` and `kid`, each at most 128 characters of A-Z a-z 0-9 + - . / : = _ (no escape is ever needed). Written
// as {"alg":"EdDSA","kid":"...","typ":"..."}; an empty one is left out. Our tokens have both: the example of RFC 8037 has
// neither.
struct JwsHeader {
  std::string type;
  std::string key_id;

  friend bool operator==(const JwsHeader&, const JwsHeader&) = default;
};

// jws_sign: header.payload.signature, each base64url without padding. `usage`: a header field outside its alphabet or a
// payload above kJwsMaxPayload.
Result<std::string> jws_sign(const Ed25519PrivateKey& key, const JwsHeader& header, ByteView payload);

// jws_verify gives the payload of a token of type `type` (exactly; "" means a token without a type) signed by `key`.
// `malformed`: not three such parts, or another header; `binding`: another type; `chain`: not signed by this key.
Result<Bytes> jws_verify(std::string_view token, const Ed25519PublicKey& key, std::string_view type);

// unverified_jws_header reads the header of a token whose signature nobody checked: to look up a key, for nothing else.
Result<JwsHeader> unverified_jws_header(std::string_view token);

}  // namespace redoubt::crypto
