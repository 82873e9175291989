// Forms of expressions: what may stand in a row expression (S1, S3, S5, S14), what an argument of an aggregate is (A3) and in
// which interval its numbers lie (D3). Private to this room. Works on resolved expressions; refuses whatever it has no form for.
#pragma once

#include "engines/sql/ast.h"
#include "engines/sql/refusal.h"
#include "engines/sql/relation.h"

namespace redoubt::sql {

// argument_form classifies a resolved argument by A3.
Argument argument_form(const Expression& expression, const Columns& columns);

// unit_aggregate_form classifies an aggregate of a unit-level block (S7), window_form a window inside one unit (S5).
Argument unit_aggregate_form(const Expression& call, const Columns& columns);
Argument window_form(const Expression& window, const Columns& columns);

// interval_of computes the interval of a row expression (D3) from those of its columns.
Interval interval_of(const Expression& expression, const Columns& columns);
// unit_interval: that of an aggregate or window inside one unit, with at most `kRowsPerUnit` rows.
Interval unit_interval(const Expression& call, const Columns& columns);
inline constexpr double kRowsPerUnit = 50;

// RowContext: where a row expression stands. Windows are for items and QUALIFY of unit blocks.
enum class RowContext { rows, windows };

// check_row_expression allows what S1, S3, S13 and S14 allow: no aggregate, no identifier but in IS [NOT] NULL and where units are
// looked up (S4); windows by S5 where the context has them.
Allowed check_row_expression(const Expression& expression, const Columns& columns, RowContext context = RowContext::rows);

// check_free_expression allows any deterministic built-in, over released rows and constants (S10).
Allowed check_free_expression(const Expression& expression);

// is_number: known to be a number by its type. What is not may still be one.
bool is_number(const Expression& expression, const Columns& columns);

// is_constant: no column, aggregate, window or subquery anywhere. is_row_constant: one that S14's functions make.
bool is_constant(const Expression& expression);
bool is_row_constant(const Expression& expression);

// is_aggregate_call: an aggregate, allowed or not, or a call with DISTINCT, FILTER or ORDER BY. has_aggregate: one anywhere outside
// of subqueries; inside a window's OVER and arguments too, but the window itself is none.
bool is_aggregate_call(const Expression& expression);
bool has_aggregate(const Expression& expression);
// has_window: a window anywhere outside of subqueries.
bool has_window(const Expression& expression);
// has_noisy: reads released rows under noise anywhere (a subquery).
bool has_noisy(const Expression& expression);

// refuse_function names the rule for a function that is on no allow-list.
Refusal refuse_function(const Expression& call);

}  // namespace redoubt::sql
