// Prints checked expressions as SQL for the engine. What is printed comes from the allow-listed tree: constants are the
// engine's own literals, names are registered names or ours. Private to this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engines/sql/ast.h"
#include "engines/sql/relation.h"

namespace redoubt::sql {

// print writes an expression: columns as `columns` says. Whatever could fail on a row gives NULL instead (S13), so that no
// run-time error depends on the data.
std::string print(const Expression& expression, const Columns& columns);

// print_condition is print where a truth value is expected: what is not BOOLEAN is cast so that it cannot fail.
std::string print_condition(const Expression& expression, const Columns& columns);

// print_bounded is print for an argument of an aggregate that adds up, averages or interpolates: values of a magnitude with which the aggregate
// itself could fail become NULL (beyond 10^100 as DOUBLE; beyond 10^28 steps of an exact number; dates outside of the years 1 to 9999).
std::string print_bounded(const Expression& expression, const Columns& columns);

// is_bounded: print_bounded changes nothing, by the type of the expression.
bool is_bounded(const Expression& expression, const Columns& columns);

// print_bare_equality is print without the guard against failing, for equalities of unit columns that joins must recognise.
std::string print_bare_equality(const Expression& equality, const Columns& columns);

// print_order writes the terms of ORDER BY, without the words; constants, which the engine would read as places, are left out.
std::string print_order(const std::vector<OrderItem>& order, const Columns& columns);

// join_texts puts a word between texts.
std::string join_texts(const std::vector<std::string>& parts, std::string_view between = ", ");

// quote writes a registered name as an identifier.
std::string quote(const std::string& name);

}  // namespace redoubt::sql
