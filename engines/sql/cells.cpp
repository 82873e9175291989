#include "engines/sql/cells.h"

#include <algorithm>
#include <charconv>

#include "engines/sql/forms.h"
#include "engines/sql/functions.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;
using Zero = Cell::Zero;

Refusal refuse(const char* rule, std::string message, std::size_t offset, std::string suggestion = {}) {
  return Refusal{rule, std::move(message), offset, std::move(suggestion)};
}

Allowed expect_count(const Expression& call, std::size_t count) {
  if (call.children.size() == count) return std::monostate();
  return refuse("G5", call.text + " takes " + std::to_string(count) + " arguments", call.offset);
}

// A cast or an overflow gives NULL (S13), and so would choose rows by their value behind the back of T3: 'the sum of cost as a
// small type' leaves out the dear ones. Such arguments are remembered, and rows lost that way count as left out.
void add(Cell& cell, const Expression& argument, Zero zero) {
  if (argument.kind != Kind::column && !is_constant(argument)) cell.computed.push_back(argument);
  cell.arguments.push_back(argument);
  cell.zeros.push_back(zero);
  cell.small_complement = cell.small_complement || zero != Zero::counts;
}

// check_number: an argument of sum, avg, variances, corr, ...: plain, conditional or constant (A3).
Allowed add_number(Cell& cell, const Expression& argument, const Columns& columns) {
  REDOUBT_ALLOW_ALL(check_row_expression(argument, columns));
  switch (argument_form(argument, columns).form) {
    case Form::plain: case Form::constant: add(cell, argument, Zero::counts); return std::monostate();
    case Form::conditional: add(cell, argument, Zero::excluded); return std::monostate();
    case Form::predicate:
      return refuse("A3", "the argument of " + cell.name + " is a truth value, not a number", argument.offset,
                    "count_if(condition), or cast it: (condition)::INTEGER");
    default:
      return refuse("A3", "the argument of " + cell.name + " is neither plain, conditional nor constant", argument.offset,
                    cell.name + "(x) FILTER (WHERE condition) keeps a condition out of the arithmetic");
  }
}

bool null_else(const Expression& e) {
  return e.kind == Kind::case_when && e.children.size() == 3 && e.children[2].is_null();
}

// check_distinct: count(DISTINCT x) takes a bare column, a part of one, or CASE WHEN p THEN a bare column END.
Allowed add_distinct(Cell& cell, const Expression& x, const Columns& columns) {
  if (x.kind == Kind::column) {
    add(cell, x, Zero::counts);
    return std::monostate();
  }
  cell.small_complement = true;
  if (null_else(x) && x.children[1].kind == Kind::column) {
    REDOUBT_ALLOW_ALL(check_row_expression(x.children[0], columns));
    const bool number = argument_form(x, columns).form == Form::conditional;
    add(cell, x, number ? Zero::excluded : Zero::counts);
    return std::monostate();
  }
  const bool part = (x.is_function("date_trunc") || x.is_function("date_part")) && x.children.size() == 2 &&
                    is_constant(x.children[0]) && x.children[1].kind == Kind::column;
  const bool unit = (x.is_function("year") || x.is_function("month") || x.is_function("quarter")) && x.children.size() == 1 &&
                    x.children[0].kind == Kind::column;
  if (!part && !unit) {
    return refuse("A3", "count(DISTINCT ...) takes a column, a date part of one, or CASE WHEN condition THEN column END", x.offset);
  }
  REDOUBT_ALLOW_ALL(check_row_expression(x, columns));
  add(cell, x, Zero::counts);
  return std::monostate();
}

Allowed add_counted(Cell& cell, const Expression& x, const Columns& columns) {
  if (x.kind == Kind::column) {
    add(cell, x, Zero::counts);
    return std::monostate();
  }
  REDOUBT_ALLOW_ALL(check_row_expression(x, columns));
  const Form form = argument_form(x, columns).form;
  add(cell, x, form == Form::conditional ? Zero::excluded : form == Form::predicate ? Zero::false_excluded : Zero::counts);
  cell.small_complement = true;
  return std::monostate();
}

// fraction_of checks A4 and returns the constant as it is printed.
Checked<std::string> fraction_of(const Expression& e) {
  double fraction = 0;
  const char* end = e.text.data() + e.text.size();
  const bool number = e.kind == Kind::constant && (e.constant_type == Expression::ConstantType::decimal ||
                                                   e.constant_type == Expression::ConstantType::floating ||
                                                   e.constant_type == Expression::ConstantType::integer);
  const auto parsed = number ? std::from_chars(e.text.data(), end, fraction) : std::from_chars_result{nullptr, std::errc()};
  if (!number || parsed.ec != std::errc() || parsed.ptr != end) {
    return refuse("A4", "the fraction of quantile_cont is one constant number", e.offset, "quantile_cont(x, 0.5)");
  }
  if (fraction < 0.05 || fraction > 0.95) {
    return refuse("A4", "the fraction of quantile_cont is from 0.05 to 0.95", e.offset,
                  fraction < 0.5 ? "quantile_cont(x, 0.05)" : "quantile_cont(x, 0.95)");
  }
  return e.text;
}

Allowed add_quantile(Cell& cell, const Expression& call, const Columns& columns) {
  const bool within = !call.order_by.empty();
  if (within && call.order_by.size() != 1) return refuse("A2", "WITHIN GROUP takes one ORDER BY", call.offset);
  if (cell.name == "quantile_cont") {
    REDOUBT_ALLOW_ALL(expect_count(call, within ? 1 : 2));
    REDOUBT_ALLOW(cell.fraction, fraction_of(call.children.back()));
    cell.descending = within && call.order_by[0].descending;
  } else {
    REDOUBT_ALLOW_ALL(expect_count(call, 1));
    if (within) return refuse("A2", "ORDER BY inside " + cell.name, call.offset);
  }
  const Expression& x = within ? call.order_by[0].expression : call.children[0];
  REDOUBT_ALLOW_ALL(check_row_expression(x, columns));
  if (argument_form(x, columns).form != Form::plain) {
    return refuse("A3", "the argument of " + cell.name + " is not plain", x.offset,
                  cell.name + " over a column, with FILTER (WHERE condition)");
  }
  add(cell, x, Zero::counts);
  cell.quantile = true;
  return std::monostate();
}

}  // namespace

bool same_cell(const Cell& a, const Cell& b) {
  return a.name == b.name && a.distinct == b.distinct && a.fraction == b.fraction && a.descending == b.descending &&
         std::ranges::equal(a.arguments, b.arguments, same) && std::ranges::equal(a.filter, b.filter, same);
}

Checked<Cell> make_cell(const Expression& call, const Columns& columns) {
  const AggregateClass kind = aggregate_class(call.text);
  if (kind == AggregateClass::none) {
    if (!is_row_function(call.text)) return refuse_function(call);
    return refuse("A2", "DISTINCT, FILTER and ORDER BY belong to aggregates", call.offset);
  }
  Cell cell;
  cell.name = call.text;
  cell.distinct = call.distinct;
  if (call.distinct && kind != AggregateClass::count) {
    return refuse("A2", "DISTINCT is for count only", call.offset, "count(DISTINCT x)");
  }
  if (!call.order_by.empty() && kind != AggregateClass::quantile) {
    return refuse("A2", "ORDER BY inside " + cell.name, call.offset);
  }
  for (const Expression& child : call.children) {
    if (child.kind == Kind::star) return refuse("S12", "a star inside " + cell.name + "; use count(*) or name a column", child.offset);
  }
  if (!call.filter.empty()) {
    REDOUBT_ALLOW_ALL(check_row_expression(call.filter[0], columns));
    cell.filter = call.filter;
    cell.small_complement = true;
  }
  switch (kind) {
    case AggregateClass::count_star:
      REDOUBT_ALLOW_ALL(expect_count(call, 0));
      break;
    case AggregateClass::count:
      REDOUBT_ALLOW_ALL(expect_count(call, 1));
      REDOUBT_ALLOW_ALL(call.distinct ? add_distinct(cell, call.children[0], columns) : add_counted(cell, call.children[0], columns));
      break;
    case AggregateClass::count_if:
      REDOUBT_ALLOW_ALL(expect_count(call, 1));
      REDOUBT_ALLOW_ALL(check_row_expression(call.children[0], columns));
      add(cell, call.children[0], Zero::false_excluded);
      break;
    case AggregateClass::one_number:
      REDOUBT_ALLOW_ALL(expect_count(call, 1));
      REDOUBT_ALLOW_ALL(add_number(cell, call.children[0], columns));
      break;
    case AggregateClass::two_numbers:
      REDOUBT_ALLOW_ALL(expect_count(call, 2));
      for (const Expression& child : call.children) REDOUBT_ALLOW_ALL(add_number(cell, child, columns));
      break;
    case AggregateClass::median:
    case AggregateClass::quantile:
      REDOUBT_ALLOW_ALL(add_quantile(cell, call, columns));
      break;
    case AggregateClass::none: break;
  }
  return cell;
}

}  // namespace redoubt::sql
