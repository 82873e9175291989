#include "engines/sql/cells.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engines/sql/forms.h"
#include "engines/sql/functions.h"
#include "engines/sql/functions_catalogue.h"
#include "engines/sql/grid.h"
#include "engines/sql/print.h"
#include "engines/sql/refusal.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;
using Zero = Cell::Zero;

Allowed expect_count(const Expression& call, std::size_t count) {
  if (call.children.size() == count) return std::monostate();
  return refuse("G5", call.text + " takes " + std::to_string(count) + " arguments", call.offset);
}

// A cast or an overflow gives NULL (S13), and so would choose rows by their value behind the back of T3: 'the sum of cost as a
// small type' leaves out the dear ones. Such arguments are remembered, and rows lost that way count as left out.
void add(Cell& cell, const Expression& argument, Zero zero, const Columns& columns) {
  const bool computed = argument.kind != Kind::column && !is_constant(argument) && argument.kind != Kind::scalar;
  if (computed || argument_form(argument, columns).fallible) cell.computed.push_back(argument);
  cell.arguments.push_back(argument);
  cell.zeros.push_back(zero);
  cell.small_complement = cell.small_complement || zero != Zero::counts;
}

// add_summed is add for aggregates that add up: their arguments are bounded, which may make them NULL as well.
void add_summed(Cell& cell, const Expression& argument, Zero zero, const Columns& columns) {
  const std::size_t before = cell.computed.size();
  add(cell, argument, zero, columns);
  cell.bounded = true;
  if (cell.computed.size() == before && !is_constant(argument) && !is_bounded(argument, columns)) cell.computed.push_back(argument);
}

// add_bounded: an argument under noise has a finite interval (D3).
Allowed add_bounded(Cell& cell, const Expression& argument, const Columns& columns) {
  REDOUBT_ALLOW_ALL(check_row_expression(argument, columns));
  const Interval interval = interval_of(argument, columns);
  if (!interval.finite || interval.low > interval.high) {
    return refuse("D3", "the argument of " + cell.name + " has no finite interval, so no noise covers it", argument.offset,
                  "use columns with bounds; limit others: least(greatest(x, 0), 100)");
  }
  if (std::max(std::abs(interval.low), std::abs(interval.high)) > kMaxMagnitude) {
    return refuse("D3", "the argument of " + cell.name + " reaches beyond 10^18, where it has no grid", argument.offset,
                  "limit it: least(greatest(x, 0), 1000000)");
  }
  const Form form = argument_form(argument, columns).form;
  add(cell, argument, form == Form::conditional || form == Form::predicate ? Zero::excluded : Zero::counts, columns);
  cell.intervals.push_back(interval);
  return std::monostate();
}

// add_number: an argument of sum, avg, variances, corr, ...: plain, conditional or constant (A3).
Allowed add_number(Cell& cell, const Expression& argument, const Columns& columns) {
  REDOUBT_ALLOW_ALL(check_row_expression(argument, columns));
  switch (argument_form(argument, columns).form) {
    case Form::plain: case Form::constant: add_summed(cell, argument, Zero::counts, columns); return std::monostate();
    case Form::conditional: add_summed(cell, argument, Zero::excluded, columns); return std::monostate();
    case Form::predicate:
      return refuse("A3", "the argument of " + cell.name + " is a truth value, not a number", argument.offset,
                    "count_if(condition), or cast it: (condition)::INTEGER");
    default:
      return refuse("A3", "the argument of " + cell.name + " is neither plain, conditional nor constant", argument.offset,
                    cell.name + "(x) FILTER (WHERE condition) keeps a condition out of the arithmetic");
  }
}

// chosen_column: CASE WHEN condition THEN a bare column END.
const Expression* chosen_column(const Expression& x) {
  const bool chosen = x.kind == Kind::case_when && x.children.size() == 3 && x.children[2].is_null() && x.children[1].kind == Kind::column;
  return chosen ? &x.children[1] : nullptr;
}

// add_distinct: count(DISTINCT x) takes a bare column, a part of one, or CASE WHEN p THEN a bare column END; under noise the unit only.
Allowed add_distinct(Cell& cell, const Expression& x, const Columns& columns, Level level) {
  const Expression* chosen = chosen_column(x);
  const Expression& column = chosen != nullptr ? *chosen : x;
  if (level == Level::differential_privacy && (column.kind != Kind::column || columns[column.index].role != Role::unit)) {
    return refuse("D2", "count(DISTINCT ...) under noise takes the unit column", x.offset, "count(DISTINCT unit)");
  }
  const Argument argument = chosen != nullptr ? columns[chosen->index].argument : argument_form(x, columns);
  const Counted counted = argument.counted;
  if (chosen != nullptr && counted == Counted::column) {
    REDOUBT_ALLOW_ALL(check_row_expression(x.children[0], columns));
    add(cell, x, argument.form == Form::plain ? Zero::excluded : Zero::counts, columns);
  } else if (chosen == nullptr && counted != Counted::never) {
    if (counted != Counted::column || x.kind != Kind::column) REDOUBT_ALLOW_ALL(check_row_expression(x, columns));
    add(cell, x, Zero::counts, columns);
  } else {
    return refuse("A3", "count(DISTINCT ...) takes a column, a date part of one, or CASE WHEN condition THEN column END", x.offset);
  }
  cell.small_complement = cell.small_complement || counted != Counted::column || chosen != nullptr;
  return std::monostate();
}

Allowed add_counted(Cell& cell, const Expression& x, const Columns& columns) {
  const Argument argument = argument_form(x, columns);
  if (x.kind == Kind::column && argument.counted == Counted::column) {
    add(cell, x, Zero::counts, columns);
    return std::monostate();
  }
  REDOUBT_ALLOW_ALL(check_row_expression(x, columns));
  const Form form = argument.form;
  // A text or a date is not 0.
  const bool named = x.kind == Kind::case_when && is_constant(x.children[1]) && !is_number(x.children[1], columns);
  add(cell, x, form == Form::conditional && !named ? Zero::excluded : form == Form::predicate ? Zero::false_excluded : Zero::counts, columns);
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
  add_summed(cell, x, Zero::counts, columns);
  cell.quantile = true;
  return std::monostate();
}

}  // namespace

Allowed check_unit_aggregate(const Expression& call, const Columns& columns) {
  if (!is_unit_aggregate(call.text)) {
    if (!is_any_aggregate(call.text)) return refuse_function(call);
    return refuse("S7", "the aggregate " + call.text.substr(0, 64) + " is not for the rows of one person", call.offset,
                  "count, sum, avg, min, max, median, bool_or, arg_max and variances are");
  }
  if (call.distinct && call.text != "count") return refuse("S7", "DISTINCT is for count only", call.offset, "count(DISTINCT x)");
  if (!call.order_by.empty() && call.text != "quantile_cont") return refuse("S7", "ORDER BY inside " + call.text, call.offset);
  for (const Expression& filter : call.filter) REDOUBT_ALLOW_ALL(check_row_expression(filter, columns));
  for (const OrderItem& order : call.order_by) REDOUBT_ALLOW_ALL(check_row_expression(order.expression, columns));
  for (const Expression& child : call.children) {
    if (child.kind == Kind::star) return refuse("S12", "a star inside " + call.text + "; use count(*) or name a column", child.offset);
    const Expression* chosen = call.distinct ? chosen_column(child) : nullptr;
    if (call.text == "count" && child.kind == Kind::column) continue;  // an identifier may be counted
    REDOUBT_ALLOW_ALL(check_row_expression(chosen != nullptr ? child.children[0] : child, columns));
  }
  if (call.text == "quantile_cont") {
    const bool within = !call.order_by.empty();
    if (call.children.size() != (within ? 1U : 2U) || !is_row_constant(call.children.back())) {
      return refuse("S7", "the fraction of quantile_cont is one constant", call.offset);
    }
  }
  if (call.children.empty() && call.text != "count_star") return refuse("G5", call.text + " takes an argument", call.offset);
  return std::monostate();
}

bool same_cell(const Cell& a, const Cell& b) {
  return a.name == b.name && a.distinct == b.distinct && a.fraction == b.fraction && a.descending == b.descending &&
         std::ranges::equal(a.arguments, b.arguments, same) && std::ranges::equal(a.filter, b.filter, same);
}

Checked<Cell> make_cell(const Expression& call, const Columns& columns, Level level) {
  const AggregateClass kind = aggregate_class(call.text);
  const bool noisy = level == Level::differential_privacy;
  if (kind == AggregateClass::none) {
    if (noisy && is_any_aggregate(call.text)) {
      return refuse("D2", "the aggregate " + call.text.substr(0, 64) + " is not released with noise", call.offset);
    }
    if (!is_row_function(call.text)) return refuse_function(call);
    return refuse("A2", "DISTINCT, FILTER and ORDER BY belong to aggregates", call.offset);
  }
  if (noisy && !is_noisy_aggregate(call.text)) {
    return refuse("D2", "the aggregate " + call.text + " is not released with noise", call.offset);
  }
  Cell cell;
  cell.name = call.text;
  cell.distinct = call.distinct;
  if (call.distinct && kind != AggregateClass::count) {
    return refuse(noisy ? "D2" : "A2", "DISTINCT is for count only", call.offset, "count(DISTINCT x)");
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
      REDOUBT_ALLOW_ALL(call.distinct ? add_distinct(cell, call.children[0], columns, level) : add_counted(cell, call.children[0], columns));
      break;
    case AggregateClass::count_if:
      REDOUBT_ALLOW_ALL(expect_count(call, 1));
      REDOUBT_ALLOW_ALL(check_row_expression(call.children[0], columns));
      add(cell, call.children[0], Zero::false_excluded, columns);
      break;
    case AggregateClass::one_number:
      REDOUBT_ALLOW_ALL(expect_count(call, 1));
      REDOUBT_ALLOW_ALL(noisy ? add_bounded(cell, call.children[0], columns) : add_number(cell, call.children[0], columns));
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
