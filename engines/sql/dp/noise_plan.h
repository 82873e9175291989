// NoisePlan: how the loss of one query is spent, before any data are seen: which sums are taken from the data with noise (quantities),
// the share of the loss and the scale of each, and the threshold of group keys. It depends on the query, the declared bounds and the
// budget only, so it may be shown, approved and repeated. Immutable; thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/crypto/digest.h"
#include "engines/sql/dp/bounds.h"
#include "engines/sql/dp/threshold.h"
#include "engines/sql/dp/zcdp.h"

namespace redoubt::sql::dp {

enum class Statistic { count_units, count_rows, sum, avg, var_pop, var_samp, stddev_pop, stddev_samp };

// Cell: one aggregate of the block. Without a measure, count_units and count_rows are over all rows of the group; the other
// statistics need one.
struct Cell {
  Statistic statistic;
  std::optional<std::size_t> measure;
};

// Loss: what a release costs one dataset. `rho` composes by addition; `delta` (in units of 10^-18) is the probability with which a
// group key may show one unit, over and above rho, and adds up too.
struct Loss {
  Rho rho;
  std::uint64_t delta = 0;
  friend bool operator==(const Loss&, const Loss&) = default;
};

// Quantity: one integer a group that is taken from the data with noise. Cells that need the same one share it.
struct Quantity {
  enum class Kind { units, rows, sum, centred, squares };
  Kind kind;
  std::optional<std::size_t> measure;  // none: all rows of the group
  std::uint64_t bound = 0;             // how far one unit moves it in one group
  Rho rho;
  Scale sigma;
  // name: "units", "rows", "units of 0", "rows of 0", "sum of 0", "centred sum of 0", "centred squares of 0".
  std::string name() const;
};

class NoisePlan {
 public:
  struct Query {
    std::vector<Measure> measures;  // at most 64
    std::vector<Cell> cells;        // 1 to 64
    Limits limits;
    // keyed: the block has group keys, whose existence is released by threshold. Without keys there is one group, always released,
    // and limits.groups must be 1.
    bool keyed = true;
    Epsilon epsilon;
    Delta delta;
    // The query has so many released blocks, of which this is number `block`: each gets an even share of the loss, and noise of its own.
    std::uint32_t blocks = 1;  // 1 to 1024
    std::uint32_t block = 0;
  };

  // make: the loss rho_for(epsilon, delta, or half of delta when keyed) is split evenly over the blocks and their quantities; keyed
  // blocks share the other half of delta for their thresholds. `usage`: a cell without its measure, a variance over a measure wider than
  // 2 * Measure::kMaxHalfWidth, numbers out of range, a loss too small to be split.
  static Result<NoisePlan> make(Query query);

  const Query& query() const { return query_; }
  const std::vector<Quantity>& quantities() const { return quantities_; }
  // quantity: the index of the quantity of this kind and measure; the plan has those that its cells need.
  std::size_t quantity(Quantity::Kind kind, std::optional<std::size_t> measure) const;
  // threshold: of a keyed block, over the quantity `units` of all rows.
  const std::optional<Threshold>& threshold() const { return threshold_; }
  // loss: what the release costs, never above what epsilon and delta allow.
  const Loss& loss() const { return loss_; }
  // digest: SHA-256 of everything above. It is part of every label of noise: the same question under another budget or other bounds
  // gets other noise, since two answers whose noise differs only in scale could be solved for the exact number.
  const crypto::Sha256Digest& digest() const { return digest_; }

 private:
  explicit NoisePlan(Query query) : query_(std::move(query)) {}
  Query query_;
  std::vector<Quantity> quantities_;
  std::optional<Threshold> threshold_;
  Loss loss_;
  crypto::Sha256Digest digest_;
};

}  // namespace redoubt::sql::dp
