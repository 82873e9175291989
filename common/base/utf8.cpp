#include "common/base/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace redoubt {

bool valid_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    std::uint64_t eight = 0;
    if (text.size() - i >= sizeof eight) {  // most text is ASCII: eight bytes at once
      std::memcpy(&eight, text.data() + i, sizeof eight);
      if ((eight & 0x8080808080808080U) == 0) {
        i += sizeof eight;
        continue;
      }
    }
    const auto first = static_cast<unsigned char>(text[i]);
    if (first < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() - i < length) return false;
    std::uint32_t code = first & (0x7FU >> length);
    for (std::size_t j = 1; j < length; ++j) {
      const auto next = static_cast<unsigned char>(text[i + j]);
      if ((next & 0xC0U) != 0x80U) return false;
      code = code << 6 | (next & 0x3FU);
    }
    const std::uint32_t least = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
    if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    i += length;
  }
  return true;
}

bool utf16_less(std::string_view a, std::string_view b) {
  const auto [at_a, at_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (at_a == a.end() || at_b == b.end()) return at_b != b.end();
  // The first differing byte decides. Lead bytes F0..F4 start a surrogate pair, D800..DFFF in UTF-16, which sorts below
  // lead bytes EE and EF (U+E000..U+FFFF); a continuation byte differs only after equal lead bytes.
  const auto rank = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0xF0 ? 0xED8U : byte >= 0xEE ? 0xEE0U + byte : static_cast<unsigned>(byte);
  };
  const unsigned rank_a = rank(*at_a);
  const unsigned rank_b = rank(*at_b);
  if (rank_a != rank_b) return rank_a < rank_b;
  return static_cast<unsigned char>(*at_a) < static_cast<unsigned char>(*at_b);
}

}  // namespace redoubt
