// Cells: the aggregates of a released block, checked by A2 to A4. Private to this room.
#pragma once

#include "engines/sql/block.h"

namespace redoubt::sql {

// make_cell checks one resolved aggregate call.
Checked<Cell> make_cell(const Expression& call, const Columns& columns);

bool same_cell(const Cell& a, const Cell& b);

}  // namespace redoubt::sql
