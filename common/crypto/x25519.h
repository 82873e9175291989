// X25519 (RFC 7748): Diffie-Hellman on Curve25519, below HPKE. The peer's public key may be any 32 bytes: those that lead
// to the all-zero shared secret (points of small order) are refused, as RFC 7748 section 6.1 allows and RFC 9180 section
// 7.1.4 demands. The result is not a key: derive one from it. Thread-safe: keys are immutable after they are made.
#pragma once

#include <memory>

#include "common/base/bytes.h"
#include "common/base/secret.h"
#include "common/crypto/random.h"

namespace redoubt::crypto {

using X25519PublicKey = FixedBytes<struct X25519PublicKeyTag, 32>;

class X25519PrivateKey {
 public:
  // generate draws 32 bytes from `random`.
  static Result<X25519PrivateKey> generate(Random& random);
  // from_bytes takes the 32 bytes of RFC 7748 section 5, clamped at use; another size is `malformed`.
  static Result<X25519PrivateKey> from_bytes(const SecretBytes& bytes);

  X25519PrivateKey(X25519PrivateKey&&) noexcept;
  X25519PrivateKey& operator=(X25519PrivateKey&&) noexcept;
  ~X25519PrivateKey();

  const X25519PublicKey& public_key() const { return public_key_; }
  // bytes: the private key as it was given, unclamped.
  SecretBytes bytes() const;

  // agree gives the 32-byte shared secret; `malformed` when `peer` leads to the all-zero one.
  Result<SecretBytes> agree(const X25519PublicKey& peer) const;

 private:
  struct State;
  X25519PrivateKey(std::unique_ptr<State> state, const X25519PublicKey& public_key);
  std::unique_ptr<State> state_;
  X25519PublicKey public_key_;
};

}  // namespace redoubt::crypto
