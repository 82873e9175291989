// Cells and released blocks: what a released block computes, before it is printed with its thresholds.
// Private to this room: made by the compiler (released.cpp), printed by the plan builder (suppress.cpp).
#pragma once

#include <string>
#include <vector>

#include "engines/sql/ast.h"
#include "engines/sql/relation.h"

namespace redoubt::sql {

// Cell: one aggregate of the block. Contributing rows pass the filter, have no NULL argument and, for conditional and boolean
// arguments, none that is 0 or false (docs/specs/query-rules.md).
struct Cell {
  std::string name;                   // of the aggregate
  bool distinct = false;
  std::vector<Expression> arguments;  // row expressions
  enum class Zero { counts, excluded, false_excluded };
  std::vector<Zero> zeros;            // one for each argument: whether 0 (or false) contributes
  std::vector<Expression> filter;     // none or one
  std::string fraction;               // quantile_cont: its constant
  bool descending = false;            // quantile_cont WITHIN GROUP (ORDER BY ... DESC)
  bool small_complement = false;      // T3 also looks at the rows that are left out
  bool quantile = false;              // T3 also looks at units * min(q, 1 - q)
  std::vector<Expression> computed;   // arguments that may be NULL though their columns are not (a cast, an overflow)
  bool bounded = false;               // arguments of a magnitude with which the aggregate could fail become NULL (print_bounded)
  std::vector<Interval> intervals;    // one for each argument (D3)
};

// Rows: the joined rows of a unit block, as the plan reads them.
struct Rows {
  std::string from;                // printed FROM
  std::string unit;                // the unit of a joined row, printed
  std::vector<std::string> where;  // printed conditions
  Columns columns;
  std::vector<SourceId> ids;
};

struct ReleasedBlock {
  Rows rows;
  std::vector<Expression> keys;  // row expressions over rows.columns
  std::vector<Cell> cells;
  bool counted = false;  // the number of rows of each group is released too (K1)
};

}  // namespace redoubt::sql
