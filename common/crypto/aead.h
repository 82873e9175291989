// AES-256-GCM (NIST SP 800-38D) with 96-bit nonces and 128-bit tags, the one AEAD of the house.
//
// Used in every zone; the ciphertext, its associated data and their order come from whoever stores or carries them, and
// may be anything. A nonce must never be used twice with one key: a repeat gives away the XOR of two plaintexts and the
// authentication key. So callers derive a fresh key for each file or context and count (envelope.h, hpke.h); nobody draws
// random nonces for a long-lived key. It does not commit to its key: whoever needs that adds a commitment (envelope.h
// does). An Aes256Gcm holds one expanded key and works in place; one thread at a time, another thread makes its own.
#pragma once

#include <memory>

#include "common/base/bytes.h"
#include "common/base/secret.h"

namespace redoubt::crypto {

using AeadNonce = FixedBytes<struct AeadNonceTag, 12>;
inline constexpr std::size_t kAeadKeySize = 32;
inline constexpr std::size_t kAeadTagSize = 16;
// Bytes in one message. Far below the 2^36 - 32 of SP 800-38D section 5.2.1.1: larger data go through the envelope.
inline constexpr std::size_t kAeadMaxPlaintext = std::size_t{1} << 30;

class Aes256Gcm {
 public:
  // from_key copies the 32-byte key into the cipher; another size is `malformed`.
  static Result<Aes256Gcm> from_key(const SecretBytes& key);

  Aes256Gcm(Aes256Gcm&&) noexcept;
  Aes256Gcm& operator=(Aes256Gcm&&) noexcept;
  ~Aes256Gcm();

  // seal_into writes ciphertext, then tag, to `out`, which must hold exactly plaintext.size() + 16 bytes. `out` may begin
  // where `plaintext` begins (in place); any other overlap, another size of `out` or too long a plaintext is `usage`.
  Status seal_into(const AeadNonce& nonce, ByteView associated, ByteView plaintext, std::span<std::byte> out);

  // open_into checks and decrypts `sealed` (ciphertext, then tag) into `out` of exactly sealed.size() - 16 bytes, in place
  // or apart as above. `malformed`: shorter than a tag. `binding`: key, nonce, associated data and bytes do not belong
  // together; `out` is then all zero. Never read `out` before the status.
  Status open_into(const AeadNonce& nonce, ByteView associated, ByteView sealed, std::span<std::byte> out);

  // seal and open: the same with a result of their own.
  Result<Bytes> seal(const AeadNonce& nonce, ByteView associated, ByteView plaintext);
  Result<Bytes> open(const AeadNonce& nonce, ByteView associated, ByteView sealed);
  // open_secret: for plaintexts that are keys.
  Result<SecretBytes> open_secret(const AeadNonce& nonce, ByteView associated, ByteView sealed);

 private:
  struct State;
  explicit Aes256Gcm(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace redoubt::crypto
