#include "common/table/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "common/table/table_format.h"

namespace redoubt::table {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Result<Value> parse_integer(std::string_view text, std::int64_t low, std::int64_t high) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < low || number > high) {
    return malformed("expected an integer from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return Value(number);
}

Result<Value> parse_decimal(std::string_view text, Type type) {
  const bool negative = text.starts_with('-');
  std::string_view digits = negative ? text.substr(1) : text;
  const std::size_t point = digits.find('.');
  const std::string_view whole = digits.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? "" : digits.substr(point + 1);
  const auto scale = static_cast<std::size_t>(type.scale);
  const bool spelled = all_digits(whole) && (point == std::string_view::npos || all_digits(fraction));
  const std::string_view significant = whole.substr(std::min(whole.find_first_not_of('0'), whole.size()));
  if (!spelled || fraction.size() > scale || significant.size() > static_cast<std::size_t>(type.precision - type.scale)) {
    return malformed("expected a number that fits " + type.text());
  }
  std::int64_t scaled = 0;  // at most 18 digits fit
  for (const char c : significant) scaled = scaled * 10 + (c - '0');
  for (std::size_t i = 0; i < scale; ++i) scaled = scaled * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  return Value(Decimal{negative ? -scaled : scaled});
}

Result<Value> parse_double(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // NaN and infinities would spread through every sum they touch.
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    return malformed("expected a finite number");
  }
  return Value(number);
}

Result<Value> parse_date(std::string_view text) {
  const auto wrong = [] { return malformed("expected a date YYYY-MM-DD"); };
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return wrong();
  if (!all_digits(text.substr(0, 4)) || !all_digits(text.substr(5, 2)) || !all_digits(text.substr(8, 2))) return wrong();
  const auto digits = [&](std::size_t at, std::size_t count) {
    int number = 0;
    for (std::size_t i = at; i < at + count; ++i) number = number * 10 + (text[i] - '0');
    return number;
  };
  const int year = digits(0, 4), month = digits(5, 2), day = digits(8, 2);
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1 || month < 1 || month > 12) return wrong();
  if (day < 1 || day > kDays[month - 1] + (month == 2 && leap ? 1 : 0)) return wrong();
  // Days from the civil calendar, years starting in March (Howard Hinnant, chrono-compatible date algorithms).
  const int y = month <= 2 ? year - 1 : year;
  const int era = y / 400;
  const int year_of_era = y - era * 400;
  const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return Value(Days{era * 146097 + day_of_era - 719468});
}

}  // namespace

Result<Value> parse_value(std::string_view text, Type type) {
  switch (type.id) {
    case TypeId::bigint:
      return parse_integer(text, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
    case TypeId::integer:
      return parse_integer(text, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
    case TypeId::decimal: return parse_decimal(text, type);
    case TypeId::double_: return parse_double(text);
    case TypeId::date: return parse_date(text);
    case TypeId::varchar: return Value(std::string(text));
    case TypeId::boolean:
      if (text == "true") return Value(true);
      if (text == "false") return Value(false);
      return malformed("expected true or false");
  }
  return Error(Code::internal, "column type out of range");
}

}  // namespace redoubt::table
