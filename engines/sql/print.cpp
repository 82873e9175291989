#include "engines/sql/print.h"

#include <array>
#include <string_view>
#include <utility>

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

std::string joined(const std::vector<Expression>& items, std::size_t from, std::string_view between, const Columns& columns) {
  std::string out;
  for (std::size_t i = from; i < items.size(); ++i) {
    if (i > from) out += between;
    out += print(items[i], columns);
  }
  return out;
}

std::string print_operation(const Expression& e, const Columns& columns) {
  for (const auto& [name, infix] : kInfix) {
    if (e.text == name) {
      return "TRY(" + print(e.children[0], columns) + " " + std::string(infix) + " " + print(e.children[1], columns) + ")";
    }
  }
  if (e.text == "AND" || e.text == "OR") return "(" + joined(e.children, 0, " " + e.text + " ", columns) + ")";
  if (e.text == "NOT") return "(NOT " + print(e.children[0], columns) + ")";
  if (e.text == "IS_NULL") return "(" + print(e.children[0], columns) + " IS NULL)";
  if (e.text == "IS_NOT_NULL") return "(" + print(e.children[0], columns) + " IS NOT NULL)";
  if (e.text == "COALESCE") return "TRY(coalesce(" + joined(e.children, 0, ", ", columns) + "))";
  if (e.text == "BETWEEN") {
    return "TRY(" + print(e.children[0], columns) + " BETWEEN " + print(e.children[1], columns) + " AND " +
           print(e.children[2], columns) + ")";
  }
  const std::string in = e.text == "NOT_IN" ? " NOT IN (" : " IN (";
  return "TRY(" + print(e.children[0], columns) + in + joined(e.children, 1, ", ", columns) + "))";
}

bool is_symbol(const std::string& name) { return name.find_first_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos; }

std::string print_function(const Expression& e, const Columns& columns) {
  for (const auto& [name, infix] : kLikes) {
    if (e.text == name && e.children.size() == 2) {
      return "TRY(" + print(e.children[0], columns) + " " + std::string(infix) + " " + print(e.children[1], columns) + ")";
    }
  }
  if (is_symbol(e.text)) {
    if (e.children.size() == 1) return "TRY(" + e.text + "(" + print(e.children[0], columns) + "))";
    return "TRY((" + joined(e.children, 0, ") " + e.text + " (", columns) + "))";
  }
  // The name is on the allow-list, so it is plain text; quoted, since some (left, replace) are words of the grammar.
  return "TRY(" + quote(e.text) + "(" + joined(e.children, 0, ", ", columns) + "))";
}

}  // namespace

std::string quote(const std::string& name) { return '"' + name + '"'; }

std::string print_bare_equality(const Expression& equality, const Columns& columns) {
  return "(" + print(equality.children[0], columns) + " = " + print(equality.children[1], columns) + ")";
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
    case Kind::case_when: {
      std::string out = "TRY(CASE";
      for (std::size_t i = 0; i + 1 < e.children.size(); i += 2) {
        out += " WHEN " + print(e.children[i], columns) + " THEN " + print(e.children[i + 1], columns);
      }
      return out + " ELSE " + print(e.children.back(), columns) + " END)";
    }
    case Kind::star: break;  // the checker refuses stars; an empty text does not parse, so this fails closed
  }
  return {};
}

}  // namespace redoubt::sql
