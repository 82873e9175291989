// Text helpers of this room.
#pragma once

#include <algorithm>
#include <string_view>

namespace redoubt::verifier {

// trimmed: without white space at both ends.
inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

// few_members: a JSON text has at most `count` commas, colons and brackets, those inside of texts counted too. Each value needs one, and a
// document of nothing but small values takes forty times its bytes once it is read: so this is asked before.
inline bool few_members(std::string_view text, std::size_t count) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return c == ',' || c == ':' || c == '[' || c == '{'; })) <= count;
}
inline constexpr std::size_t kMaxJsonMembers = 65536;

}  // namespace redoubt::verifier
