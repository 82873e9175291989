#include "engines/sql/dp/zcdp.h"

#include <bit>

namespace redoubt::sql::dp {
namespace {

constexpr unsigned kLogBits = 48;
constexpr std::uint64_t kLn2Down = 0xB17217F7D1CF79AB;  // ln 2 in units of 2^-64, rounded down; the next integer is above it

// log2_bound: log2 of `value` >= 1 in units of 2^-kLogBits, by squaring a 64-bit mantissa. Rounding each square down keeps every
// mantissa at or below the true one, so the bits are a lower bound; rounding up and adding one unit gives an upper bound.
std::uint64_t log2_bound(std::uint64_t value, bool up) {
  const unsigned exponent = static_cast<unsigned>(std::bit_width(value)) - 1;
  U128 mantissa = static_cast<U128>(value) << (63 - exponent);  // in [2^63, 2^64], one is 2^63
  std::uint64_t out = exponent;
  for (unsigned i = 0; i < kLogBits; ++i) {
    // 2^64 as a factor can only come from rounding up; its square does not fit, and is 2^65 in these units.
    const bool two = mantissa >> 64 != 0;
    const U128 square = two ? 0 : mantissa * mantissa;
    mantissa = two ? static_cast<U128>(1) << 65 : (square >> 63) + (up && (square << 65) != 0 ? 1 : 0);
    const bool bit = mantissa >> 64 != 0;
    if (bit) mantissa = (mantissa >> 1) + (up ? mantissa & 1 : 0);
    out = out << 1 | (bit ? 1U : 0U);
  }
  return up ? out + 1 : out;
}

// delta_log_up: an upper bound of ln(1/delta) in units of 2^-40: at most 41.5.
std::uint64_t delta_log_up(Delta delta) { return ln_ratio_up(Delta::kOne, delta.units()).value(); }

}  // namespace

Result<Rho> add(Rho a, Rho b) {
  if (a.units > Rho::kMaxUnits || b.units > Rho::kMaxUnits - a.units) return Error(Code::refused, "privacy loss above its limit");
  return Rho{a.units + b.units};
}

Result<Rho> share(Rho whole, std::uint64_t parts) {
  if (parts == 0 || whole.units / parts == 0) return Error(Code::usage, "privacy loss too small to be split");
  return Rho{whole.units / parts};
}

Result<std::uint64_t> ln_ratio_up(std::uint64_t numerator, std::uint64_t denominator) {
  if (denominator == 0 || numerator < denominator) return Error(Code::usage, "logarithm of a ratio below 1");
  const std::uint64_t log2 = log2_bound(numerator, true) - log2_bound(denominator, false);
  const U128 product = static_cast<U128>(log2) * (static_cast<U128>(kLn2Down) + 1);
  return static_cast<std::uint64_t>(divide_up(product, static_cast<U128>(1) << (64 + kLogBits - Rho::kFractionBits)));
}

Result<Rho> rho_for(Epsilon epsilon, Delta delta) {
  // (sqrt(e + L) - sqrt(L))^2 = (e / (sqrt(e + L) + sqrt(L)))^2: without a difference, so that bounds are simple: e down, L up, roots
  // up, quotients down. In units of 2^-40 the roots take numbers in units of 2^-80.
  const U128 e = (static_cast<U128>(epsilon.millionths()) << 40) / Epsilon::kOne;
  const U128 e_up = divide_up(static_cast<U128>(epsilon.millionths()) << 40, Epsilon::kOne);
  const U128 log = delta_log_up(delta);
  const U128 roots = root_up((e_up + log) << 40) + root_up(log << 40);
  const U128 quotient = (e << 60) / roots;  // units of 2^-60, below 2^63
  const U128 units = (quotient * quotient) >> (120 - Rho::kFractionBits);
  if (units == 0) return Error(Code::usage, "epsilon: too small for its delta");
  return Rho{static_cast<std::uint64_t>(units)};
}

std::uint64_t epsilon_for(Rho rho, Delta delta) {
  const U128 root = root_up(static_cast<U128>(rho.units) * delta_log_up(delta));  // units of 2^-40
  const U128 epsilon = rho.units + 2 * root;
  return static_cast<std::uint64_t>(divide_up(epsilon * Epsilon::kOne, static_cast<U128>(1) << 40));
}

Result<Scale> gaussian_scale(std::uint64_t bound, std::uint64_t groups, Rho rho) {
  constexpr std::uint64_t kMaxBound = std::uint64_t{1} << 46;
  if (bound == 0 || groups == 0 || rho.units == 0 || bound > kMaxBound || groups > 1024) {
    return Error(Code::usage, "scale of noise: bound, groups or loss out of range");
  }
  // sqrt(groups / (2 rho)) in units of 2^-30, rounded up: its square is groups * 2^39 / units, in units of 2^-60 here.
  const U128 square = divide_up(static_cast<U128>(groups) << (39 + 60), rho.units);
  const U128 multiplier = root_up(square);  // below 2^55
  constexpr std::uint64_t kFine = 64;
  for (const std::uint64_t denominator : {kFine, std::uint64_t{1}}) {
    const U128 numerator = divide_up(multiplier * bound * denominator, static_cast<U128>(1) << 30);
    if (numerator <= (static_cast<U128>(1) << 62) && numerator / denominator < Scale::kMaxWhole) {
      return Scale::make(static_cast<std::uint64_t>(numerator), denominator);
    }
  }
  return Error(Code::usage, "scale of noise: above its limit");
}

}  // namespace redoubt::sql::dp
