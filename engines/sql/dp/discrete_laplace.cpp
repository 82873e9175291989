#include "engines/sql/dp/discrete_laplace.h"

#include "engines/sql/dp/bernoulli.h"
#include "engines/sql/dp/integer.h"

namespace redoubt::sql::dp {

Result<std::int64_t> discrete_laplace(BitSource& source, const Scale& scale) {
  constexpr U128 kMaxMagnitude = static_cast<U128>(1) << 62;
  const std::uint64_t t = scale.numerator();
  for (;;) {
    // x is geometric with rate 1/t: its rest mod t by rejection, its multiple of t by coins of exp(-1).
    const std::uint64_t rest = source.below(t);
    if (!coin_exp(source, {rest, t})) continue;
    std::uint64_t turns = 0;
    while (coin_exp(source, {1, 1})) ++turns;
    const U128 x = rest + static_cast<U128>(t) * turns;
    const U128 magnitude = x / scale.denominator();
    const bool negative = source.bits(1) != 0;
    if (negative && magnitude == 0) continue;  // zero must not count twice
    if (magnitude > kMaxMagnitude) return Error(Code::unavailable, "noise above 2^62");
    const auto value = static_cast<std::int64_t>(magnitude);
    return negative ? -value : value;
  }
}

}  // namespace redoubt::sql::dp
