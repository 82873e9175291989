// PublicKey: a verification key of any kind that Evidence and its endorsements are signed with: ECDSA P-256 and P-384, RSA.
//
// A key is checked when it is made: a point on its curve; an RSA modulus of 2048 to 8192 bits, odd, with exponent 65537. The
// scheme is always the caller's: it comes from the profile of the format that is verified, never from the signed bytes alone,
// and a scheme that does not fit the key is refused. Keys and signatures come from anywhere and are distrusted. Immutable,
// cheap to copy, thread-safe. FIPS 186-4, RFC 8017, RFC 5480.
#pragma once

#include <memory>

#include "common/base/bytes.h"
#include "common/crypto/digest.h"

namespace redoubt::crypto {

enum class KeyKind { p256, p384, rsa };
enum class HashKind { sha256, sha384, sha512 };

enum class SignatureScheme {
  ecdsa_sha256, ecdsa_sha384, ecdsa_sha512,          // either curve
  rsa_pkcs1_sha256, rsa_pkcs1_sha384, rsa_pkcs1_sha512,
  rsa_pss_sha256, rsa_pss_sha384, rsa_pss_sha512,    // MGF1 with the same hash, salt as long as the hash
};
HashKind hash_of(SignatureScheme scheme);
std::string_view scheme_text(SignatureScheme scheme);

// hash gives 32, 48 or 64 bytes.
Bytes hash(HashKind kind, ByteView bytes);

class PublicKey {
 public:
  // from_spki takes a DER SubjectPublicKeyInfo without trailing bytes (named curves, uncompressed points).
  static Result<PublicKey> from_spki(ByteView der);
  // from_point: affine coordinates, big-endian, exactly as long as the field.
  static Result<PublicKey> from_point(KeyKind curve, ByteView x, ByteView y);
  // from_rsa: big-endian modulus without leading zeros, exponent 65537.
  static Result<PublicKey> from_rsa(ByteView modulus);

  KeyKind kind() const;
  unsigned bits() const;
  // spki: DER; sha256 of it is the usual pin. Lives as long as any copy of this key.
  ByteView spki() const;

  // verify: `signature` is DER (r, s) for ECDSA, the octets for RSA. ok, or `chain`.
  Status verify(SignatureScheme scheme, ByteView message, ByteView signature) const;
  // verify_raw: ECDSA with r and s, big-endian, each exactly as long as the field, concatenated (IEEE P1363); 1 <= r, s < n.
  Status verify_raw(SignatureScheme scheme, ByteView message, ByteView signature) const;
  // verify_digest: as verify, for a message hashed already; its size must be the hash's.
  Status verify_digest(SignatureScheme scheme, ByteView digest, ByteView signature) const;

 private:
  struct State;
  explicit PublicKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace redoubt::crypto
