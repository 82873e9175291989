// How one statement is printed.
#include <algorithm>

#include "engines/sql/compile_block.h"
#include "engines/sql/forms.h"
#include "engines/sql/print.h"

namespace redoubt::sql {
namespace {

// grouped writes a group key; a constant would be read as the number of an item.
std::string grouped(const Expression& key, const Columns& columns) {
  return is_constant(key) ? "least(" + print(key, columns) + ")" : print(key, columns);
}

std::string group_clause(const Select& select) {
  std::vector<std::string> keys;
  for (const Expression& key : select.group_by) keys.push_back(grouped(key, select.columns));
  if (select.grouping_sets.empty()) return keys.empty() ? "" : " GROUP BY " + join_texts(keys);
  std::vector<std::string> sets;
  for (const auto& set : select.grouping_sets) {
    std::vector<std::string> chosen;
    for (const std::size_t i : set) chosen.push_back(keys[i]);
    sets.push_back("(" + join_texts(chosen) + ")");
  }
  return " GROUP BY GROUPING SETS (" + join_texts(sets) + ")";
}

std::string order_clause(const Select& select, bool outermost) {
  const Modifiers& modifiers = select.modifiers;
  if (!outermost && !modifiers.cut() && modifiers.distinct_on.empty()) return "";
  std::vector<std::string> terms;
  const auto direction = [](bool descending, bool nulls_first) {
    return std::string(descending ? " DESC" : " ASC") + (nulls_first ? " NULLS FIRST" : " NULLS LAST");
  };
  for (const OrderItem& order : modifiers.order_by) {
    const auto item = std::ranges::find_if(select.items, [&](const Expression& e) { return same(e, order.expression); });
    if (item != select.items.end()) {
      terms.push_back("c" + std::to_string(item - select.items.begin()) + direction(order.descending, order.nulls_first));
    } else if (!is_constant(order.expression)) {
      terms.push_back(print(order.expression, select.columns) + direction(order.descending, order.nulls_first));
    }
  }
  for (std::size_t i = 0; i < select.items.size(); ++i) {
    const bool descending = modifiers.order_by_all && modifiers.order_by_all_descending;
    terms.push_back("c" + std::to_string(i) + direction(descending, false));
  }
  return " ORDER BY " + join_texts(terms);
}

}  // namespace

std::string print_select(const Select& select, bool outermost) {
  const Modifiers& modifiers = select.modifiers;
  std::vector<std::string> items;
  if (!select.unit.empty()) items.push_back(select.unit + " AS u");
  for (std::size_t i = 0; i < select.ids.size(); ++i) items.push_back(select.ids[i].sql + " AS i" + std::to_string(i));
  for (std::size_t i = 0; i < select.items.size(); ++i) {
    items.push_back(print(select.items[i], select.columns) + " AS c" + std::to_string(i));
  }
  std::string sql = "SELECT ";
  if (!modifiers.distinct_on.empty()) {
    std::vector<std::string> targets;
    for (const Expression& target : modifiers.distinct_on) targets.push_back(grouped(target, select.columns));
    sql += "DISTINCT ON (" + join_texts(targets) + ") ";
  } else if (modifiers.distinct) {
    sql += "DISTINCT ";
  }
  sql += join_texts(items);
  if (!select.from.empty()) sql += " FROM " + select.from;
  if (!select.where.empty()) sql += " WHERE " + join_texts(select.where, " AND ");
  sql += group_clause(select);
  if (!select.having.empty()) sql += " HAVING " + print_condition(select.having[0], select.columns);
  if (!select.qualify.empty()) sql += " QUALIFY " + print_condition(select.qualify[0], select.columns);
  sql += order_clause(select, outermost);
  if (modifiers.limited) sql += " LIMIT " + std::to_string(modifiers.limit);
  if (modifiers.offset_rows != 0) sql += " OFFSET " + std::to_string(modifiers.offset_rows);
  return sql;
}

}  // namespace redoubt::sql
