#include "engines/sql/dp/bernoulli.h"

#include <cstdlib>

namespace redoubt::sql::dp {
namespace {

// The series of Algorithm 1: exp(-gamma) is the probability that the first tail of coins gamma/1, gamma/2, gamma/3 ... falls at an
// odd turn. Coin gamma/n is a coin of 1/n and a coin of gamma, both heads, so that no product is ever formed.
template <class Gamma>
bool series(BitSource& source, Gamma gamma) {
  std::uint64_t turn = 1;
  while (source.below(turn) == 0 && gamma()) ++turn;
  return turn % 2 == 1;
}

}  // namespace

bool coin(BitSource& source, Fraction p) {
  if (p.denominator == 0 || p.numerator > p.denominator) std::abort();
  return source.below(p.denominator) < p.numerator;
}

bool coin_exp(BitSource& source, Fraction gamma) {
  return series(source, [&] { return coin(source, gamma); });
}

bool coin_exp_product(BitSource& source, Fraction scale, Fraction a, Fraction b) {
  return series(source, [&] { return coin(source, scale) && coin(source, a) && coin(source, b); });
}

bool coin_exp_times(BitSource& source, std::uint64_t times, Fraction gamma) {
  for (; times > 0; --times) {
    if (!coin_exp(source, gamma)) return false;
  }
  return true;
}

}  // namespace redoubt::sql::dp
