// ReleasePlan: a query that was checked, and what the engine runs in its place: released blocks with their thresholds on units
// (T1), secondary suppression (T2) and per-cell suppression (T3), and HAVING, ORDER BY and LIMIT after them.
//
// Only check() makes one, so whatever holds a ReleasePlan holds a query that the rules accept. Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engines/sql/level.h"

namespace redoubt::sql {

// NoisyBlock: what the noise of one released block needs (differential_privacy). `rows_sql` yields one row for each row of a person:
// u (the unit), g0, g1, ... (group keys), and for cell j its argument a<j>_0 and filter f<j>, where it has them. The noisy
// groups go into main.<table>(g0, ..., c0, ...), which the plan's own statement reads.
struct NoisyBlock {
  struct Cell {
    std::string aggregate;  // count_star, count, count_if, sum, avg, var_samp, ...
    bool distinct = false;  // units
    bool argument = false;
    bool filter = false;
    double low = 0;  // of a sum's, average's or variance's argument: values are clipped to this interval
    double high = 0;
  };
  std::string table;
  std::string rows_sql;
  std::size_t keys = 0;
  std::vector<Cell> cells;
};

// Trace: a statement over the released groups of one block, for the release ledger: place (which group), u (the unit), for each of
// `sources` the dataset rows that the row was built from (a row number or a list of them), and for each cell whether the row
// contributes to it and the cell is released.
struct ContributorTrace {
  std::string sql;
  std::vector<std::string> sources;  // datasets
  std::size_t cells = 0;
};

class ReleasePlan {
 public:
  Level level() const { return level_; }
  // sql is the statement for the engine; it is printed from the checked tree and holds none of the author's own text but
  // constants. Deterministic: the same text, schema and k give the same bytes.
  const std::string& sql() const { return sql_; }
  // quick_sql, where it is not empty, gives the same result or fails; sql is run when it fails.
  const std::string& quick_sql() const { return quick_sql_; }
  // names of the result's columns, as the author wrote them.
  const std::vector<std::string>& names() const { return names_; }
  // datasets that the query reads, by their registered names.
  const std::vector<std::string>& datasets() const { return datasets_; }
  // k: the threshold, in units.
  std::uint64_t k() const { return k_; }
  // noisy: the released blocks, in the order in which they can be computed; none at other levels.
  const std::vector<NoisyBlock>& noisy() const { return noisy_; }
  // traces: one for each released block at aggregate_only and k_anonymized.
  const std::vector<ContributorTrace>& traces() const { return traces_; }
  // withheld: for each of these blocks a statement that yields one number: how many of its groups and cells T1 to T3 withhold. Nobody may be
  // told that of other people's data: it is for test data alone, and no room runs it.
  const std::vector<std::string>& withheld() const { return withheld_; }

 private:
  friend class PlanBuilder;
  ReleasePlan() = default;
  Level level_ = Level::aggregate_only;
  std::string sql_;
  std::string quick_sql_;
  std::vector<std::string> names_;
  std::vector<std::string> datasets_;
  std::uint64_t k_ = 0;
  std::vector<NoisyBlock> noisy_;
  std::vector<ContributorTrace> traces_;
  std::vector<std::string> withheld_;
};

}  // namespace redoubt::sql
