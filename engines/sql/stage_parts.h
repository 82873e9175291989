// Staged parts: the engine takes no subquery under TRY, so whatever stands above one could fail on a row, and that failure would be an exact bit
// about the row (S13). Subqueries that stand under something that may fail become columns of an inner statement first; what stands above them
// is then an expression over plain columns, which TRY takes. Private to this room.
#pragma once

#include <functional>
#include <vector>

#include "engines/sql/block.h"
#include "engines/sql/compiler.h"

namespace redoubt::sql {

// PrintTerm prints one AND term of a WHERE.
using PrintTerm = std::function<std::string(const Expression&, const Columns&)>;

// stage_parts reads `rows` by way of an inner statement where that is needed, and marks the parts in `terms` (of WHERE) and `over`. The terms that
// hold none of the parts go into the inner statement and are removed. Columns keep their places; those that are gone keep their text.
void stage_parts(Compiler& compiler, Rows& rows, std::vector<Expression>& terms, const std::vector<Expression*>& over,
                 const PrintTerm& print_term);

// needed_parts hands each scalar subquery, and each other one under something that may fail, to `take`, the outermost first; also marks what aggregates and windows are over
// rows of people.
void needed_parts(Expression& expression, const std::function<void(Expression&)>& take);

}  // namespace redoubt::sql
