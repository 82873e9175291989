// The statements of one released block, stage by stage (rules T1 to T3 of docs/specs/query-rules.md); each has a name of the plan:
//   rows      one row for each joined row with a unit: u, group keys g<i>, arguments a<j>_<m>, filters f<j>,
//             and whether an argument was lost to a cast or an overflow l<j>
//   groups    one row a group: units, cells c<j>, units that contribute n<j>, units of rows left out m<j>
//   rank      groups numbered from the one with the fewest units, ties in the order of the keys
//   held      how many different units the first so many groups hold together
//   cut       T1 drops groups below k units; T2 goes on dropping until the dropped ones hold k units together
//   released  the remaining groups, with T3 applied to each cell
#include "engines/sql/compiler.h"
#include "engines/sql/forms.h"
#include "engines/sql/print.h"

namespace redoubt::sql {
namespace {

std::string number(std::size_t value) { return std::to_string(value); }

constexpr std::size_t kBuckets = 4096;

std::string argument(std::size_t cell, std::size_t index) { return "a" + number(cell) + "_" + number(index); }

class Stages {
 public:
  Stages(const ReleasedBlock& block, std::uint64_t k, Compiler& compiler) : block_(block), k_(std::to_string(k)), compiler_(compiler) {
    for (std::size_t i = 0; i < block.keys.size(); ++i) keys_.push_back("g" + number(i));
  }

  std::string print() {
    rows_ = compiler_.add(rows(), true);
    groups_ = compiler_.add(groups(), true);
    if (!keys_.empty()) cut();
    released_ = compiler_.add(released(), true);
    return released_;
  }

  // print_quick groups without counting units. Units are thrown into few buckets, of which a group cannot fill more than it has
  // units: where each group and each contributing or left-out part fills enough of them, nothing is withheld. Else the statement
  // ends in an error, and the exact one is run.
  std::string print_quick() {
    // The engine computes an expression as often as it stands in the text, so the bucket of a unit has a column.
    const std::string bucketed = "SELECT *, (1::BIGINT << (hash(u) % 62)::INTEGER) AS slot, (hash(u) % " + number(kBuckets) + ")::INTEGER AS bucket FROM ";
    rows_ = compiler_.add(rows(), compiler_.traced());  // a trace reads them again
    const std::string rows_statement = compiler_.add(bucketed + rows_, false);
    std::vector<std::string> items = keys_, unsure = {few("", k_)};
    for (std::size_t j = 0; j < block_.cells.size(); ++j) {
      const Cell& cell = block_.cells[j];
      items.push_back(aggregate(j) + " AS c" + number(j));
      const std::string condition = contributes(j);
      if (condition.empty()) continue;
      std::string needed = k_;
      if (cell.quantile) {
        const std::string fraction = cell.fraction.empty() ? "0.5" : cell.fraction;
        needed = "ceil(" + k_ + " / least(" + fraction + ", 1 - " + fraction + "))";
      }
      unsure.push_back(few(condition, needed));
      std::string left;
      if (!cell.computed.empty()) left = "l" + number(j);
      if (cell.small_complement) left = "NOT " + condition;
      if (!left.empty()) unsure.push_back("(count(*) FILTER (WHERE " + left + ") > 0 AND " + few(left, k_) + ")");
    }
    items.push_back("(" + join_texts(unsure, " OR ") + ") AS unsure");
    groups_ = compiler_.add("SELECT " + join_texts(items) + " FROM " + rows_statement + (keys_.empty() ? "" : " GROUP BY " + join_texts(keys_)), true);
    std::string numbered = groups_;
    if (compiler_.traced()) numbered = compiler_.add("SELECT *, row_number() OVER () AS place FROM " + groups_, true);
    items = keys_;
    for (std::size_t j = 0; j < block_.cells.size(); ++j) items.push_back("c" + number(j));
    if (items.empty()) items.emplace_back("unsure");
    if (compiler_.traced()) items.emplace_back("place");
    released_ = compiler_.add("SELECT " + join_texts(items) + " FROM " + numbered + " WHERE CASE WHEN (SELECT coalesce(bool_or(unsure), false) FROM " + groups_ +
                                  ") THEN error('unsure') ELSE true END", true);
    return released_;
  }

  // withheld counts the groups that print() drops, and the cells of the others that hold a value and are withheld.
  std::string withheld() const {
    std::vector<std::string> cells = {"0"};
    for (std::size_t j = 0; j < block_.cells.size(); ++j) {
      cells.push_back("CASE WHEN (" + small(j) + ") AND c" + number(j) + " IS NOT NULL THEN 1 ELSE 0 END");
    }
    const std::string kept = keys_.empty() ? "units >= " + k_ : "a.place > b.place";
    return "SELECT coalesce(sum(CASE WHEN " + kept + " THEN " + join_texts(cells, " + ") + " ELSE 1 END), 0) AS withheld FROM " +
           (keys_.empty() ? groups_ : rank_ + " AS a, " + cut_ + " AS b");
  }

  // trace tells for each row of a released group to which of the cells that are not withheld it contributes.
  Compiler::Trace trace() const {
    Compiler::Trace out;
    out.statements = compiler_.statements().size();
    out.ids = block_.rows.ids;
    std::vector<std::string> items = {"b.place AS place", "a.u AS u"}, equal;
    for (std::size_t n = 0; n < out.ids.size(); ++n) items.push_back("a.i" + number(n) + " AS i" + number(n));
    for (std::size_t j = 0; j < block_.cells.size(); ++j) {
      const std::string condition = contributes(j);
      items.push_back("(b.c" + number(j) + " IS NOT NULL" + (condition.empty() ? "" : " AND " + condition) + ") AS m" + number(j));
    }
    if (block_.counted) items.push_back("true AS m" + number(block_.cells.size()));
    out.cells = block_.cells.size() + (block_.counted ? 1 : 0);
    for (const std::string& key : keys_) equal.push_back("a." + key + " IS NOT DISTINCT FROM b." + key);
    out.sql = "SELECT " + join_texts(items) + " FROM " + rows_ + " AS a " +
              (keys_.empty() ? "CROSS JOIN " + released_ + " AS b" : "JOIN " + released_ + " AS b ON " + join_texts(equal, " AND "));
    return out;
  }

  std::string rows() const {
    const Columns& columns = block_.rows.columns;
    std::vector<std::string> items = {block_.rows.unit + " AS u"};
    for (std::size_t i = 0; i < block_.keys.size(); ++i) items.push_back(sql::print(block_.keys[i], columns) + " AS " + keys_[i]);
    for (std::size_t j = 0; j < block_.cells.size(); ++j) {
      const Cell& cell = block_.cells[j];
      for (std::size_t m = 0; m < cell.arguments.size(); ++m) {
        items.push_back(value(cell, cell.arguments[m]) + " AS " + argument(j, m));
      }
      if (!cell.filter.empty()) items.push_back(print_condition(cell.filter[0], columns) + " AS f" + number(j));
      if (!cell.computed.empty()) items.push_back(lost(cell) + " AS l" + number(j));
    }
    for (std::size_t n = 0; n < block_.rows.ids.size(); ++n) items.push_back(block_.rows.ids[n].sql + " AS i" + number(n));
    std::string sql = "SELECT " + join_texts(items) + " FROM " + block_.rows.from;
    return block_.rows.where.empty() ? sql : sql + " WHERE " + join_texts(block_.rows.where, " AND ");
  }

 private:
  // value prints an argument. Under noise the sums are not the engine's.
  std::string value(const Cell& cell, const Expression& e) const {
    const bool bounded = cell.bounded && compiler_.level() != Level::differential_privacy;
    return bounded ? print_bounded(e, block_.rows.columns) : sql::print(e, block_.rows.columns);
  }

  // lost is the condition that an argument is NULL although none of its columns is. A column that is itself computed inside a
  // subquery may have been lost there.
  std::string lost(const Cell& cell) const {
    std::vector<std::string> any;
    for (const Expression& computed : cell.computed) {
      std::vector<std::string> terms = {"(" + value(cell, computed) + ") IS NULL"};
      collect_columns(computed, terms);
      any.push_back("(" + join_texts(terms, " AND ") + ")");
    }
    return "(" + join_texts(any, " OR ") + ")";
  }

  void collect_columns(const Expression& e, std::vector<std::string>& terms) const {
    if (e.kind == Expression::Kind::column && !block_.rows.columns[e.index].argument.fallible) {
      terms.push_back(sql::print(e, block_.rows.columns) + " IS NOT NULL");
    }
    for (const Expression& child : e.children) collect_columns(child, terms);
  }

  // few: fewer buckets are filled than units are needed.
  std::string few(const std::string& condition, const std::string& needed) const {
    const bool one_word = needed == k_ && compiler_.k() <= 20;
    const std::string sketch = one_word ? "bit_or(slot)" : "bitstring_agg(bucket, 0, " + number(kBuckets - 1) + ")";
    return "(coalesce(bit_count(" + sketch + (condition.empty() ? "" : " FILTER (WHERE " + condition + ")") + "), 0) < " + needed + ")";
  }

  // contributes is the condition on the rows that a row counts for a cell; empty when every row does.
  std::string contributes(std::size_t j) const {
    const Cell& cell = block_.cells[j];
    std::vector<std::string> terms;
    if (!cell.filter.empty()) terms.push_back("f" + number(j));
    for (std::size_t m = 0; m < cell.arguments.size(); ++m) {
      const std::string a = argument(j, m);
      terms.push_back(a + " IS NOT NULL");
      // What may be a text is compared so that no text fails.
      const bool number = is_number(cell.arguments[m], block_.rows.columns);
      if (cell.zeros[m] == Cell::Zero::excluded) terms.push_back(number ? a + " <> 0" : "coalesce(TRY(least(" + a + " <> 0)), true)");
      if (cell.zeros[m] == Cell::Zero::false_excluded) terms.push_back("TRY_CAST(" + a + " AS BOOLEAN)");
    }
    return terms.empty() ? "" : "coalesce(" + join_texts(terms, " AND ") + ", false)";
  }

  std::string aggregate(std::size_t j) const {
    const Cell& cell = block_.cells[j];
    std::vector<std::string> arguments;
    for (std::size_t m = 0; m < cell.arguments.size(); ++m) arguments.push_back(argument(j, m));
    if (!cell.fraction.empty()) arguments.push_back(cell.descending ? "1 - " + cell.fraction : cell.fraction);
    const std::string name = cell.name == "count_star" ? "count(*)"
                                                       : cell.name + "(" + (cell.distinct ? "DISTINCT " : "") + join_texts(arguments) + ")";
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
    return "SELECT " + join_texts(items) + " FROM " + rows_ + (keys_.empty() ? "" : " GROUP BY " + join_texts(keys_));
  }

  void cut() {
    std::vector<std::string> order = {"units"};
    std::vector<std::string> equal;
    for (const std::string& key : keys_) {
      order.push_back(key + " ASC NULLS LAST");
      equal.push_back("(a." + key + " IS NOT DISTINCT FROM b." + key + ")");
    }
    rank_ = compiler_.add("SELECT *, row_number() OVER (ORDER BY " + join_texts(order) + ") AS place FROM " + groups_, true);
    const std::string first = compiler_.add("SELECT min(place) AS place FROM " + rows_ + " AS a JOIN " + rank_ + " AS b ON " +
                                                join_texts(equal, " AND ") + " GROUP BY u", true);
    const std::string fresh = compiler_.add("SELECT place, count(*) AS n FROM " + first + " GROUP BY place", true);
    const std::string held = compiler_.add("SELECT a.place AS place, coalesce(sum(n) OVER (ORDER BY a.place), 0) AS held FROM " + rank_ +
                                               " AS a LEFT JOIN " + fresh + " AS b ON a.place = b.place", true);
    const std::string small = compiler_.add("SELECT count(*) AS n FROM " + groups_ + " WHERE units < " + k_, true);
    cut_ = compiler_.add("SELECT CASE WHEN s.n = 0 THEN 0 ELSE greatest(s.n, coalesce((SELECT min(place) FROM " + held + " WHERE held >= " + k_ +
                             "), (SELECT max(place) FROM " + held + "))) END AS place FROM " + small + " AS s", true);
  }

  // small is T3: the condition under which a cell is withheld.
  std::string small(std::size_t j) const {
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
    return join_texts(small, " OR ");
  }

  std::string cell(std::size_t j) const { return "CASE WHEN " + small(j) + " THEN NULL ELSE c" + number(j) + " END AS c" + number(j); }

  std::string released() const {
    std::vector<std::string> items = keys_;
    for (std::size_t j = 0; j < block_.cells.size(); ++j) items.push_back(cell(j));
    if (items.empty()) items.emplace_back("units");
    if (compiler_.traced()) items.emplace_back(keys_.empty() ? "0 AS place" : "a.place AS place");
    if (keys_.empty()) return "SELECT " + join_texts(items) + " FROM " + groups_ + " WHERE units >= " + k_;
    return "SELECT " + join_texts(items) + " FROM " + rank_ + " AS a, " + cut_ + " AS b WHERE a.place > b.place";
  }

  const ReleasedBlock& block_;
  std::string k_;
  Compiler& compiler_;
  std::vector<std::string> keys_;
  std::string rows_, groups_, rank_, cut_, released_;
};

}  // namespace

std::string Compiler::release(const ReleasedBlock& block) {
  blocks_.push_back(block);
  Stages stages(block, k_, *this);
  if (level_ != Level::differential_privacy) {
    const std::string released = quick() ? stages.print_quick() : stages.print();
    if (traced()) traces_.push_back(stages.trace());
    if (purpose_ == Purpose::exact) withheld_.push_back({statements_.size(), stages.withheld()});
    return released;
  }
  rows_.push_back(add(stages.rows(), true));
  // What takes noise is computed outside of the engine and put into this table.
  return "main.noisy" + std::to_string(rows_.size() - 1);
}

}  // namespace redoubt::sql
