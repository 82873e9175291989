// Forms of expressions: what may stand in a row expression (S1, S3, S14) and what an argument of an aggregate is (A3).
// Private to this room. Works on resolved expressions; refuses whatever it has no form for.
#pragma once

#include "engines/sql/ast.h"
#include "engines/sql/columns.h"
#include "engines/sql/refusal.h"

namespace redoubt::sql {

enum class Form {
  plain,        // numbers of columns: a column, sums, differences, products of at most two columns, ...
  conditional,  // 0 or NULL unless a predicate holds
  constant,
  date,       // a bare DATE column
  predicate,  // BOOLEAN
  other,
};

struct Argument {
  Form form = Form::other;
  int degree = 0;  // columns multiplied in one term of a plain form
};

// argument_form classifies a resolved argument by A3.
Argument argument_form(const Expression& expression, const Columns& columns);

// check_row_expression allows what S1, S3, S13 and S14 allow: no aggregate, no identifier but in IS [NOT] NULL.
Allowed check_row_expression(const Expression& expression, const Columns& columns);

// check_released_expression allows S1 and S14 over keys and cells, after an aggregate call was replaced by its cell.
Allowed check_released_expression(const Expression& expression);

// is_constant: no column, key, cell or aggregate anywhere.
bool is_constant(const Expression& expression);

// has_aggregate: an aggregate of A2, or a call with DISTINCT, FILTER or ORDER BY, anywhere.
bool has_aggregate(const Expression& expression);

// refuse_function names the rule for a function that is on no allow-list.
Refusal refuse_function(const Expression& call);

}  // namespace redoubt::sql
