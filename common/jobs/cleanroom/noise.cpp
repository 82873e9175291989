#include "common/jobs/cleanroom/noise.h"

#include <algorithm>

namespace redoubt::jobs {
namespace {

Status check_spelling(std::string_view text, std::size_t places, std::string_view what) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  const auto digits = [](std::string_view part) { return std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; }); };
  const bool whole_fits = !whole.empty() && whole.size() <= 2 && digits(whole) && (whole.size() == 1 || whole.front() != '0');
  const bool fraction_fits =
      point == std::string_view::npos || (!fraction.empty() && fraction.size() <= places && digits(fraction) && fraction.back() != '0');
  if (whole_fits && fraction_fits && text != "0") return {};
  return Error(Code::malformed, std::string(what) + ": expected a decimal above 0 with at most " + std::to_string(places) +
                                    " places and no spare zero, such as 0.5");
}

}  // namespace

Status PrivacyLoss::check() const {
  REDOUBT_CHECK(check_spelling(epsilon, 6, "epsilon"));
  return check_spelling(delta, 18, "delta");
}

std::string Noise::text() const {
  return "epsilon " + loss.epsilon + ", delta " + loss.delta + ", " + std::to_string(groups) + " groups and " + std::to_string(rows) + " rows a unit";
}

}  // namespace redoubt::jobs
