#include "engines/sql/noisy_block.h"

#include <algorithm>
#include <cstdlib>

#include "engines/sql/grid.h"
#include "engines/sql/print.h"

namespace redoubt::sql {
namespace {

using dp::Statistic;

Statistic statistic_of(const Cell& cell) {
  if (cell.distinct) return Statistic::count_units;
  if (cell.name.starts_with("count")) return Statistic::count_rows;
  if (cell.name == "sum") return Statistic::sum;
  if (cell.name == "avg" || cell.name == "mean") return Statistic::avg;
  if (cell.name == "var_pop") return Statistic::var_pop;
  if (cell.name == "var_samp" || cell.name == "variance") return Statistic::var_samp;
  if (cell.name == "stddev_pop") return Statistic::stddev_pop;
  if (cell.name == "stddev_samp" || cell.name == "stddev") return Statistic::stddev_samp;
  std::abort();  // the checker refuses all others (D2)
}

bool counts(Statistic statistic) { return statistic == Statistic::count_units || statistic == Statistic::count_rows; }
bool squares(Statistic statistic) { return !counts(statistic) && statistic != Statistic::sum && statistic != Statistic::avg; }

// Source: the values that cells share: the same argument under the same filter. Cells that only count where it is there take any measure of it.
struct Source {
  std::size_t cell = 0;  // whose columns are read
  bool truth = false;    // counted where it is true, not where it is not NULL
  bool valued = false;
  bool squared = false;
};

class Sources {
 public:
  explicit Sources(const ReleasedBlock& block) : block_(block) {}

  // add gives the measure of a cell, or none for one that counts every row or every unit.
  std::optional<std::size_t> add(std::size_t j) {
    const Cell& cell = block_.cells[j];
    const Statistic statistic = statistic_of(cell);
    if (cell.filter.empty() && (cell.arguments.empty() || is_the_unit(cell))) return std::nullopt;
    const bool truth = cell.name == "count_if" || cell.name == "countif";
    const auto found = std::ranges::find_if(sources_, [&](const Source& s) {
      const Cell& other = block_.cells[s.cell];
      return s.truth == truth && std::ranges::equal(other.arguments, cell.arguments, same) && std::ranges::equal(other.filter, cell.filter, same);
    });
    const auto place = static_cast<std::size_t>(found - sources_.begin());
    if (found == sources_.end()) sources_.push_back({j, truth, false, false});
    Source& source = sources_[place];
    if (!counts(statistic)) source.cell = source.valued ? source.cell : j;  // it has the interval
    source.valued = source.valued || !counts(statistic);
    source.squared = source.squared || squares(statistic);
    return place;
  }

  dp::Measure measure(const Source& source) const {
    if (!source.valued) return make_measure({true, 0, 0}, 0, false);
    const Cell& cell = block_.cells[source.cell];
    return make_measure(cell.intervals[0], decimal_places(cell.arguments[0], block_.rows.columns), source.squared);
  }

  std::string value_sql(const Source& source) const {
    const Cell& cell = block_.cells[source.cell];
    const std::string place = std::to_string(source.cell);
    const std::string argument = "a" + place + "_0";
    std::vector<std::string> when;
    if (!cell.filter.empty()) when.push_back("f" + place);
    if (!source.valued && !cell.arguments.empty()) when.push_back(source.truth ? "TRY_CAST(" + argument + " AS BOOLEAN)" : argument + " IS NOT NULL");
    const std::string value = source.valued ? "TRY_CAST(" + argument + " AS DOUBLE)" : "CAST(0 AS DOUBLE)";
    return when.empty() ? value : "CASE WHEN " + join_texts(when, " AND ") + " THEN " + value + " END";
  }

  const std::vector<Source>& all() const { return sources_; }

 private:
  // is_the_unit: count(DISTINCT unit) over the very column that says whose row it is counts what the threshold counts.
  bool is_the_unit(const Cell& cell) const {
    const Expression& x = cell.arguments[0];
    return cell.distinct && x.kind == Expression::Kind::column && block_.rows.columns[x.index].is_unit;
  }

  const ReleasedBlock& block_;
  std::vector<Source> sources_;
};

}  // namespace

NoisyBlock noisy_block(const ReleasedBlock& block, std::string table, const std::string& rows_sql) {
  NoisyBlock out;
  out.table = std::move(table);
  out.keys = block.keys.size();
  Sources sources(block);
  for (std::size_t j = 0; j < block.cells.size(); ++j) {
    out.cells.push_back({statistic_of(block.cells[j]), sources.add(j)});
  }
  std::vector<std::string> items = {"u"};
  for (std::size_t i = 0; i < out.keys; ++i) items.push_back("g" + std::to_string(i));
  for (const Source& source : sources.all()) {
    items.push_back(sources.value_sql(source) + " AS v" + std::to_string(out.measures.size()));
    out.measures.push_back(sources.measure(source));
  }
  out.rows_sql = "SELECT " + join_texts(items) + " FROM (" + rows_sql + ") AS r";
  return out;
}

}  // namespace redoubt::sql
