// Blocks: one SELECT over unit-level, released or open relations, checked and printed. Private to this room.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engines/sql/compiler.h"

namespace redoubt::sql {

// compile_block applies S1 to S8, S10 and the level's rules on aggregates to one block.
Checked<Relation> compile_block(Compiler& compiler, const Block& block, const Names& names, const Scope* outer, bool outermost);

// Select: one statement over `columns`, ready to be printed. Items get the names c0, c1, ...
struct Select {
  std::string from;                // empty: no FROM
  std::string unit;                // printed as u; empty for released and open rows
  std::vector<SourceId> ids;             // printed as i0, i1, ... after u
  std::vector<std::string> where;  // printed
  Columns columns;
  std::vector<Expression> items;
  std::vector<Expression> group_by;
  std::vector<std::vector<std::size_t>> grouping_sets;
  std::vector<Expression> having;   // none or one
  std::vector<Expression> qualify;  // none or one
  Modifiers modifiers;              // resolved over `columns`
};

// print_select: rows of the outermost statement, and of those with LIMIT, come in an order that storage does not decide.
std::string print_select(const Select& select, bool outermost);

// ordinal reads `GROUP BY 2` and `ORDER BY 2`: an integer literal is the number of an item, counted from 0 here.
Checked<std::optional<std::size_t>> ordinal(const Expression& expression, std::size_t count);

}  // namespace redoubt::sql
