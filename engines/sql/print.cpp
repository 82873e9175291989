#include "engines/sql/print.h"

#include <array>
#include <string_view>
#include <utility>

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

// guarded gives NULL where the expression fails on a row (S13). TRY writes NULLs into the vector that its child has begun to fill;
// when the child is an operator over a column, that vector may share the column's own validity mask, and the column is changed
// for every other expression (DuckDB 1.4.4). The one-argument least() is the identity of every type, and evaluates its
// argument into a vector of its own before it touches the result.
std::string guarded(const std::string& sql) { return "TRY(least(" + sql + "))"; }

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
  return guarded("(" + print(e.children[0], columns) + ") " + std::string(symbol) + " (" + print(e.children[1], columns) + ")");
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
  if (e.text == "COALESCE") return guarded("coalesce(" + joined(e.children, 0, ", ", columns) + ")");
  if (e.text == "BETWEEN") return guarded("(" + child(0) + ") BETWEEN (" + child(1) + ") AND (" + child(2) + ")");
  const std::string in = e.text == "NOT_IN" ? ") NOT IN (" : ") IN (";
  return guarded("(" + child(0) + in + joined(e.children, 1, ", ", columns) + ")");
}

bool is_symbol(const std::string& name) { return name.find_first_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos; }

std::string print_function(const Expression& e, const Columns& columns) {
  for (const auto& [name, symbol] : kLikes) {
    if (e.text == name && e.children.size() == 2) return infix(e, symbol, columns);
  }
  if (is_symbol(e.text)) {
    if (e.children.size() == 1) return guarded(e.text + "(" + print(e.children[0], columns) + ")");
    return guarded("(" + joined(e.children, 0, ") " + e.text + " (", columns) + ")");
  }
  // The name is on the allow-list, so it is plain text; quoted, since some (left, replace) are words of the grammar.
  return guarded(quote(e.text) + "(" + joined(e.children, 0, ", ", columns) + ")");
}

std::string print_case(const Expression& e, const Columns& columns) {
  std::string out = "CASE";
  for (std::size_t i = 0; i + 1 < e.children.size(); i += 2) {
    out += " WHEN " + print_condition(e.children[i], columns) + " THEN " + print(e.children[i + 1], columns);
  }
  return guarded(out + " ELSE " + print(e.children.back(), columns) + " END");
}

// is_truth_value: known to be BOOLEAN, so that no cast is needed where a condition stands.
bool is_truth_value(const Expression& e, const Columns& columns) {
  switch (e.kind) {
    case Kind::operation: return e.text != "COALESCE";
    case Kind::function: return is_boolean_function(e.text);
    case Kind::column: return columns[e.index].type.id == TypeId::boolean;
    default: return false;
  }
}

}  // namespace

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
    case Kind::key: return "g" + std::to_string(e.index);
    case Kind::cell: return "c" + std::to_string(e.index);
    case Kind::operation: return print_operation(e, columns);
    case Kind::function: return print_function(e, columns);
    case Kind::cast: return "TRY_CAST(" + print(e.children[0], columns) + " AS " + e.text + ")";
    case Kind::case_when: return print_case(e, columns);
    case Kind::star: break;  // the checker refuses stars; an empty text does not parse, so this fails closed
  }
  return {};
}

}  // namespace redoubt::sql
