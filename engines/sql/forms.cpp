#include "engines/sql/forms.h"

#include <algorithm>

#include "engines/sql/functions.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

Refusal refuse(const char* rule, std::string message, std::size_t offset, std::string suggestion = {}) {
  return Refusal{rule, std::move(message), offset, std::move(suggestion)};
}

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

constexpr Argument kOther{Form::other, 0};

Argument column_form(const ColumnInfo& column) {
  if (column.role != Role::attribute) return kOther;
  if (column.type.is_number()) return {Form::plain, 1};
  if (column.type.id == TypeId::boolean) return {Form::predicate, 0};
  return {column.type.id == TypeId::date ? Form::date : Form::other, 0};
}

Argument cast_form(const Expression& e, const Columns& columns) {
  const Argument child = argument_form(e.children[0], columns);
  if (child.form == Form::constant) return child;
  if (e.text == "BOOLEAN" && child.form == Form::predicate) return child;
  if (!number_type(e.text)) return kOther;
  if (child.form == Form::plain) return child;
  return child.form == Form::predicate ? Argument{Form::conditional, 0} : kOther;
}

Argument case_form(const Expression& e, const Columns& columns) {
  if (e.children.size() != 3 || !zero_or_null(e.children[2])) return kOther;
  const Argument then = argument_form(e.children[1], columns);
  return then.form == Form::plain || then.form == Form::constant ? Argument{Form::conditional, 0} : kOther;
}

Argument sum_form(const Argument& a, const Argument& b) {
  if ((a.form == Form::plain || a.form == Form::constant) && (b.form == Form::plain || b.form == Form::constant)) {
    return {Form::plain, std::max(a.degree, b.degree)};
  }
  return kOther;
}

Argument product_form(const Argument& a, const Argument& b) {
  if (a.form == Form::conditional && b.form == Form::constant) return a;
  if (b.form == Form::conditional && a.form == Form::constant) return b;
  const Argument out = sum_form(a, b);
  return out.form == Form::plain && a.degree + b.degree <= 2 ? Argument{Form::plain, a.degree + b.degree} : kOther;
}

Argument function_form(const Expression& e, const Columns& columns) {
  if (is_constant(e)) return {Form::constant, 0};
  const std::size_t count = e.children.size();
  const auto form = [&](std::size_t i) { return argument_form(e.children[i], columns); };
  if ((e.text == "+" || e.text == "-") && count == 1) {
    const Argument child = form(0);
    return child.form == Form::plain || child.form == Form::conditional ? child : kOther;
  }
  if (e.text == "-" && count == 2 && form(0).form == Form::date && form(1).form == Form::date) return {Form::plain, 1};
  if ((e.text == "date_diff" || e.text == "datediff") && count == 3 && is_constant(e.children[0]) &&
      form(1).form == Form::date && form(2).form == Form::date) {
    return {Form::plain, 1};
  }
  if ((e.text == "+" || e.text == "-") && count == 2) return sum_form(form(0), form(1));
  if (e.text == "*" && count == 2) return product_form(form(0), form(1));
  if (e.text == "/" && count == 2 && is_constant(e.children[1])) {
    const Argument child = form(0);
    return child.form == Form::plain || child.form == Form::conditional ? child : kOther;
  }
  if (is_boolean_function(e.text)) return {Form::predicate, 0};
  if (e.text == "round" && (count == 1 || (count == 2 && is_constant(e.children[1])))) {
    return form(0).form == Form::plain ? form(0) : kOther;
  }
  return kOther;
}

Argument operation_form(const Expression& e, const Columns& columns) {
  if (is_constant(e)) return {Form::constant, 0};
  if (e.text != "COALESCE") return {Form::predicate, 0};
  const bool plain = e.children.size() == 2 && is_constant(e.children[1]) &&
                     argument_form(e.children[0], columns).form == Form::plain;
  return plain ? argument_form(e.children[0], columns) : kOther;
}

// find_column finds a column outside aggregates (those are cells by now); filters and orders of calls included.
const Expression* find_column(const Expression& e) {
  if (e.kind == Kind::column) return &e;
  for (const auto* list : {&e.children, &e.filter}) {
    for (const Expression& child : *list) {
      if (const Expression* found = find_column(child)) return found;
    }
  }
  return nullptr;
}

}  // namespace

Argument argument_form(const Expression& e, const Columns& columns) {
  switch (e.kind) {
    case Kind::constant: return {Form::constant, 0};
    case Kind::column: return column_form(columns[e.index]);
    case Kind::cast: return cast_form(e, columns);
    case Kind::case_when: return case_form(e, columns);
    case Kind::function: return function_form(e, columns);
    case Kind::operation: return operation_form(e, columns);
    default: return kOther;
  }
}

bool is_constant(const Expression& e) {
  switch (e.kind) {
    case Kind::constant: return true;
    case Kind::column: case Kind::key: case Kind::cell: case Kind::star: return false;
    default: break;
  }
  return e.filter.empty() && e.order_by.empty() && !e.distinct && std::ranges::all_of(e.children, is_constant);
}

bool has_aggregate(const Expression& e) {
  if (e.kind == Kind::function && (aggregate_class(e.text) != AggregateClass::none || e.distinct || !e.filter.empty() ||
                                   !e.order_by.empty() || (!is_row_function(e.text) && refused_function_rule(e.text) == "A2"))) {
    return true;
  }
  return std::ranges::any_of(e.children, has_aggregate);
}

Refusal refuse_function(const Expression& call) {
  const std::string rule(refused_function_rule(call.text));
  const std::string name = call.text.substr(0, 64);
  if (rule == "A2") {
    std::string suggestion;
    if (call.text == "max") suggestion = "quantile_cont(x, 0.95) tells the upper end without one person's value";
    if (call.text == "min") suggestion = "quantile_cont(x, 0.05) tells the lower end without one person's value";
    if (call.text == "mode" || call.text == "list" || call.text == "string_agg" || call.text == "histogram") {
      suggestion = "GROUP BY the column and take count(*)";
    }
    return refuse("A2", "the aggregate " + name + " gives out values of single people", call.offset, suggestion);
  }
  if (rule == "G3") return refuse("G3", "the function " + name + " looks outside the data or changes", call.offset);
  if (rule == "S1") return refuse("S1", "the function " + name + " makes lists, maps or structs", call.offset);
  return refuse("S14", "the function " + name + " is not on the list", call.offset);
}

Allowed check_row_expression(const Expression& e, const Columns& columns) {
  if (e.kind == Kind::column && columns[e.index].role != Role::attribute) {
    return refuse("S3", "the identifier " + columns[e.index].name + " stands where it could single out a person", e.offset,
                  "use it only to join, in IS [NOT] NULL, or in count(DISTINCT ...)");
  }
  if (e.kind == Kind::star) return refuse("S12", "a star inside an expression; name the columns", e.offset);
  if (e.is_operation("IS_NULL") || e.is_operation("IS_NOT_NULL")) {
    if (e.children[0].kind == Kind::column) return std::monostate();  // an identifier may be asked whether it is there
  }
  if ((e.is_operation("IN") || e.is_operation("NOT_IN")) &&
      !std::all_of(e.children.begin() + 1, e.children.end(), is_constant)) {
    return refuse("S1", "IN takes a list of constants", e.offset);
  }
  if (e.kind == Kind::function) {
    if (has_aggregate(e) && aggregate_class(e.text) != AggregateClass::none) {
      return refuse("G5", "an aggregate where single rows are meant; use HAVING, or take it out of the aggregate", e.offset);
    }
    if (!is_row_function(e.text)) return refuse_function(e);
    if (e.distinct || !e.filter.empty() || !e.order_by.empty()) {
      return refuse("A2", "DISTINCT, FILTER and ORDER BY belong to aggregates", e.offset);
    }
  }
  for (const Expression& child : e.children) REDOUBT_ALLOW_ALL(check_row_expression(child, columns));
  return std::monostate();
}

Allowed check_released_expression(const Expression& e) {
  if (const Expression* column = find_column(e)) {
    return refuse("G5", "a column that is neither grouped nor inside an aggregate", column->offset, "add it to GROUP BY");
  }
  return check_row_expression(e, {});
}

}  // namespace redoubt::sql
