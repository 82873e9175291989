// What may stand in a row expression (S1, S3, S5, S14), and what in one over released rows (S10).
#include <algorithm>
#include <optional>

#include "engines/sql/forms.h"
#include "engines/sql/functions.h"
#include "engines/sql/functions_catalogue.h"
#include "engines/sql/patterns.h"
#include "engines/sql/refusal.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

bool bare_identifier(const Expression& e, const Columns& columns) {
  return e.kind == Kind::column && columns[e.index].role != Role::attribute;
}

template <class Predicate>
bool any_part(const Expression& e, Predicate predicate) {
  const auto ordered = [&](const OrderItem& item) { return predicate(item.expression); };
  return std::ranges::any_of(e.children, predicate) || std::ranges::any_of(e.filter, predicate) ||
         std::ranges::any_of(e.partitions, predicate) || std::ranges::any_of(e.order_by, ordered) ||
         std::ranges::any_of(e.window_order, ordered);
}

bool digits(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// interval_bound: INTERVAL '30 days', or INTERVAL 30 DAY as the parser writes it: to_days(CAST(trunc(CAST(30 AS DOUBLE)) AS INTEGER)).
bool interval_bound(const Expression& e) {
  const Expression* leaf = &e;
  const bool unit = e.kind == Kind::function && e.text.starts_with("to_");
  if (!unit && (e.kind != Kind::cast || e.text != "INTERVAL")) return false;
  while (leaf->children.size() == 1 && (leaf == &e || leaf->kind == Kind::cast || leaf->is_function("trunc"))) leaf = &leaf->children[0];
  if (leaf->kind != Kind::constant) return false;
  std::string_view text = leaf->text;
  if (text.starts_with("'") && text.ends_with("'") && text.size() >= 2) text = text.substr(1, text.size() - 2);
  const std::size_t space = text.find(' ');
  if (!digits(text.substr(0, space), 5)) return false;
  if (unit) return space == std::string_view::npos;
  std::string name = lower_name(space == std::string_view::npos ? "" : std::string(text.substr(space + 1)));
  if (name.ends_with("s")) name.pop_back();
  return name == "day" || name == "week" || name == "month" || name == "year" || name == "hour";
}

// check_frame: bounds with which no row's place and no value of an order key overflows (S13).
Allowed check_frame(const Expression& window) {
  const bool range = window.frame.starts_with("RANGE");
  for (const Expression& bound : window.bounds) {
    bool known = bound.kind == Kind::constant && bound.constant_type == Expression::ConstantType::integer && digits(bound.text, 9);
    if (range && bound.kind == Kind::constant && bound.constant_type == Expression::ConstantType::decimal) {
      const std::size_t point = bound.text.find('.');
      known = digits(bound.text.substr(0, point), 9) && (point == std::string::npos || digits(bound.text.substr(point + 1), 9));
    }
    if (!known && !(range && interval_bound(bound))) {
      return refuse("S5", "the bounds of a window frame are numbers of at most 9 digits, or for RANGE over dates intervals", bound.offset, "ROWS BETWEEN 3 PRECEDING AND CURRENT ROW");
    }
  }
  return std::monostate();
}

// check_unit_window is S5.
Allowed check_unit_window(const Expression& e, const Columns& columns) {
  if (!is_unit_window(e.text)) {
    return refuse("S5", "the window function " + e.text.substr(0, 64) + " is not for the rows of one person", e.offset);
  }
  const auto unit = [&](const Expression& p) { return p.kind == Kind::column && columns[p.index].role == Role::unit; };
  if (std::ranges::none_of(e.partitions, unit)) {
    return refuse("S5", "a window over people needs the unit column in PARTITION BY", e.offset, "OVER (PARTITION BY unit ...)");
  }
  if (e.distinct && e.text != "count") return refuse("S5", "DISTINCT in a window is for count only", e.offset);
  REDOUBT_ALLOW_ALL(check_frame(e));
  for (const Expression& partition : e.partitions) {
    if (!bare_identifier(partition, columns)) REDOUBT_ALLOW_ALL(check_row_expression(partition, columns));
  }
  for (const auto* orders : {&e.window_order, &e.order_by}) {
    for (const OrderItem& order : *orders) {
      if (!bare_identifier(order.expression, columns)) REDOUBT_ALLOW_ALL(check_row_expression(order.expression, columns));
    }
  }
  for (const Expression& filter : e.filter) REDOUBT_ALLOW_ALL(check_row_expression(filter, columns));
  const bool counted = e.text == "count" && e.children.size() == 1 && e.children[0].kind == Kind::column;
  for (const Expression& child : e.children) {
    if (!counted) REDOUBT_ALLOW_ALL(check_row_expression(child, columns));
  }
  return std::monostate();
}

Allowed check_row_function(const Expression& e) {
  if (is_aggregate_call(e)) {
    if (aggregate_class(e.text) != AggregateClass::none || is_any_aggregate(e.text)) {
      if (aggregate_class(e.text) == AggregateClass::none) return refuse_function(e);
      return refuse("G5", "an aggregate where single rows are meant; use HAVING, or take it out of the aggregate", e.offset);
    }
    if (!is_row_function(e.text)) return refuse_function(e);
    return refuse("A2", "DISTINCT, FILTER and ORDER BY belong to aggregates", e.offset);
  }
  if (!is_row_function(e.text)) return refuse_function(e);
  return std::monostate();
}

// check_words: what TRY does not catch, since the engine thinks of it as a mistake in the text: a part of dates that a function does not know, and an
// escape sign that is none. So these are constants, and good ones (S13).
Allowed check_words(const Expression& e) {
  const auto text_of = [&](std::size_t i) { return e.children[i].kind == Kind::constant ? literal_text(e.children[i]) : std::nullopt; };
  const bool parts = e.text == "date_part" || e.text == "date_trunc" || e.text == "date_diff" || e.text == "datediff" || e.text == "date_sub" || e.text == "datesub";
  if (parts && e.children.size() >= 2) {
    const auto part = text_of(0);
    if (!part) return refuse("S13", "the part that " + e.text + " takes is a constant", e.children[0].offset, e.text + "('month', ...)");
    const std::string name = lower_name(*part);
    if (name.starts_with("timezone") || (name == "era" && e.text != "date_part")) {
      return refuse("S13", e.text + " does not know this part of dates", e.children[0].offset, e.text + "('month', ...)");
    }
  }
  if (e.text.ends_with("like_escape") && e.children.size() == 3) {
    const auto pattern = text_of(1);
    const auto escape = text_of(2);
    const bool one = escape && escape->size() <= 1;
    if (!pattern || !one) return refuse("S13", "LIKE with ESCAPE takes constants, and one character to escape with", e.offset, "x LIKE '10$%' ESCAPE '$'");
    if (escape->size() == 1 && pattern->ends_with(*escape)) return refuse("S13", "a pattern of LIKE that ends with its escape character", e.offset);
  }
  return std::monostate();
}

}  // namespace

bool is_aggregate_call(const Expression& e) {
  return e.kind == Kind::function && (aggregate_class(e.text) != AggregateClass::none || is_any_aggregate(e.text) || e.distinct ||
                                      !e.filter.empty() || !e.order_by.empty() ||
                                      (!is_row_function(e.text) && !is_deterministic_scalar(e.text) && refused_function_rule(e.text) == "A2"));
}

bool has_aggregate(const Expression& e) { return is_aggregate_call(e) || any_part(e, has_aggregate); }

bool has_window(const Expression& e) { return e.kind == Kind::window || any_part(e, has_window); }

bool has_noisy(const Expression& e) { return e.noisy || any_part(e, has_noisy); }

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

Allowed check_row_expression(const Expression& e, const Columns& columns, RowContext context) {
  if (e.noisy) return refuse("D1", "released values choose rows of people; noise does not cover that", e.offset);
  switch (e.kind) {
    case Kind::column:
      if (columns[e.index].role == Role::attribute) return std::monostate();
      return refuse("S3", "the identifier " + columns[e.index].name + " stands where it could single out a person", e.offset,
                    "use it only to join, in IS [NOT] NULL, or in count(DISTINCT ...)");
    case Kind::star: return refuse("S12", "a star inside an expression; name the columns", e.offset);
    case Kind::subquery: return refuse("S4", "a subquery where none is allowed", e.offset);
    case Kind::window:
      if (context == RowContext::windows) return check_unit_window(e, columns);
      return refuse("S5", "a window function where single rows are meant; take it into a subquery", e.offset);
    case Kind::member:
      // An IN over released rows may not look for an identifier; one over units was checked when it was resolved.
      return e.index == 1 ? Allowed(std::monostate()) : check_row_expression(e.children[0], columns, context);
    case Kind::function:
      REDOUBT_ALLOW_ALL(check_row_function(e));
      REDOUBT_ALLOW_ALL(check_words(e));
      break;
    case Kind::operation:
      if ((e.text == "IS_NULL" || e.text == "IS_NOT_NULL") && e.children[0].kind == Kind::column) return std::monostate();
      if (e.text == "GROUPING") return refuse("S8", "GROUPING is for grouping sets, which are not released", e.offset);
      if (e.text == "LIST" || e.text == "ELEMENT") return refuse("S1", "lists and subscripts are not row expressions", e.offset);
      if ((e.text == "IN" || e.text == "NOT_IN") && !std::all_of(e.children.begin() + 1, e.children.end(), is_constant)) {
        return refuse("S1", "IN takes a list of constants", e.offset);
      }
      break;
    case Kind::constant: case Kind::cast: case Kind::case_when: case Kind::scalar: break;
  }
  for (const Expression& child : e.children) REDOUBT_ALLOW_ALL(check_row_expression(child, columns, context));
  return std::monostate();
}

Allowed check_free_expression(const Expression& e) {
  if (e.kind == Kind::star) return refuse("S12", "a star inside an expression; name the columns", e.offset);
  if (e.kind == Kind::subquery) return refuse("S4", "a subquery where none is allowed", e.offset);
  if (e.kind == Kind::function && !is_row_function(e.text) && !is_deterministic_scalar(e.text) && !is_any_aggregate(e.text)) {
    return refuse_function(e);
  }
  if (e.kind == Kind::window && !is_window_function(e.text) && !is_any_aggregate(e.text)) return refuse_function(e);
  for (const auto* list : {&e.children, &e.filter, &e.partitions}) {
    for (const Expression& child : *list) REDOUBT_ALLOW_ALL(check_free_expression(child));
  }
  for (const auto* orders : {&e.order_by, &e.window_order}) {
    for (const OrderItem& order : *orders) REDOUBT_ALLOW_ALL(check_free_expression(order.expression));
  }
  return std::monostate();
}

}  // namespace redoubt::sql
