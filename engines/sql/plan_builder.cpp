#include "engines/sql/plan_builder.h"

#include "engines/sql/print.h"

// The statement, stage by stage (rules T1 to T3 of docs/specs/query-rules.md):
//   t_rows      one row for each joined row with a unit: u, group keys g<i>, arguments a<j>_<m>, filters f<j>,
//               and whether an argument was lost to a cast or an overflow l<j>
//   t_groups    one row a group: units, cells c<j>, units that contribute n<j>, units of rows left out m<j>
//   t_rank      groups numbered from the one with the fewest units, ties in the order of the keys
//   t_held      how many different units the first so many groups hold together
//   t_cut       T1 drops groups below k units; T2 goes on dropping until the dropped ones hold k units together
//   t_released  the remaining groups, with T3 applied to each cell
// then HAVING, DISTINCT, ORDER BY and LIMIT over t_released. Rows come in ORDER BY's order, then in that of all columns, so
// that the order tells nothing about storage.
namespace redoubt::sql {
namespace {

std::string number(std::size_t value) { return std::to_string(value); }

std::string list(const std::vector<std::string>& parts, const std::string& between = ", ") {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : between) + part;
  return out;
}

std::string argument(std::size_t cell, std::size_t index) { return "a" + number(cell) + "_" + number(index); }

class Printer {
 public:
  Printer(const ReleasedBlock& block, std::uint64_t k) : block_(block), k_(std::to_string(k)) {
    for (std::size_t i = 0; i < block.keys.size(); ++i) keys_.push_back("g" + number(i));
  }

  std::string statement() const {
    std::string sql = "WITH t_rows AS MATERIALIZED (" + rows() + "), t_groups AS MATERIALIZED (" + groups() + "), ";
    sql += keys_.empty() ? "" : cut();
    return sql + "t_released AS MATERIALIZED (" + released() + ") " + result();
  }

 private:
  std::string rows() const {
    const Columns& columns = block_.scope.columns();
    std::vector<std::string> items = {block_.scope.unit_sql() + " AS u"};
    for (std::size_t i = 0; i < block_.keys.size(); ++i) items.push_back(print(block_.keys[i], columns) + " AS " + keys_[i]);
    for (std::size_t j = 0; j < block_.cells.size(); ++j) {
      const Cell& cell = block_.cells[j];
      for (std::size_t m = 0; m < cell.arguments.size(); ++m) {
        items.push_back(print(cell.arguments[m], columns) + " AS " + argument(j, m));
      }
      if (!cell.filter.empty()) items.push_back(print_condition(cell.filter[0], columns) + " AS f" + number(j));
      if (!cell.computed.empty()) items.push_back(lost(cell) + " AS l" + number(j));
    }
    std::vector<std::string> where = {"(" + block_.scope.unit_sql() + ") IS NOT NULL"};
    for (const Expression& term : block_.where) {
      where.push_back(block_.scope.is_unit_equality(term) ? print_bare_equality(term, columns) : print_condition(term, columns));
    }
    return "SELECT " + list(items) + " FROM " + block_.scope.from_sql() + " WHERE " + list(where, " AND ");
  }

  // lost is the condition that an argument is NULL although none of its columns is.
  std::string lost(const Cell& cell) const {
    std::vector<std::string> any;
    for (const Expression& computed : cell.computed) {
      std::vector<std::string> terms = {"(" + print(computed, block_.scope.columns()) + ") IS NULL"};
      collect_columns(computed, terms);
      any.push_back("(" + list(terms, " AND ") + ")");
    }
    return "(" + list(any, " OR ") + ")";
  }

  void collect_columns(const Expression& e, std::vector<std::string>& terms) const {
    if (e.kind == Expression::Kind::column) terms.push_back(print(e, block_.scope.columns()) + " IS NOT NULL");
    for (const Expression& child : e.children) collect_columns(child, terms);
  }

  // contributes is the condition on t_rows that a row counts for a cell; empty when every row does.
  std::string contributes(std::size_t j) const {
    const Cell& cell = block_.cells[j];
    std::vector<std::string> terms;
    if (!cell.filter.empty()) terms.push_back("f" + number(j));
    for (std::size_t m = 0; m < cell.arguments.size(); ++m) {
      const std::string a = argument(j, m);
      terms.push_back(a + " IS NOT NULL");
      if (cell.zeros[m] == Cell::Zero::excluded) terms.push_back(a + " <> 0");
      if (cell.zeros[m] == Cell::Zero::false_excluded) terms.push_back("TRY_CAST(" + a + " AS BOOLEAN)");
    }
    return terms.empty() ? "" : "coalesce(" + list(terms, " AND ") + ", false)";
  }

  std::string aggregate(std::size_t j) const {
    const Cell& cell = block_.cells[j];
    std::vector<std::string> arguments;
    for (std::size_t m = 0; m < cell.arguments.size(); ++m) arguments.push_back(argument(j, m));
    if (!cell.fraction.empty()) arguments.push_back(cell.descending ? "1 - " + cell.fraction : cell.fraction);
    const std::string name = cell.name == "count_star" ? "count(*)"
                                                       : cell.name + "(" + (cell.distinct ? "DISTINCT " : "") + list(arguments) + ")";
    return name + (cell.filter.empty() ? "" : " FILTER (WHERE f" + number(j) + ")");
  }

  std::string groups() const {
    std::vector<std::string> items = keys_;
    items.push_back("count(DISTINCT u) AS units");
    for (std::size_t j = 0; j < block_.cells.size(); ++j) {
      items.push_back(aggregate(j) + " AS c" + number(j));
      const std::string condition = contributes(j);
      if (condition.empty()) continue;
      items.push_back("count(DISTINCT u) FILTER (WHERE " + condition + ") AS n" + number(j));
      if (block_.cells[j].small_complement) {
        items.push_back("count(DISTINCT u) FILTER (WHERE NOT " + condition + ") AS m" + number(j));
      } else if (!block_.cells[j].computed.empty()) {
        items.push_back("count(DISTINCT u) FILTER (WHERE l" + number(j) + ") AS m" + number(j));
      }
    }
    return "SELECT " + list(items) + " FROM t_rows" + (keys_.empty() ? "" : " GROUP BY " + list(keys_));
  }

  std::string cut() const {
    std::vector<std::string> order = {"units"};
    std::vector<std::string> equal;
    for (const std::string& key : keys_) {
      order.push_back(key + " ASC NULLS LAST");
      equal.push_back("(t_rows." + key + " IS NOT DISTINCT FROM t_rank." + key + ")");
    }
    return "t_rank AS MATERIALIZED (SELECT *, row_number() OVER (ORDER BY " + list(order) + ") AS place FROM t_groups), " +
           "t_first AS (SELECT min(place) AS place FROM t_rows JOIN t_rank ON " + list(equal, " AND ") + " GROUP BY u), " +
           "t_new AS (SELECT place, count(*) AS n FROM t_first GROUP BY place), " +
           "t_held AS (SELECT t_rank.place AS place, coalesce(sum(n) OVER (ORDER BY t_rank.place), 0) AS held FROM t_rank " +
           "LEFT JOIN t_new ON t_rank.place = t_new.place), " +
           "t_small AS (SELECT count(*) AS n FROM t_groups WHERE units < " + k_ + "), " +
           "t_cut AS (SELECT CASE WHEN t_small.n = 0 THEN 0 ELSE greatest(t_small.n, coalesce((SELECT min(place) FROM t_held " +
           "WHERE held >= " + k_ + "), (SELECT max(place) FROM t_held))) END AS place FROM t_small), ";
  }

  // suppressed is T3: the condition under which a cell is withheld, and the cell otherwise.
  std::string cell(std::size_t j) const {
    const Cell& cell = block_.cells[j];
    const std::string name = number(j);
    const bool all = contributes(j).empty();
    const std::string units = all ? "units" : "n" + name;
    std::vector<std::string> small = {units + " < " + k_};
    if ((cell.small_complement || !cell.computed.empty()) && !all) small.push_back("m" + name + " BETWEEN 1 AND " + k_ + " - 1");
    if (cell.quantile) {
      const std::string fraction = cell.fraction.empty() ? "0.5" : cell.fraction;
      small.push_back(units + " * least(" + fraction + ", 1 - " + fraction + ") < " + k_);
    }
    return "CASE WHEN " + list(small, " OR ") + " THEN NULL ELSE c" + name + " END AS c" + name;
  }

  std::string released() const {
    std::vector<std::string> items = keys_;
    for (std::size_t j = 0; j < block_.cells.size(); ++j) items.push_back(cell(j));
    if (keys_.empty()) return "SELECT " + list(items) + " FROM t_groups WHERE units >= " + k_;
    return "SELECT " + list(items) + " FROM t_rank, t_cut WHERE t_rank.place > t_cut.place";
  }

  std::string result() const {
    const Columns none;
    std::vector<std::string> inner, outer, order;
    for (std::size_t i = 0; i < block_.items.size(); ++i) {
      outer.push_back("o" + number(i));
      inner.push_back(print(block_.items[i], none) + " AS o" + number(i));
    }
    for (const OrderItem& item : block_.order_by) {
      std::string name;
      for (std::size_t i = 0; i < block_.items.size() && name.empty(); ++i) {
        if (same(block_.items[i], item.expression)) name = "o" + number(i);
      }
      if (name.empty()) {
        name = "s" + number(order.size());
        inner.push_back(print(item.expression, none) + " AS " + name);
      }
      order.push_back(name + (item.descending ? " DESC" : " ASC") + (item.nulls_first ? " NULLS FIRST" : " NULLS LAST"));
    }
    for (const std::string& name : outer) order.push_back(name + " ASC NULLS LAST");
    std::string sql = "SELECT " + list(outer) + " FROM (SELECT " + (block_.distinct ? "DISTINCT " : "") + list(inner) + " FROM t_released";
    if (!block_.having.empty()) sql += " WHERE " + print_condition(block_.having[0], none);
    sql += ") ORDER BY " + list(order);
    if (block_.limited) sql += " LIMIT " + std::to_string(block_.limit);
    if (block_.offset_rows != 0) sql += " OFFSET " + std::to_string(block_.offset_rows);
    return sql;
  }

  const ReleasedBlock& block_;
  std::string k_;
  std::vector<std::string> keys_;
};

}  // namespace

ReleasePlan PlanBuilder::build(const ReleasedBlock& block, std::uint64_t k) {
  ReleasePlan plan;
  plan.sql_ = Printer(block, k).statement();
  plan.names_ = block.names;
  plan.datasets_ = block.scope.datasets();
  plan.k_ = k;
  return plan;
}

}  // namespace redoubt::sql
