#include "engines/sql/dp/parameters.h"

namespace redoubt::sql::dp {
namespace {

// parse_decimal reads `text` in units of 10^-places. One spelling a number: "0.5", never ".5", "0.50", "00.5", "+0.5" or "5e-1".
Result<std::uint64_t> parse_decimal(std::string_view text, unsigned places, std::uint64_t max, std::string_view what) {
  const auto wrong = [&] { return Error(Code::malformed, std::string(what) + ": not a decimal in range"); };
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (whole.empty() || whole.size() > 3 || (whole.size() > 1 && whole.front() == '0')) return wrong();
  if (point != std::string_view::npos && (fraction.empty() || fraction.size() > places || fraction.back() == '0')) return wrong();
  std::uint64_t value = 0;
  const auto take = [&value](char digit) {
    return digit >= '0' && digit <= '9' && !__builtin_mul_overflow(value, std::uint64_t{10}, &value) &&
           !__builtin_add_overflow(value, static_cast<std::uint64_t>(digit - '0'), &value);
  };
  for (const char digit : whole) {
    if (!take(digit)) return wrong();
  }
  for (const char digit : fraction) {
    if (!take(digit)) return wrong();
  }
  for (std::size_t i = fraction.size(); i < places; ++i) {
    if (!take('0')) return wrong();
  }
  if (value == 0 || value > max) return wrong();
  return value;
}

std::string decimal_text(std::uint64_t value, std::uint64_t one, unsigned places) {
  std::string fraction = std::to_string(value % one);
  fraction.insert(0, places - fraction.size(), '0');
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  return std::to_string(value / one) + (fraction.empty() ? "" : "." + fraction);
}

}  // namespace

Result<Epsilon> Epsilon::from_millionths(std::uint64_t millionths) {
  if (millionths == 0 || millionths > kMax) return Error(Code::malformed, "epsilon: not a decimal in range");
  return Epsilon(millionths);
}

Result<Epsilon> Epsilon::parse(std::string_view text) {
  REDOUBT_TRY(const std::uint64_t value, parse_decimal(text, 6, kMax, "epsilon"));
  return Epsilon(value);
}

std::string Epsilon::text() const { return decimal_text(millionths_, kOne, 6); }

Result<Delta> Delta::from_units(std::uint64_t units) {
  if (units == 0 || units > kMax) return Error(Code::malformed, "delta: not a decimal in range");
  return Delta(units);
}

Result<Delta> Delta::parse(std::string_view text) {
  REDOUBT_TRY(const std::uint64_t value, parse_decimal(text, 18, kMax, "delta"));
  return Delta(value);
}

std::string Delta::text() const { return decimal_text(units_, kOne, 18); }

Result<Scale> Scale::make(std::uint64_t numerator, std::uint64_t denominator) {
  if (numerator == 0 || denominator == 0 || denominator > kMaxDenominator || numerator > (std::uint64_t{1} << 62) ||
      numerator / denominator >= kMaxWhole) {
    return Error(Code::usage, "scale of noise: out of range");
  }
  return Scale(numerator, denominator);
}

}  // namespace redoubt::sql::dp
