// SHA-256, SHA-384 and SHA-512 (FIPS 180-4), HMAC (RFC 2104) and HKDF (RFC 5869) over SHA-256. Pure and thread-safe.
// A digest over several fields is taken over `Fields` (common/base/writer.h), never over a plain concatenation.
#pragma once

#include <initializer_list>
#include <memory>

#include "common/base/bytes.h"
#include "common/base/secret.h"
#include "common/base/writer.h"

namespace redoubt::crypto {

using Sha256Digest = FixedBytes<struct Sha256Tag, 32>;
using Sha384Digest = FixedBytes<struct Sha384Tag, 48>;
using Sha512Digest = FixedBytes<struct Sha512Tag, 64>;

Sha256Digest sha256(ByteView bytes);
// sha256 of the parts one after another, as PCR extension needs it.
Sha256Digest sha256(std::initializer_list<ByteView> parts);
Sha384Digest sha384(ByteView bytes);
Sha512Digest sha512(ByteView bytes);

// digest_of<D>(label, field): SHA-256 over Fields(label).field(field), as the distinct digest type D.
template <class D>
D digest_of(std::string_view label, ByteView field) {
  static_assert(D::size == Sha256Digest::size);
  return D(sha256(Fields(label).field(field).view()).array());
}

// Sha256: a digest taken in pieces. update() any number of times, then finish() once.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();
  Sha256& update(ByteView bytes);
  Sha256Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

SecretBytes hmac_sha256(ByteView key, ByteView bytes);

// HKDF-Extract and HKDF-Expand of RFC 5869; `size` at most 255 * 32.
SecretBytes hkdf_extract(ByteView salt, ByteView input_key);
SecretBytes hkdf_expand(ByteView pseudo_random_key, ByteView info, std::size_t size);

}  // namespace redoubt::crypto
