// Texts: how long the values of an expression can become, and what one row can make the engine do with them (extent.h), from the extents of its columns.
//
// A column of a dataset holds at most as many bytes as a table file takes, a constant its own; every function says by its rule (TextRule in functions.h) how its
// result grows. Over rows of people nothing may grow beyond kMaxValueSize, and what one row makes together stays below kMaxRowSize and kMaxRowSteps, the rows
// that constants make of it counted (G5). Depends on text and schema alone. Private to this room. Pure.
#pragma once

#include "common/table/table_file.h"
#include "engines/sql/ast.h"
#include "engines/sql/extent.h"
#include "engines/sql/relation.h"

namespace redoubt::sql {

// kFixedText: the longest text of a number, truth value, date, time or interval, with room to spare.
inline constexpr double kFixedText = 128;
// kCellText: of a column of a dataset.
inline constexpr double kCellText = table::kMaxText;
// kMaxValueSize: bytes of one value over rows of people. kMaxRowSize: bytes of all texts computed from one row of a person in one statement; the engine keeps
// an expression as often as the printed text repeats it, less than 20 times, and has a gigabyte. kMaxRowSteps: of looking through them, some seconds.
inline constexpr double kMaxValueSize = 4.0 * 1024 * 1024;
inline constexpr double kMaxRowSize = 32.0 * 1024 * 1024;
inline constexpr double kMaxRowSteps = 4e9;

// fixed_extent: of a number and its like. text_extent: of a text of at most so many bytes.
Extent fixed_extent();
Extent text_extent(double bytes);
// larger: of either of two.
Extent larger(const Extent& a, const Extent& b);

// extent_of: of the values of a resolved expression.
Extent extent_of(const Expression& expression, const Columns& columns);

// Measured: an expression over one row. The pointers are into the expression, or null. The effort leaves out what is made of something unbounded, which is
// to be refused: a column or subquery as too long, a function without a rule or a list for what it is (S1, S14).
struct Measured {
  Extent extent;
  Effort effort;
  const Expression* too_long = nullptr;  // the innermost part beyond kMaxValueSize
  const Expression* dearest = nullptr;   // the part that takes the most steps
  double most_steps = 0;
};
Measured measure(const Expression& expression, const Columns& columns);

}  // namespace redoubt::sql
