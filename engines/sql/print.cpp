#include "engines/sql/print.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "engines/sql/forms.h"
#include "engines/sql/functions.h"

namespace redoubt::sql {
namespace {

using Kind = Expression::Kind;

constexpr auto kInfix = std::to_array<std::pair<std::string_view, std::string_view>>({{"=", "="},
                                                                                       {"<>", "<>"},
                                                                                       {"<", "<"},
                                                                                       {">", ">"},
                                                                                       {"<=", "<="},
                                                                                       {">=", ">="},
                                                                                       {"DISTINCT", "IS DISTINCT FROM"},
                                                                                       {"NOT_DISTINCT", "IS NOT DISTINCT FROM"}});
constexpr auto kLikes = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"~~", "LIKE"}, {"!~~", "NOT LIKE"}, {"~~*", "ILIKE"}, {"!~~*", "NOT ILIKE"}});

// guardable: TRY takes expressions over single rows only, and what it takes must be of a type that least() knows.
bool guardable(const Expression& e) {
  switch (e.kind) {
    case Kind::window: case Kind::scalar: case Kind::member: return false;
    case Kind::function: if (!is_row_function(e.text) || is_aggregate_call(e)) return false; break;
    case Kind::operation: if (e.text == "LIST" || e.text == "ELEMENT" || e.text == "GROUPING") return false; break;
    default: break;
  }
  return std::ranges::all_of(e.children, guardable);
}

// guarded gives NULL where the expression fails on a row (S13). TRY writes NULLs into the vector that its child has begun to fill;
// when the child is an operator over a column, that vector may share the column's own validity mask, and the column is changed
// for every other expression (DuckDB 1.4.4). The one-argument least() is the identity of every type, and evaluates its
// argument into a vector of its own before it touches the result.
std::string guarded(const Expression& e, const std::string& sql) { return guardable(e) ? "TRY(least(" + sql + "))" : "(" + sql + ")"; }

using PrintOne = std::string (*)(const Expression&, const Columns&);

std::string joined(const std::vector<Expression>& items, std::size_t from, std::string_view between, const Columns& columns,
                   PrintOne print_one = print) {
  std::string out;
  for (std::size_t i = from; i < items.size(); ++i) {
    if (i > from) out += between;
    out += print_one(items[i], columns);
  }
  return out;
}

std::string infix(const Expression& e, std::string_view symbol, const Columns& columns) {
  return guarded(e, "(" + print(e.children[0], columns) + ") " + std::string(symbol) + " (" + print(e.children[1], columns) + ")");
}

std::string print_operation(const Expression& e, const Columns& columns) {
  for (const auto& [name, symbol] : kInfix) {
    if (e.text == name) return infix(e, symbol, columns);
  }
  const auto child = [&](std::size_t i) { return print(e.children[i], columns); };
  if (e.text == "AND" || e.text == "OR") return "(" + joined(e.children, 0, " " + e.text + " ", columns, print_condition) + ")";
  if (e.text == "NOT") return "(NOT " + print_condition(e.children[0], columns) + ")";
  if (e.text == "IS_NULL") return "(" + child(0) + " IS NULL)";
  if (e.text == "IS_NOT_NULL") return "(" + child(0) + " IS NOT NULL)";
  if (e.text == "COALESCE") return guarded(e, "coalesce(" + joined(e.children, 0, ", ", columns) + ")");
  if (e.text == "BETWEEN") return guarded(e, "(" + child(0) + ") BETWEEN (" + child(1) + ") AND (" + child(2) + ")");
  if (e.text == "LIST") return "[" + joined(e.children, 0, ", ", columns) + "]";
  if (e.text == "GROUPING") return "GROUPING(" + joined(e.children, 0, ", ", columns) + ")";
  if (e.text == "ELEMENT") return "(" + child(0) + ")[" + child(1) + "]";
  const std::string in = e.text == "NOT_IN" ? ") NOT IN (" : ") IN (";
  return guarded(e, "(" + child(0) + in + joined(e.children, 1, ", ", columns) + ")");
}

bool is_symbol(const std::string& name) { return name.find_first_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos; }

std::string filtered(const Expression& e, const Columns& columns) {
  return e.filter.empty() ? "" : " FILTER (WHERE " + print_condition(e.filter[0], columns) + ")";
}

std::string print_aggregate(const Expression& e, const Columns& columns) {
  if (e.text == "count_star") return "count(*)" + filtered(e, columns);
  std::string arguments = (e.distinct ? "DISTINCT " : "") + joined(e.children, 0, ", ", columns);
  if (e.text == "quantile_cont" && e.children.size() == 1 && e.order_by.size() == 1) {  // WITHIN GROUP
    const std::string fraction = (e.order_by[0].descending ? "1 - " : "") + print(e.children[0], columns);
    return "quantile_cont(" + print(e.order_by[0].expression, columns) + ", " + fraction + ")" + filtered(e, columns);
  }
  if (!e.order_by.empty()) arguments += " ORDER BY " + print_order(e.order_by, columns);
  return quote(e.text) + "(" + arguments + ")" + filtered(e, columns);
}

std::string print_window(const Expression& e, const Columns& columns) {
  std::string call = "count(*)";
  if (e.text != "count_star") {
    call = quote(e.text) + "(" + (e.distinct ? "DISTINCT " : "") + joined(e.children, 0, ", ", columns);
    if (!e.order_by.empty()) call += " ORDER BY " + print_order(e.order_by, columns);
    call += e.ignore_nulls ? " IGNORE NULLS)" : ")";
  }
  std::string over = e.partitions.empty() ? "" : "PARTITION BY " + joined(e.partitions, 0, ", ", columns) + " ";
  if (const std::string order = print_order(e.window_order, columns); !order.empty()) over += "ORDER BY " + order + " ";
  return "(" + call + filtered(e, columns) + " OVER (" + over + e.frame + "))";
}

// print_member: whether a unit is among others. In SQL one NULL among those makes every answer NULL that is not true, and whether a NULL
// is among them depends on whether there are any; so the rows of one unit would choose those of all others. Here the answer follows from
// the unit alone: never NULL for one that is there, always NULL for one that is not (where an outer join left it NULL).
std::string print_member(const Expression& e, const Columns& columns) {
  const std::string sought = print(e.children[0], columns);
  const std::string in = "(" + sought + " IN (SELECT " + e.path[0] + " FROM " + e.text + "))";
  if (e.exists) return "coalesce(" + in + ", false)";
  return e.index == 1 ? "(CASE WHEN " + sought + " IS NOT NULL THEN coalesce(" + in + ", false) END)" : in;
}

std::string print_function(const Expression& e, const Columns& columns) {
  if (is_aggregate_call(e)) return print_aggregate(e, columns);
  for (const auto& [name, symbol] : kLikes) {
    if (e.text == name && e.children.size() == 2) return infix(e, symbol, columns);
  }
  if (is_symbol(e.text)) {
    if (e.children.size() == 1) return guarded(e, e.text + "(" + print(e.children[0], columns) + ")");
    return guarded(e, "(" + joined(e.children, 0, ") " + e.text + " (", columns) + ")");
  }
  // The name is on the allow-list, so it is plain text; quoted, since some (left, replace) are words of the grammar.
  return guarded(e, quote(e.text) + "(" + joined(e.children, 0, ", ", columns) + ")");
}

std::string print_case(const Expression& e, const Columns& columns) {
  std::string out = "CASE";
  for (std::size_t i = 0; i + 1 < e.children.size(); i += 2) {
    out += " WHEN " + print_condition(e.children[i], columns) + " THEN " + print(e.children[i + 1], columns);
  }
  return guarded(e, out + " ELSE " + print(e.children.back(), columns) + " END");
}

// is_truth_value: known to be BOOLEAN, so that no cast is needed where a condition stands.
bool is_truth_value(const Expression& e, const Columns& columns) {
  switch (e.kind) {
    case Kind::operation: return e.text != "COALESCE" && e.text != "LIST" && e.text != "ELEMENT" && e.text != "GROUPING";
    case Kind::function: return is_boolean_function(e.text);
    case Kind::column: return columns[e.index].argument.form == Form::predicate;
    case Kind::member: return true;
    default: return false;
  }
}

}  // namespace

std::string join_texts(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += between;
    out += part;
  }
  return out;
}

std::string print_order(const std::vector<OrderItem>& order, const Columns& columns) {
  std::vector<std::string> terms;
  for (const OrderItem& item : order) {
    if (is_constant(item.expression)) continue;
    terms.push_back(print(item.expression, columns) + (item.descending ? " DESC" : " ASC") + (item.nulls_first ? " NULLS FIRST" : " NULLS LAST"));
  }
  return join_texts(terms);
}

std::string quote(const std::string& name) { return '"' + name + '"'; }

std::string print_bare_equality(const Expression& equality, const Columns& columns) {
  return "(" + print(equality.children[0], columns) + " = " + print(equality.children[1], columns) + ")";
}

std::string print_condition(const Expression& e, const Columns& columns) {
  const std::string sql = print(e, columns);
  return is_truth_value(e, columns) ? sql : "TRY_CAST(" + sql + " AS BOOLEAN)";
}

std::string print(const Expression& e, const Columns& columns) {
  switch (e.kind) {
    case Kind::constant: return e.text;
    case Kind::column: return columns[e.index].sql;
    case Kind::operation: return print_operation(e, columns);
    case Kind::function: return print_function(e, columns);
    case Kind::cast: return "TRY_CAST(" + print(e.children[0], columns) + " AS " + e.text + ")";
    case Kind::case_when: return print_case(e, columns);
    case Kind::window: return print_window(e, columns);
    case Kind::scalar: return "(SELECT c0 FROM " + e.text + " LIMIT 1)";
    case Kind::member: return print_member(e, columns);
    case Kind::star: case Kind::subquery: break;  // never checked expressions; an empty text does not parse, so this fails closed
  }
  return {};
}

}  // namespace redoubt::sql
