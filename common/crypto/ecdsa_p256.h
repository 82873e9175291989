// ECDSA over P-256 with SHA-256 (FIPS 186-4): TLS keys and TPM attestation keys. Verification takes r and s as numbers,
// since TPMs, COSE and X.509 each write them differently. A key is checked to be a point on the curve when it is made;
// keys and signatures come from anywhere and are distrusted. OpenSSL's generator makes the private keys and the
// per-signature nonces (which it also mixes with key and digest). Thread-safe: keys are immutable after they are made.
#pragma once

#include <memory>

#include "common/base/bytes.h"
#include "common/base/secret.h"
#include "common/crypto/digest.h"

namespace redoubt::crypto {

// EcdsaP256Signature: r and s, 32 bytes big-endian each.
struct EcdsaP256Signature {
  FixedBytes<struct EcdsaP256RTag, 32> r;
  FixedBytes<struct EcdsaP256STag, 32> s;

  // from_bytes takes r, then s (IEEE P1363, as JOSE and COSE write it); another size than 64 is `malformed`.
  static Result<EcdsaP256Signature> from_bytes(ByteView bytes);
};

class EcdsaP256PublicKey {
 public:
  // from_point takes the affine coordinates, 32 bytes big-endian each; a point off the curve is `malformed`.
  static Result<EcdsaP256PublicKey> from_point(ByteView x, ByteView y);
  // from_spki takes a DER SubjectPublicKeyInfo (RFC 5480) without trailing bytes.
  static Result<EcdsaP256PublicKey> from_spki(ByteView der);

  EcdsaP256PublicKey(EcdsaP256PublicKey&&) noexcept;
  EcdsaP256PublicKey& operator=(EcdsaP256PublicKey&&) noexcept;
  ~EcdsaP256PublicKey();

  Bytes spki() const;

  // verify_digest: ok, or `chain`. r and s are big-endian, at most 32 bytes each.
  Status verify_digest(const Sha256Digest& digest, ByteView r, ByteView s) const;

 private:
  struct State;
  explicit EcdsaP256PublicKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class EcdsaP256PrivateKey {
 public:
  // generate makes a new key with OpenSSL's generator.
  static Result<EcdsaP256PrivateKey> generate();
  // from_pkcs8 takes a DER PrivateKeyInfo (RFC 5208, RFC 5915) in the one form that pkcs8() writes:
  // 138 bytes with named curve and matching public key. Anything else is `malformed`.
  static Result<EcdsaP256PrivateKey> from_pkcs8(const SecretBytes& der);

  EcdsaP256PrivateKey(EcdsaP256PrivateKey&&) noexcept;
  EcdsaP256PrivateKey& operator=(EcdsaP256PrivateKey&&) noexcept;
  ~EcdsaP256PrivateKey();

  SecretBytes pkcs8() const;
  EcdsaP256PublicKey public_key() const;
  EcdsaP256Signature sign_digest(const Sha256Digest& digest) const;

 private:
  struct State;
  explicit EcdsaP256PrivateKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace redoubt::crypto
