// Zero-concentrated differential privacy as exact integers (Bun and Steinke, "Concentrated Differential Privacy", TCC 2016).
//
// A loss rho is a whole number of units of 2^-40, so composition is integer addition and nothing is lost or found by rounding.
// Every conversion rounds to the safe side: rho from (epsilon, delta) down, epsilon from rho up, the scale of noise up. Logarithms
// and roots are integer computations with bounds, so all machines agree on every bit. Pure and thread-safe.
#pragma once

#include "engines/sql/dp/integer.h"
#include "engines/sql/dp/parameters.h"

namespace redoubt::sql::dp {

struct Rho {
  static constexpr unsigned kFractionBits = 40;
  static constexpr std::uint64_t kMaxUnits = std::uint64_t{1} << 50;  // rho = 1024
  std::uint64_t units = 0;
  friend auto operator<=>(const Rho&, const Rho&) = default;
};

// add: `refused` above kMaxUnits, so that sums never wrap.
Result<Rho> add(Rho a, Rho b);
// share: a query's loss split evenly over `parts` releases, rounded down; `usage` when nothing is left for each.
Result<Rho> share(Rho whole, std::uint64_t parts);

// ln_ratio_up: an upper bound of ln(numerator / denominator) in units of 2^-40, above the true value by less than 2^-37; `usage`
// unless numerator >= denominator >= 1.
Result<std::uint64_t> ln_ratio_up(std::uint64_t numerator, std::uint64_t denominator);

// rho_for: the largest rho (short of rounding) whose epsilon_for does not pass `epsilon`: (sqrt(epsilon + L) - sqrt(L))^2 with
// L = ln(1/delta), from Proposition 1.3. `usage` when it is below one unit.
Result<Rho> rho_for(Epsilon epsilon, Delta delta);

// epsilon_for: rho + 2 sqrt(rho L), in millionths, rounded up: rho-zCDP implies (epsilon, delta)-DP for it.
std::uint64_t epsilon_for(Rho rho, Delta delta);

// gaussian_scale: sigma for integers of which one unit changes at most `groups`, each by at most `bound`: the least multiple of 1/64
// (of 1 when it is large) not below bound * sqrt(groups / (2 rho)). `usage` for zeros, a bound above 2^46, more than 1024 groups or a
// sigma above Scale's limit.
Result<Scale> gaussian_scale(std::uint64_t bound, std::uint64_t groups, Rho rho);

}  // namespace redoubt::sql::dp
