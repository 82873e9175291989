// Discrete Gaussian noise: an integer z with probability proportional to exp(-z^2 / (2 sigma^2)), sigma = scale (Canonne, Kamath,
// Steinke 2020, Algorithm 3, with the Laplace scale set to sigma itself). Exact: integers alone. Added to integers whose vector has
// Euclidean sensitivity d it is d^2 / (2 sigma^2)-zCDP (their Theorem 4), and its variance is at most sigma^2.
#pragma once

#include "engines/sql/dp/bit_source.h"
#include "engines/sql/dp/parameters.h"

namespace redoubt::sql::dp {

// discrete_gaussian: `unavailable` when the Laplace proposal passes 2^62, which has probability below exp(-63).
Result<std::int64_t> discrete_gaussian(BitSource& source, const Scale& sigma);

}  // namespace redoubt::sql::dp
