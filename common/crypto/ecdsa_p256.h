// ECDSA over P-256 with SHA-256 (FIPS 186-4): TLS keys and TPM attestation keys. Verification takes r and s as numbers,
// since TPMs, COSE and X.509 each write them differently. A key is checked to be a point on the curve when it is made.
#pragma once

#include <memory>

#include "common/base/bytes.h"
#include "common/crypto/digest.h"

namespace redoubt::crypto {

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

}  // namespace redoubt::crypto
