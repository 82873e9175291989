// ReleasePlan: a query that was checked, and what the engine runs in its place: released blocks with their thresholds on units
// (T1), secondary suppression (T2) and per-cell suppression (T3), and HAVING, ORDER BY and LIMIT after them.
//
// Only check() makes one, so whatever holds a ReleasePlan holds a query that the rules accept. Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engines/sql/dp/noise_plan.h"
#include "engines/sql/level.h"

namespace redoubt::sql {

// NoisyBlock: one released block at differential_privacy, as the noise needs it. `rows_sql` yields one row for each row of a person: u
// (the unit), g0, g1, ... (group keys) and for measure m its value v<m>, NULL where the row does not contribute. A measure says to which
// interval values are clipped and in which steps they are counted: with the limits on groups and rows of a unit this bounds what one unit adds to
// each sum (dp/bounds.h). The noisy groups go into main.<table>(g0, ..., c0, ...), which the plan's own statement reads.
struct NoisyBlock {
  std::string table;
  std::string rows_sql;
  std::size_t keys = 0;
  std::vector<dp::Measure> measures;
  std::vector<dp::Cell> cells;

  // cell_type of column c<j> in the table: whole numbers for counts, exact decimals for sums, DOUBLE for what is divided.
  std::string cell_type(std::size_t j) const;
};

// Trace: a statement over the released groups of one block, for the release ledger: place (which group), u (the unit), for each of
// `sources` the dataset rows that the row was built from (a row number or a list of them), and for each cell whether the row
// contributes to it and the cell is released. `quick_sql` yields the same rows, with other numbers of groups, or fails; sql is run when it fails.
struct ContributorTrace {
  std::string sql;
  std::string quick_sql;
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
