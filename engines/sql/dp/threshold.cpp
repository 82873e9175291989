#include "engines/sql/dp/threshold.h"

#include "engines/sql/dp/zcdp.h"

namespace redoubt::sql::dp {

Result<Threshold> Threshold::make(const Limits& limits, const Scale& sigma, Delta delta) {
  REDOUBT_CHECK(limits.validate());
  // The discrete Gaussian's tail is below exp(-t^2 / (2 sigma^2)), as its moment generating function is below that of the continuous
  // one (Canonne, Kamath, Steinke 2020, section 2).
  REDOUBT_TRY(const std::uint64_t delta_log, ln_ratio_up(Delta::kOne, delta.units()));
  REDOUBT_TRY(const std::uint64_t groups_log, ln_ratio_up(limits.groups, 1));
  const U128 root = root_up(static_cast<U128>(2 * (delta_log + groups_log)) << 40);  // units of 2^-40, below 2^44
  const U128 distance = divide_up(root * sigma.numerator(), static_cast<U128>(sigma.denominator()) << 40);
  const U128 tau = distance + limits.min_units;
  if (tau > (static_cast<U128>(1) << 62)) return Error(Code::usage, "threshold: above 2^62");
  return Threshold(limits.min_units, static_cast<std::int64_t>(tau));
}

}  // namespace redoubt::sql::dp
