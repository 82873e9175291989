// KeyStream: the key stream of AES-256 in counter mode (NIST SP 800-38A section 6.5) as a generator of bits that whoever holds
// the key can repeat. For draws that must come out the same again, such as the noise of a released answer; nothing is encrypted
// or authenticated with it (aead.h does that). The key must be derived for one stream alone: two streams of one key are the same
// bytes. Move-only; one thread at a time.
#pragma once

#include <array>
#include <memory>

#include "common/base/bytes.h"
#include "common/base/secret.h"

namespace redoubt::crypto {

class KeyStream {
 public:
  static constexpr std::size_t kKeySize = 32;
  using Counter = FixedBytes<struct KeyStreamCounterTag, 16>;

  // from_key starts the stream of a 32-byte key (`malformed` otherwise) at `counter`, the first counter block (zero for whoever
  // has no reason for another).
  static Result<KeyStream> from_key(const SecretBytes& key, const Counter& counter = Counter());

  KeyStream(KeyStream&&) noexcept;
  KeyStream& operator=(KeyStream&&) noexcept;
  ~KeyStream();

  // fill overwrites `out` with the next bytes of the stream. `internal` when the cipher fails; `out` is then all zero and must
  // not be used.
  Status fill(std::span<std::byte> out);

 private:
  struct State;
  explicit KeyStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace redoubt::crypto
