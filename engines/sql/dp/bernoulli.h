// Coins with exact probabilities, by integers alone (Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy",
// NeurIPS 2020, Algorithm 1). No floating-point number takes part, so no answer shows which one a generator could reach (Mironov
// 2012). Their running time depends on the draws; whoever can time one release learns a little about its noise. Not thread-safe.
#pragma once

#include "engines/sql/dp/bit_source.h"

namespace redoubt::sql::dp {

// Fraction: numerator / denominator, not above 1 unless a function says otherwise; the denominator is not 0.
struct Fraction {
  std::uint64_t numerator;
  std::uint64_t denominator;
};

// coin: true with probability p. A p above 1 or a denominator of 0 ends the process, as in all of these.
bool coin(BitSource& source, Fraction p);
// coin_exp: true with probability exp(-gamma).
bool coin_exp(BitSource& source, Fraction gamma);
// coin_exp_product: true with probability exp(-scale * a * b), for fractions of at most 1 whose product may pass 64 bits.
bool coin_exp_product(BitSource& source, Fraction scale, Fraction a, Fraction b);
// coin_exp_times: true with probability exp(-times * gamma); stops at the first tail.
bool coin_exp_times(BitSource& source, std::uint64_t times, Fraction gamma);

}  // namespace redoubt::sql::dp
