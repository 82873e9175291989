// concat: one string out of several parts, with one allocation.
//
// A verdict holds two texts for each of some thirty checks. Made with operator+, each costs an allocation for every part that it
// grows by and every number, time or digest that is written first; together they cost more than parsing the Evidence. Parts are
// text, integers (decimal), times, and bytes in hexadecimal, wrapped in Hex. Pure.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/instant.h"

namespace redoubt {

// Hex: these bytes as lower-case hexadecimal digits. Borrows.
struct Hex {
  ByteView bytes;
};

// append_text appends YYYY-MM-DDThh:mm:ssZ, as Instant::text gives it.
void append_text(std::string& out, Instant at);
// append_text appends two digits a byte.
void append_text(std::string& out, Hex hex);
inline void append_text(std::string& out, std::string_view text) { out += text; }
inline void append_text(std::string& out, char c) { out += c; }

template <class T>
concept Number = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>;

template <Number T>
void append_text(std::string& out, T number) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

inline std::size_t text_room(Instant) { return 20; }
inline std::size_t text_room(Hex hex) { return 2 * hex.bytes.size(); }
inline std::size_t text_room(std::string_view text) { return text.size(); }
inline std::size_t text_room(char) { return 1; }
template <Number T>
std::size_t text_room(T number) {
  constexpr T kTen = 10;
  std::size_t digits = 1;
  if constexpr (std::signed_integral<T>) {
    if (number < 0) ++digits;
  }
  for (number = static_cast<T>(number / kTen); number != 0; number = static_cast<T>(number / kTen)) ++digits;
  return digits;
}

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::string out;
  out.reserve((text_room(parts) + ... + 0));
  (append_text(out, parts), ...);
  return out;
}

}  // namespace redoubt
