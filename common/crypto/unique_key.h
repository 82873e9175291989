// UniqueKey: a verification key as PublicKey is one, for who uses it once and where it stands: it has one owner and keeps no SPKI.
//
// A key that arrives with the Evidence that it signed verifies one signature and goes. This asks for no memory but OpenSSL's own, and takes
// a message in parts, so that nobody has to put them together. A key is checked when it is made, as a PublicKey is, which is made of one:
// the same is refused with the same words. Keys and signatures come from anywhere and are distrusted. Immutable, thread-safe. FIPS 186-4,
// RFC 8017, RFC 5480.
#pragma once

#include <initializer_list>
#include <memory>

#include "common/crypto/public_key.h"

// OpenSSL's names of EC_POINT and RSA.
struct ec_point_st;
struct rsa_st;

namespace redoubt::crypto {

class UniqueKey {
 public:
  // Message: its parts, one after another.
  using Message = std::initializer_list<ByteView>;

  // As those of PublicKey.
  static Result<UniqueKey> from_spki(ByteView der);
  static Result<UniqueKey> from_point(KeyKind curve, ByteView x, ByteView y);
  static Result<UniqueKey> from_rsa(ByteView modulus);

  KeyKind kind() const { return kind_; }
  unsigned bits() const { return bits_; }

  // As those of PublicKey.
  Status verify(SignatureScheme scheme, Message message, ByteView signature) const;
  Status verify_raw(SignatureScheme scheme, Message message, ByteView signature) const;
  Status verify_digest(SignatureScheme scheme, ByteView digest, ByteView signature) const;

 private:
  struct Free {
    void operator()(ec_point_st* point) const;
    void operator()(rsa_st* key) const;
  };
  using Point = std::unique_ptr<ec_point_st, Free>;
  using Rsa = std::unique_ptr<rsa_st, Free>;

  UniqueKey(KeyKind kind, unsigned bits, Point point, Rsa rsa) : kind_(kind), bits_(bits), point_(std::move(point)), rsa_(std::move(rsa)) {}
  static Result<UniqueKey> make_ec(KeyKind curve, ByteView point);
  bool verify_ecdsa(ByteView digest, ByteView r, ByteView s) const;
  bool verify_rsa(SignatureScheme scheme, ByteView digest, ByteView signature) const;

  KeyKind kind_;
  unsigned bits_;
  Point point_;  // of p256 and p384
  Rsa rsa_;      // of rsa
};

}  // namespace redoubt::crypto
