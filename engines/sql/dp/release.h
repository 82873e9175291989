// Release: from what each unit contributes to each group, the noisy table of one released block.
//
// The only function of this room whose result may leave the enclave. It bounds contributions once more (bounds.h), adds exact discrete
// Gaussian noise of its own label to every quantity of every group, drops groups below the threshold, and computes the cells from the
// noisy integers alone: whatever is done to those costs no privacy. Everything is integer arithmetic, so the answer repeats bit by bit.
// Rows come in the order of their group keys, not of the data. Pure and thread-safe; its running time depends on data and noise.
#pragma once

#include "engines/sql/dp/noise_plan.h"

namespace redoubt::sql::dp {

// Scaled: value * 10^exponent.
struct Scaled {
  std::int64_t value = 0;
  int exponent = 0;
  // text: a plain decimal, such as "-12.50" for -1250 and -2.
  std::string text() const;
  friend bool operator==(const Scaled&, const Scaled&) = default;
};

struct NoisyTable {
  struct NoisyRow {
    std::string group_key;      // empty for a block without keys
    std::vector<Scaled> cells;  // in the order of the plan's cells
    friend bool operator==(const NoisyRow&, const NoisyRow&) = default;
  };
  std::vector<NoisyRow> rows;
  std::vector<Quantity> split;  // how the loss was spent
  Loss loss;
};

// release: counts are noisy integers and may be negative (cut off at zero they would bias every sum over groups); averages lie in their
// interval and variances between 0 and its largest, which takes a noisy count below 1 (2 for *_samp) as that. avg and stddev have 4
// decimal places more than their measure's grid, variances 4 more than its square. `usage`: contributions that bound_groups refuses,
// other group keys than one empty key for a block without keys, a group key that stands twice. `unavailable`: a noisy number beyond 2^62.
Result<NoisyTable> release(const NoisePlan& plan, const NoiseSeed& seed, std::span<const std::string> group_keys,
                           std::vector<Contribution> contributions);

}  // namespace redoubt::sql::dp
