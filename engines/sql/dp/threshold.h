// Threshold: from how many units, counted with noise, a group may show that it exists (tau-thresholding, Wilson et al., "Differentially
// Private SQL with Bounded User Contribution", arXiv 1909.01917), together with a hard minimum of real units before it
// (pre-thresholding). Pure and thread-safe.
#pragma once

#include "engines/sql/dp/bounds.h"
#include "engines/sql/dp/parameters.h"

namespace redoubt::sql::dp {

class Threshold {
 public:
  // make: tau = k + sigma * sqrt(2 ln(groups / delta)), rounded up. A group that one unit lifts from k - 1 to k real units is then
  // released with probability at most delta / groups, and one unit lifts at most `groups` of them. `usage`: limits or delta out of
  // range, or a tau above 2^62.
  static Result<Threshold> make(const Limits& limits, const Scale& sigma, Delta delta);
  std::int64_t tau() const { return tau_; }
  // passes: whether a group may be released. Both conditions: the hard one bounds the loss, the noisy one hides the hard one.
  bool passes(std::int64_t real_units, std::int64_t noisy_units) const { return real_units >= min_units_ && noisy_units >= tau_; }

 private:
  Threshold(std::int64_t min_units, std::int64_t tau) : min_units_(min_units), tau_(tau) {}
  std::int64_t min_units_;
  std::int64_t tau_;
};

}  // namespace redoubt::sql::dp
