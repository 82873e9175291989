#include "common/base/concat.h"

#include <chrono>
#include <cstring>

namespace redoubt {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

// two_digits: of each byte.
constexpr auto kTwoDigits = [] {
  std::array<std::array<char, 2>, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = {kDigits[i >> 4U], kDigits[i & 15U]};
  return table;
}();

// write puts `value` at `at`, as that many digits.
void write(char* at, std::size_t digits, int value) {
  for (std::size_t i = digits; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

void append_text(std::string& out, Instant at) {
  using namespace std::chrono;
  // Outside the years that Instant::parse accepts, the nearest instant that it does accept is written.
  constexpr std::int64_t kLast = 253402300799;  // 9999-12-31T23:59:59Z
  const std::int64_t clamped = std::clamp<std::int64_t>(at.unix_seconds(), 0, kLast);
  const year_month_day date{sys_days(days(clamped / 86400))};
  const int rest = static_cast<int>(clamped % 86400);
  // By hand: every verdict holds a dozen of these texts, and snprintf costs more than the rest of some checks.
  char text[] = "0000-00-00T00:00:00Z";
  write(text, 4, static_cast<int>(date.year()));
  write(text + 5, 2, static_cast<int>(static_cast<unsigned>(date.month())));
  write(text + 8, 2, static_cast<int>(static_cast<unsigned>(date.day())));
  write(text + 11, 2, rest / 3600);
  write(text + 14, 2, rest / 60 % 60);
  write(text + 17, 2, rest % 60);
  out.append(text, sizeof text - 1);
}

void append_text(std::string& out, Hex hex) {
  const std::size_t begin = out.size();
  out.resize(begin + 2 * hex.bytes.size());
  char* at = out.data() + begin;
  for (const std::byte b : hex.bytes) {
    std::memcpy(at, kTwoDigits[std::to_integer<std::size_t>(b)].data(), 2);
    at += 2;
  }
}

}  // namespace redoubt
