// Aggregates of a released block: which are allowed, over what, and what contributes to them (A2 to A4; at differential_privacy
// D2 and D3 instead). Private to this room.
#pragma once

#include "engines/sql/block.h"
#include "engines/sql/level.h"
#include "engines/sql/refusal.h"

namespace redoubt::sql {

// make_cell checks one aggregate call, whose columns are resolved.
Checked<Cell> make_cell(const Expression& call, const Columns& columns, Level level);
// check_unit_aggregate checks one aggregate call of a unit-level block (S7).
Allowed check_unit_aggregate(const Expression& call, const Columns& columns);
// same_cell: computes the same thing.
bool same_cell(const Cell& a, const Cell& b);

}  // namespace redoubt::sql
