// Discrete Laplace noise: an integer z with probability proportional to exp(-|z| / t), t = scale (Canonne, Kamath, Steinke 2020,
// Algorithm 2). Exact: integers alone. Released by itself with t = sensitivity / epsilon it is epsilon-differentially private; here it is
// also the proposal of discrete_gaussian.h.
#pragma once

#include "engines/sql/dp/bit_source.h"
#include "engines/sql/dp/parameters.h"

namespace redoubt::sql::dp {

// discrete_laplace: `unavailable` when |z| would pass 2^62, which for the largest scale has probability below exp(-63).
Result<std::int64_t> discrete_laplace(BitSource& source, const Scale& scale);

}  // namespace redoubt::sql::dp
