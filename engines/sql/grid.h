// The integer grid of a measure: in which steps the argument of a noisy aggregate is counted. Private to this room; pure.
//
// The step is a power of ten that follows from the text and the declared bounds alone: as fine as the numbers of the columns are, where
// that is known, and coarse enough that sums stay far below 2^62.
#pragma once

#include <optional>

#include "engines/sql/ast.h"
#include "engines/sql/dp/bounds.h"
#include "engines/sql/relation.h"

namespace redoubt::sql {

// kMaxMagnitude: an interval that reaches beyond it has no grid, and no noise.
inline constexpr double kMaxMagnitude = 1e18;

// decimal_places that the numbers of a row expression have at most; nothing where that cannot be told.
std::optional<int> decimal_places(const Expression& expression, const Columns& columns);

// make_measure: the interval on its grid. `squares`: sums of squares are taken, which want fewer steps. Within kMaxMagnitude it never fails.
dp::Measure make_measure(const Interval& interval, std::optional<int> places, bool squares);

// on_grid gives a number as steps, within the measure's bounds; what is not a number contributes nothing.
std::optional<std::int64_t> on_grid(const dp::Measure& measure, double value);

}  // namespace redoubt::sql
