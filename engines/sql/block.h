// ReleasedBlock: a checked single-block aggregate query in parts: group keys, aggregate cells, and the expressions over them.
// Private to this room: made by the analysis (block.cpp), printed by the plan builder (plan_builder.cpp).
#pragma once

#include <string>
#include <vector>

#include "engines/sql/resolve.h"

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
};

struct ReleasedBlock {
  explicit ReleasedBlock(Scope s) : scope(std::move(s)) {}

  Scope scope;
  std::vector<Expression> where;   // resolved terms
  std::vector<Expression> keys;    // resolved row expressions
  std::vector<Cell> cells;
  std::vector<Expression> items;   // over keys and cells
  std::vector<std::string> names;
  std::vector<Expression> having;  // over keys and cells; none or one
  std::vector<OrderItem> order_by;  // over keys and cells
  bool distinct = false;
  bool limited = false;
  std::uint64_t limit = 0;
  std::uint64_t offset_rows = 0;
};

// analyse applies S1 to S14 and A1 to A4 to one block.
Checked<ReleasedBlock> analyse(const Block& block, const Schema& schema);

}  // namespace redoubt::sql
