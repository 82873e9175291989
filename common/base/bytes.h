// Bytes, views of them, and byte strings of a fixed size that are types of their own.
//
// A digest, a nonce and a public key of the same size never convert into each other: each is a FixedBytes with its own
// tag. Sizes are bytes. Views borrow: they are valid as long as what they were made from.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/encoding.h"
#include "common/base/result.h"

namespace redoubt {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

// as_bytes views text as bytes. Borrows `text`.
inline ByteView as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

// as_text views bytes as text, without checking that they are UTF-8. Borrows `bytes`.
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes to_bytes(ByteView view) { return Bytes(view.begin(), view.end()); }
inline Bytes to_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }

inline void append(Bytes& to, ByteView view) { to.insert(to.end(), view.begin(), view.end()); }

// equal compares public bytes; its time depends on them.
inline bool equal(ByteView a, ByteView b) { return std::ranges::equal(a, b); }

// constant_time_equal compares secrets. The lengths are not hidden, the contents are.
bool constant_time_equal(ByteView a, ByteView b);

// FixedBytes<Tag, N>: exactly N bytes with the meaning that Tag names. Public values only: secrets live in SecretBytes.
template <class Tag, std::size_t N>
class FixedBytes {
 public:
  static constexpr std::size_t size = N;

  constexpr FixedBytes() : bytes_{} {}
  constexpr explicit FixedBytes(const std::array<std::byte, N>& bytes) : bytes_(bytes) {}

  // from copies exactly N bytes; another length is `malformed`, naming `what`.
  static Result<FixedBytes> from(ByteView bytes, std::string_view what) {
    if (bytes.size() != N) {
      return Error(Code::malformed, std::string(what) + ": expected " + std::to_string(N) + " bytes, found " +
                                        std::to_string(bytes.size()));
    }
    FixedBytes out;
    std::ranges::copy(bytes, out.bytes_.begin());
    return out;
  }

  // from_hex reads 2N lower-case hexadecimal digits.
  static Result<FixedBytes> from_hex(std::string_view text, std::string_view what) {
    auto bytes = hex_decode(text);
    if (!bytes.ok()) return bytes.error().context(what);
    return from(bytes.value(), what);
  }

  constexpr ByteView view() const { return bytes_; }
  constexpr const std::array<std::byte, N>& array() const { return bytes_; }
  constexpr std::array<std::byte, N>& array() { return bytes_; }
  std::string hex() const { return hex_encode(bytes_); }

  friend constexpr bool operator==(const FixedBytes&, const FixedBytes&) = default;
  friend constexpr auto operator<=>(const FixedBytes&, const FixedBytes&) = default;

 private:
  std::array<std::byte, N> bytes_;
};

}  // namespace redoubt
