#include "engines/sql/dp/discrete_gaussian.h"

#include "engines/sql/dp/bernoulli.h"
#include "engines/sql/dp/discrete_laplace.h"
#include "engines/sql/dp/integer.h"

namespace redoubt::sql::dp {
namespace {

// accept: heads with probability exp(-u^2 / 2) for u = whole + rest. As u^2 / 2 = whole^2 / 2 + whole * rest + rest^2 / 2, it is three
// coins, so that sigma^2 is never formed and nothing can overflow.
bool accept(BitSource& source, std::uint64_t whole, Fraction rest) {
  // whole^2 / 2 = (whole^2 / 2 rounded down) ones, and a half when whole is odd. A whole of 2^32 or more is never accepted: the
  // proposal stops at 2^62 only by Laplace tails, but exp(-2^63) is below any bit that could be drawn.
  const U128 square = static_cast<U128>(whole) * whole;
  const U128 ones = square / 2;
  if (ones > UINT64_MAX) return false;
  return coin_exp_times(source, static_cast<std::uint64_t>(ones), {1, 1}) && (whole % 2 == 0 || coin_exp(source, {1, 2})) &&
         coin_exp_times(source, whole, rest) && coin_exp_product(source, {1, 2}, rest, rest);
}

}  // namespace

Result<std::int64_t> discrete_gaussian(BitSource& source, const Scale& sigma) {
  const std::uint64_t s = sigma.numerator();
  for (;;) {
    REDOUBT_TRY(const std::int64_t z, discrete_laplace(source, sigma));
    // exp(-|z|/sigma) * exp(-(|z|/sigma - 1)^2 / 2) is exp(-z^2 / (2 sigma^2)) times a constant.
    const U128 scaled = static_cast<U128>(z < 0 ? -z : z) * sigma.denominator();
    const U128 distance = scaled < s ? s - scaled : scaled - s;  // of |z|/sigma from 1, times s
    if (distance / s > UINT64_MAX) continue;
    if (accept(source, static_cast<std::uint64_t>(distance / s), {static_cast<std::uint64_t>(distance % s), s})) return z;
  }
}

}  // namespace redoubt::sql::dp
