// Ed25519 (RFC 8032, pure): the signature of participants, receipts, checkpoints and Attestation Results.
//
// Messages are whole byte strings that start with their own label (Fields, or canonical JSON with a type). Thread-safe:
// keys are immutable after they are made.
#pragma once

#include <memory>

#include "common/base/bytes.h"
#include "common/base/secret.h"
#include "common/crypto/random.h"

namespace redoubt::crypto {

using Ed25519PublicKey = FixedBytes<struct Ed25519PublicKeyTag, 32>;
using Ed25519Signature = FixedBytes<struct Ed25519SignatureTag, 64>;

class Ed25519PrivateKey {
 public:
  // generate draws the 32-byte seed from `random`.
  static Result<Ed25519PrivateKey> generate(Random& random);
  // from_seed takes the 32-byte private key of RFC 8032 section 5.1.5; another size is `malformed`.
  static Result<Ed25519PrivateKey> from_seed(const SecretBytes& seed);

  Ed25519PrivateKey(Ed25519PrivateKey&&) noexcept;
  Ed25519PrivateKey& operator=(Ed25519PrivateKey&&) noexcept;
  ~Ed25519PrivateKey();

  const Ed25519PublicKey& public_key() const { return public_key_; }
  SecretBytes seed() const;
  Ed25519Signature sign(ByteView message) const;

 private:
  struct State;
  Ed25519PrivateKey(std::unique_ptr<State> state, const Ed25519PublicKey& public_key);
  std::unique_ptr<State> state_;
  Ed25519PublicKey public_key_;
};

// verify: ok, or `chain` when the signature is not by `key` over `message`, or when `key` is a point of small order (the key of
// zeros is one), for which anyone can sign.
Status verify(const Ed25519PublicKey& key, ByteView message, const Ed25519Signature& signature);

}  // namespace redoubt::crypto
