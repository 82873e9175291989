// Bounds on what one unit can do to an answer: at most so many groups, so many rows a group, values clipped to an interval and counted
// in steps of a grid. These, not the noise, are what the privacy of a released block rests on.
//
// The data's owner and the query's author choose every value; whatever they choose, one unit moves a quantity by at most the bound that
// sensitivity() states. Which groups and rows of a unit stay is drawn from a keyed hash of that unit's own data, so that no other unit
// has a say in it. Values are integers on the grid: sums are exact, in any order. Pure and thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engines/sql/dp/bit_source.h"
#include "engines/sql/dp/integer.h"

namespace redoubt::sql::dp {

struct Limits {
  std::uint32_t groups = 8;      // of a released block that one unit touches, 1 to 1024; 1 where there are no group keys
  std::uint32_t rows = 50;       // of one unit in one group, 1 to 65536
  std::uint32_t min_units = 10;  // a group of fewer real units is never released, 1 to 2^20
  // validate: `usage` outside these ranges.
  Status validate() const;
  friend bool operator==(const Limits&, const Limits&) = default;
};

// Measure: the argument of one or more aggregates, clipped to low .. high in steps of 10^exponent.
class Measure {
 public:
  static constexpr std::int64_t kMaxValue = std::int64_t{1} << 40;       // of |low|, |high|
  static constexpr std::int64_t kMaxHalfWidth = std::int64_t{1} << 20;   // where squares are summed
  // make: `usage` when low > high, a bound passes kMaxValue or the exponent is not in -12 to 12.
  static Result<Measure> make(std::int64_t low, std::int64_t high, int exponent);

  std::int64_t low() const { return low_; }
  std::int64_t high() const { return high_; }
  int exponent() const { return exponent_; }
  // centre: a grid point from which nothing in the interval is farther than half_width; sums for averages are taken from it.
  std::int64_t centre() const { return low_ + (high_ - low_) / 2; }
  std::int64_t half_width() const { return high_ - centre(); }
  std::int64_t clip(std::int64_t value) const { return value < low_ ? low_ : value > high_ ? high_ : value; }
  friend bool operator==(const Measure&, const Measure&) = default;

 private:
  Measure(std::int64_t low, std::int64_t high, int exponent) : low_(low), high_(high), exponent_(exponent) {}
  std::int64_t low_;
  std::int64_t high_;
  int exponent_;
};

// Moments of the contributing rows of one unit in one group: their number, sum and sum of squares from the measure's centre.
struct Moments {
  std::int64_t count = 0;
  std::int64_t sum = 0;
  std::int64_t centred = 0;
  std::int64_t squares = 0;
  friend bool operator==(const Moments&, const Moments&) = default;
};

// Row: one row of the block before aggregation. `unit` is a numbering of the units, the same each time the query runs, `group` an
// index into the list of group keys; one value a measure, absent where the row does not contribute to it (a FILTER, a NULL).
struct Row {
  std::uint64_t unit;
  std::uint32_t group;
  std::vector<std::optional<std::int64_t>> values;
};

// Contribution: what one unit adds to one group.
struct Contribution {
  std::uint64_t unit = 0;
  std::uint32_t group = 0;
  std::int64_t rows = 0;
  std::vector<Moments> moments;  // one a measure
  friend bool operator==(const Contribution&, const Contribution&) = default;
};

// moments_of clips and adds values; at most `rows` of them count, which the caller has cut to.
Moments moments_of(const Measure& measure, std::span<const std::optional<std::int64_t>> values);

// bound_rows sums rows to one Contribution a (unit, group), sorted by both, of at most limits.rows rows each: where there are more,
// as many are drawn by `seed` from the rows in the order of their values, for each group key apart: the place of a key in the list
// may depend on other units. `usage`: a row with another number of values or of no group, limits out of range.
Result<std::vector<Contribution>> bound_rows(std::vector<Row> rows, std::span<const std::string> group_keys,
                                             std::span<const Measure> measures, const Limits& limits, const NoiseSeed& seed);

// bound_groups keeps at most limits.groups groups a unit, those whose keyed hash of (unit, group key) is least, and clamps every
// moment to what limits.rows clipped rows can add up to; sorted by unit and group. `usage`: a (unit, group) that stands twice, an index
// outside `group_keys`, another number of moments.
Result<std::vector<Contribution>> bound_groups(std::vector<Contribution> contributions, std::span<const std::string> group_keys,
                                               std::span<const Measure> measures, const Limits& limits, const NoiseSeed& seed);

}  // namespace redoubt::sql::dp
