#include "common/net/byte_range.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace redoubt::net {
namespace {

constexpr std::string_view kUnit = "bytes=";
constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

// number_in: digits alone; larger than 64 bits is the largest.
std::optional<std::uint64_t> number_in(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  std::uint64_t value = 0;
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc() ? value : kMost;
}

bool same_letters(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x - 'A' + 'a' : x) == y; });
}

}  // namespace

RangeAnswer parse_range(std::string_view value, std::uint64_t size) {
  if (!same_letters(value.substr(0, kUnit.size()), kUnit)) return WholeBody{};
  value.remove_prefix(kUnit.size());
  const std::size_t dash = value.find('-');
  if (dash == std::string_view::npos) return WholeBody{};
  const std::string_view before = value.substr(0, dash);
  const std::string_view after = value.substr(dash + 1);
  const auto from = number_in(before);
  const auto to = number_in(after);
  if (before.empty()) {  // the last so many
    if (!to) return WholeBody{};
    const std::uint64_t count = std::min(*to, size);
    if (count == 0) return NoRange{};
    return ByteRange{size - count, count};
  }
  if (!from || (!after.empty() && !to) || (to && *to < *from)) return WholeBody{};
  if (*from >= size) return NoRange{};
  const std::uint64_t last = std::min(to.value_or(kMost), size - 1);
  return ByteRange{*from, last - *from + 1};
}

RangeAnswer range_of(const HttpRequest& request, std::uint64_t size, std::string_view etag) {
  if (request.method != "GET" || request.headers.count("range") != 1) return WholeBody{};
  const std::size_t conditions = request.headers.count("if-range");
  if (conditions > 1 || (conditions == 1 && *request.headers.find("if-range") != etag)) return WholeBody{};
  return parse_range(*request.headers.find("range"), size);
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.first + range.size - 1) + "/" + std::to_string(size);
}

std::string content_range(const NoRange&, std::uint64_t size) { return "bytes */" + std::to_string(size); }

}  // namespace redoubt::net
