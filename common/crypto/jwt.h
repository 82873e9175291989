// Foreign JWS tokens in compact form (RFC 7515, RFC 7519): what attestation services of clouds and vendors sign.
//
// The token comes from anywhere. Which algorithm and which key verify it is the caller's to say, from the configuration of the
// issuer (RFC 8725 section 3.1): the header only helps to find a key among those the caller trusts. A key in the token (jwk)
// and the addresses of keys (jku, x5u) are recorded, so that the caller can refuse them, and never used. Strict: exactly three
// parts, base64url in its one spelling without padding, JSON without duplicate names, a header with known members only.
// Nothing is downloaded, no clock is read. Our own tokens are in jws.h. Pure and thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/json.h"
#include "common/crypto/public_key.h"

namespace redoubt::crypto {

inline constexpr std::size_t kJwtMaxSize = std::size_t{256} << 10;
inline constexpr std::size_t kJwtMaxCertificates = 8;

enum class JwtAlgorithm { rs256, ps256, ps384, es256, es384 };
std::string_view jwt_algorithm_text(JwtAlgorithm algorithm);

// JwtHeader: what a token says about itself; nobody's word.
struct JwtHeader {
  std::string algorithm;  // as written: "none" and names we do not know are for the caller to refuse
  std::optional<std::string> key_id, type;
  std::optional<std::string> key_address, certificate_address;  // jku, x5u: never followed
  bool embedded_key = false;                                    // jwk: never used
  std::optional<std::vector<Bytes>> certificates;               // x5c, DER, leaf first
};

// Jwt: a token taken apart. Owns its bytes; nothing in it is verified.
class Jwt {
 public:
  // parse: `malformed` names the part, and for a member of the header its name. Members other than alg, typ, kid, x5c, jku, jwk
  // and x5u are refused, "crit" among them.
  static Result<Jwt> parse(std::string_view token);

  const JwtHeader& header() const { return header_; }
  // payload: the JSON object, names unique; floats are possible.
  const json::Value& payload() const { return payload_; }
  // verify: the signature over header and payload with the caller's algorithm and key; the header must name that algorithm
  // too. ES256 needs a P-256 key, ES384 one of P-384. ok, or `chain`.
  Status verify(JwtAlgorithm algorithm, const PublicKey& key) const;

 private:
  Jwt() = default;
  std::string signed_text_;
  Bytes signature_;
  JwtHeader header_;
  json::Value payload_;
};

// Jwk: a key that somebody published under a name.
struct Jwk {
  std::string key_id;
  std::optional<std::string> algorithm;  // a token under another one is not for this key
  PublicKey key;
};

// parse_jwk_set reads a JSON Web Key Set (RFC 7517 section 5) that the caller has pinned: RSA (n, e) and EC (crv, x, y) keys, or,
// where they are absent, the key of the first certificate in x5c. Entries for encryption are left out; a key without kid, two
// with the same kid, or an entry that cannot be read, is `malformed`. At most 64 keys.
Result<std::vector<Jwk>> parse_jwk_set(std::string_view text);

}  // namespace redoubt::crypto
