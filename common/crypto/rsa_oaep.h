// RSA public keys and encryption to them with OAEP (RFC 8017 section 7.1), SHA-256 for both hash and MGF1: how a secret goes to
// the endorsement key of a TPM. Keys come from anywhere and are distrusted. OpenSSL's generator makes the seed of the padding.
// Decryption is not here: the private keys live in TPMs. Thread-safe: keys are immutable.
#pragma once

#include <cstdint>
#include <memory>

#include "common/base/bytes.h"
#include "common/base/secret.h"

namespace redoubt::crypto {

class RsaPublicKey {
 public:
  // from_spki takes a DER SubjectPublicKeyInfo (RFC 3279, rsaEncryption) without trailing bytes.
  static Result<RsaPublicKey> from_spki(ByteView der);
  // from_numbers takes a big-endian modulus and the exponent. Both makers want a modulus of 2048 to 4096 bits and an odd
  // exponent above 2^16; `malformed` otherwise.
  static Result<RsaPublicKey> from_numbers(ByteView modulus, std::uint64_t exponent);

  RsaPublicKey(RsaPublicKey&&) noexcept;
  RsaPublicKey& operator=(RsaPublicKey&&) noexcept;
  ~RsaPublicKey();

  // modulus: big-endian, without leading zeros.
  const Bytes& modulus() const;
  std::uint64_t exponent() const;

  // encrypt_oaep: as many bytes as the modulus has. `usage` if the message is longer than the modulus less 66 bytes.
  Result<Bytes> encrypt_oaep(ByteView label, const SecretBytes& message) const;

 private:
  struct State;
  explicit RsaPublicKey(std::unique_ptr<State> state);
  static Result<RsaPublicKey> checked(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace redoubt::crypto
