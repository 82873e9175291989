#include "engines/sql/forms.h"

#include <algorithm>

#include "engines/sql/functions.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

bool number_type(const std::string& target) {
  return target != "BOOLEAN" && target != "VARCHAR" && target != "DATE" && target != "TIME" && target != "TIMESTAMP" &&
         target != "INTERVAL";
}

// zero_or_null: the only ELSE of a conditional; another constant would tell the two branches apart with certainty.
bool zero_or_null(const Expression& e) {
  if (e.is_null()) return true;
  return e.kind == Kind::constant && e.text.find_first_not_of("0.") == std::string::npos &&
         (e.constant_type == Expression::ConstantType::integer || e.constant_type == Expression::ConstantType::decimal);
}

constexpr Argument kOther{};

Argument form_of(Form form, int degree = 0, Counted counted = Counted::never) { return {form, degree, counted}; }

// named: a column that is given another name by a cast or a condition is no longer the bare column.
Argument unnamed(Argument argument) {
  argument.counted = Counted::never;
  return argument;
}

Argument cast_form(const Expression& e, const Columns& columns) {
  const Argument child = unnamed(argument_form(e.children[0], columns));
  if (child.form == Form::constant) return child;
  if (e.text == "BOOLEAN" && child.form == Form::predicate) return child;
  if (e.text == "DATE" && child.form == Form::date) return child;
  if (!number_type(e.text)) return kOther;
  if (child.form == Form::plain || child.form == Form::conditional) return child;
  return child.form == Form::predicate ? form_of(Form::conditional) : kOther;
}

Argument case_form(const Expression& e, const Columns& columns) {
  if (e.children.size() != 3) return kOther;
  const Argument then = argument_form(e.children[1], columns);
  const Counted counted = e.children[2].is_null() && then.counted == Counted::column ? Counted::chosen : Counted::never;
  if (!zero_or_null(e.children[2])) return kOther;
  const bool number = then.form == Form::plain || then.form == Form::constant;
  return form_of(number ? Form::conditional : Form::other, 0, counted);
}

Argument sum_form(const Argument& a, const Argument& b) {
  if (a.form == Form::constant && b.form == Form::constant) return form_of(Form::constant);
  if ((a.form == Form::plain || a.form == Form::constant) && (b.form == Form::plain || b.form == Form::constant)) {
    return form_of(Form::plain, std::max(a.degree, b.degree));
  }
  return kOther;
}

Argument product_form(const Argument& a, const Argument& b) {
  if (a.form == Form::conditional && b.form == Form::constant) return unnamed(a);
  if (b.form == Form::conditional && a.form == Form::constant) return unnamed(b);
  const Argument out = sum_form(a, b);
  if (out.form != Form::plain) return out;
  return a.degree + b.degree <= 2 ? form_of(Form::plain, a.degree + b.degree) : kOther;
}

bool date_difference(const Argument& a, const Argument& b) {
  const auto dated = [](const Argument& x) { return x.form == Form::date || x.form == Form::constant; };
  return dated(a) && dated(b) && (a.form == Form::date || b.form == Form::date);
}

// part_of: count(DISTINCT date_trunc('month', column)) and its like.
Argument part_form(const Expression& e, const Columns& columns) {
  const std::size_t count = e.children.size();
  const bool part = (e.text == "date_trunc" || e.text == "date_part") && count == 2 && is_constant(e.children[0]);
  const bool whole = (e.text == "year" || e.text == "month" || e.text == "quarter") && count == 1;
  if (!part && !whole) return kOther;
  const bool column = argument_form(e.children[count - 1], columns).counted == Counted::column;
  return form_of(Form::other, 0, column ? Counted::part : Counted::never);
}

Argument function_form(const Expression& e, const Columns& columns) {
  if (is_constant(e)) return form_of(Form::constant);
  const std::size_t count = e.children.size();
  const auto form = [&](std::size_t i) { return unnamed(argument_form(e.children[i], columns)); };
  if ((e.text == "+" || e.text == "-") && count == 1) {
    const Argument child = form(0);
    return child.form == Form::plain || child.form == Form::conditional || child.form == Form::constant ? child : kOther;
  }
  if (e.text == "-" && count == 2 && date_difference(form(0), form(1))) return form_of(Form::plain, 1);
  if ((e.text == "date_diff" || e.text == "datediff" || e.text == "date_sub" || e.text == "datesub") && count == 3 &&
      is_constant(e.children[0]) && date_difference(form(1), form(2))) {
    return form_of(Form::plain, 1);
  }
  if ((e.text == "+" || e.text == "-") && count == 2) return sum_form(form(0), form(1));
  if (e.text == "*" && count == 2) return product_form(form(0), form(1));
  if (e.text == "/" && count == 2 && form(1).form == Form::constant) {
    const Argument child = form(0);
    return child.form == Form::plain || child.form == Form::conditional || child.form == Form::constant ? child : kOther;
  }
  if (is_boolean_function(e.text)) return form_of(Form::predicate);
  if (e.text == "round" && (count == 1 || (count == 2 && form(1).form == Form::constant))) {
    return form(0).form == Form::plain || form(0).form == Form::constant ? form(0) : kOther;
  }
  return part_form(e, columns);
}

Argument operation_form(const Expression& e, const Columns& columns) {
  if (is_constant(e)) return form_of(Form::constant);
  if (e.text == "LIST" || e.text == "ELEMENT" || e.text == "GROUPING") return kOther;
  if (e.text != "COALESCE") return form_of(Form::predicate);
  if (e.children.size() != 2) return kOther;
  const Argument first = unnamed(argument_form(e.children[0], columns));
  const Argument second = argument_form(e.children[1], columns);
  if (second.form == Form::constant && (first.form == Form::plain || first.form == Form::constant)) return first;
  // A truth value with a default stays one.
  const bool truth = e.children[1].is_null() || e.children[1].constant_type == Expression::ConstantType::boolean || second.form == Form::predicate;
  if (first.form == Form::predicate && truth) return first;
  // What counts nothing for a person counts as 0: COALESCE of a person's own conditional number keeps being one.
  return first.form == Form::conditional && zero_or_null(e.children[1]) ? first : kOther;
}

// inside_unit: a number of one person taken from the rows of that person.
Argument inside_unit(const Expression& call, const Argument& argument, bool dates) {
  Form form = argument.form == Form::constant ? Form::plain : argument.form;
  if (form != Form::plain && form != Form::conditional && !(dates && form == Form::date)) return kOther;
  if (!call.filter.empty()) form = form == Form::date ? Form::other : Form::conditional;
  return form_of(form, form == Form::plain ? std::max(1, argument.degree) : 0);
}

Argument counted_form(const Expression& call, const Columns& columns) {
  const bool bare = call.children.empty() || argument_form(call.children[0], columns).counted == Counted::column;
  return bare && call.filter.empty() ? form_of(Form::plain, 1) : form_of(Form::conditional);
}

}  // namespace

Argument unit_aggregate_form(const Expression& call, const Columns& columns) {
  if (call.text == "count_star" || call.text == "count") return counted_form(call, columns);
  if (call.text == "count_if" || call.text == "countif") return form_of(Form::conditional);
  if (call.text == "bool_and" || call.text == "bool_or") return form_of(Form::predicate);
  const bool extreme = call.text == "min" || call.text == "max";
  if (extreme || call.text == "sum" || call.text == "avg" || call.text == "mean" || call.text == "median" ||
      call.text == "quantile_cont") {
    const bool within = call.children.size() == 1 && call.text == "quantile_cont" && !call.order_by.empty();
    const Argument argument = argument_form(within ? call.order_by[0].expression : call.children[0], columns);
    if (extreme && argument.form == Form::predicate && call.filter.empty()) return form_of(Form::predicate);
    return inside_unit(call, argument, extreme);
  }
  return kOther;
}

Argument window_form(const Expression& window, const Columns& columns) {
  if (window.text == "row_number" || window.text == "rank" || window.text == "dense_rank") return form_of(Form::plain, 1);
  if (window.text == "count" || window.text == "count_star") {
    return window.filter.empty() ? form_of(Form::plain, 1) : form_of(Form::conditional);
  }
  if (window.children.empty()) return kOther;
  for (std::size_t i = 1; i < window.children.size(); ++i) {
    if (!is_constant(window.children[i])) return kOther;
  }
  const Argument argument = argument_form(window.children[0], columns);
  const bool moved = window.text != "sum" && window.text != "avg" && window.text != "mean";
  if (moved && argument.form == Form::predicate && window.filter.empty()) return form_of(Form::predicate);
  return inside_unit(window, argument, moved);
}

namespace {

// fallible: a computation that may give NULL, or one over a column that is such a computation.
bool fallible(const Expression& e, const Columns& columns) {
  if (e.kind == Kind::column) return columns[e.index].argument.fallible;
  // What stands in for the missing row of lag and lead need not be of the same type.
  if (e.kind == Kind::window) return e.children.size() == 3 && !same(e.children[0], e.children[2]) && e.children[2].kind != Kind::constant;
  if (is_constant(e) || e.kind == Kind::scalar) return false;
  if (e.kind == Kind::cast || e.kind == Kind::function) return true;
  return std::ranges::any_of(e.children, [&](const Expression& child) { return fallible(child, columns); });
}

Argument bare_form(const Expression& e, const Columns& columns) {
  switch (e.kind) {
    case Kind::constant: return form_of(Form::constant);
    case Kind::column: return columns[e.index].argument;
    case Kind::cast: return cast_form(e, columns);
    case Kind::case_when: return case_form(e, columns);
    case Kind::function: return function_form(e, columns);
    case Kind::operation: return operation_form(e, columns);
    case Kind::window: return window_form(e, columns);
    case Kind::scalar: return form_of(Form::constant);
    case Kind::member: return form_of(Form::predicate);
    case Kind::star: case Kind::subquery: break;
  }
  return kOther;
}

}  // namespace

Argument argument_form(const Expression& e, const Columns& columns) {
  Argument out = bare_form(e, columns);
  out.fallible = fallible(e, columns);
  return out;
}

bool is_number(const Expression& e, const Columns& columns) {
  using Literal = Expression::ConstantType;
  const auto all = [&](std::size_t begin, std::size_t step) {
    for (std::size_t i = begin; i < e.children.size(); i += step) {
      if (!is_number(e.children[i], columns)) return false;
    }
    return true;
  };
  switch (e.kind) {
    case Kind::constant: return e.constant_type != Literal::text && e.constant_type != Literal::boolean && e.constant_type != Literal::other;
    case Kind::column: return columns[e.index].type.is_number();
    case Kind::cast: return number_type(e.text);
    case Kind::case_when: return all(1, 2) && is_number(e.children.back(), columns);
    case Kind::function: return (e.text == "+" || e.text == "-" || e.text == "*" || e.text == "/") && all(0, 1);
    case Kind::operation: return e.text == "COALESCE" && all(0, 1);
    default: return false;
  }
}

bool is_constant(const Expression& e) {
  switch (e.kind) {
    case Kind::constant: return true;
    case Kind::operation: case Kind::function: case Kind::cast: case Kind::case_when: break;
    default: return false;
  }
  return e.filter.empty() && e.order_by.empty() && !e.distinct && !is_aggregate_call(e) && std::ranges::all_of(e.children, is_constant);
}

bool is_row_constant(const Expression& e) { return is_constant(e) && check_row_expression(e, {}).ok(); }

}  // namespace redoubt::sql
