#include "common/base/instant.h"

#include <chrono>

#include "common/base/concat.h"

namespace redoubt {
namespace {

constexpr std::string_view kShape = "0000-00-00T00:00:00Z";

int number(std::string_view text, std::size_t at, std::size_t digits) {
  int value = 0;
  for (std::size_t i = at; i < at + digits; ++i) value = value * 10 + (text[i] - '0');
  return value;
}

}  // namespace

Result<Instant> Instant::parse(std::string_view text) {
  const auto bad = [] { return Error(Code::malformed, "time: expected YYYY-MM-DDThh:mm:ssZ"); };
  if (text.size() != kShape.size()) return bad();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == '0' ? !digit : text[i] != kShape[i]) return bad();
  }
  using namespace std::chrono;
  const year_month_day date(year(number(text, 0, 4)), month(static_cast<unsigned>(number(text, 5, 2))),
                            day(static_cast<unsigned>(number(text, 8, 2))));
  const int hour = number(text, 11, 2);
  const int minute = number(text, 14, 2);
  const int second = number(text, 17, 2);
  if (!date.ok() || date.year() < year(1970) || hour > 23 || minute > 59 || second > 59) {
    return Error(Code::malformed, "time: no such date or time of day");
  }
  const auto days = sys_days(date).time_since_epoch().count();
  return Instant(std::int64_t{days} * 86400 + hour * 3600 + minute * 60 + second);
}

std::string Instant::text() const { return concat(*this); }

}  // namespace redoubt
