// Contributors of released cells, for the release ledger.
#include <algorithm>

#include "engines/sql/engine_state.h"

namespace redoubt::sql {
namespace {

std::uint32_t number_of(auto& numbers, const std::string& name) {
  return numbers.try_emplace(name, static_cast<std::uint32_t>(numbers.size())).first->second;
}

// Reader turns the chunks of one trace into rows of the footprint.
class Reader {
 public:
  Reader(const ContributorTrace& trace, const std::vector<std::uint32_t>& sources, Footprint& out) : trace_(trace), sources_(sources), out_(out) {}

  // read takes one row; a row that contributes to nothing that is released is left out.
  void read(const duckdb::DataChunk& chunk, std::size_t r, auto& units) {
    const std::size_t first_cell = 2 + sources_.size();
    Footprint::Row row;
    for (std::size_t j = 0; j < trace_.cells; ++j) {
      const duckdb::Value contributes = chunk.GetValue(first_cell + j, r);
      if (contributes.IsNull() || !contributes.GetValue<bool>()) continue;
      const auto key = std::pair(chunk.GetValue(0, r).GetValue<std::int64_t>(), j);
      const auto [cell, fresh] = cells_.try_emplace(key, out_.cells);
      if (fresh) ++out_.cells;
      row.cells.push_back(cell->second);
    }
    if (row.cells.empty()) return;
    row.unit = number_of(units, chunk.GetValue(1, r).ToString());
    for (std::size_t n = 0; n < sources_.size(); ++n) {
      const duckdb::Value value = chunk.GetValue(2 + n, r);
      if (value.IsNull()) continue;
      if (value.type().id() != duckdb::LogicalTypeId::LIST) {
        row.sources.push_back({sources_[n], static_cast<std::uint64_t>(value.GetValue<std::int64_t>())});
        continue;
      }
      std::vector<Footprint::Source> list;
      for (const duckdb::Value& child : duckdb::ListValue::GetChildren(value)) {
        if (!child.IsNull()) list.push_back({sources_[n], static_cast<std::uint64_t>(child.GetValue<std::int64_t>())});
      }
      // A set of rows, in whatever order they were gathered.
      std::ranges::sort(list);
      row.sources.insert(row.sources.end(), list.begin(), list.end());
    }
    out_.rows.push_back(std::move(row));
  }

 private:
  const ContributorTrace& trace_;
  const std::vector<std::uint32_t>& sources_;
  Footprint& out_;
  std::map<std::pair<std::int64_t, std::size_t>, std::uint32_t> cells_;
};

}  // namespace

Result<Footprint> Engine::footprint(const ReleasePlan& plan) { return footprint(plan, state_->numbering, {}); }

Result<Footprint> Engine::footprint(const ReleasePlan& plan, Numbering& numbering, const std::map<std::string, std::string>& versions) {
  const auto dataset_number = [&](const std::string& dataset) {
    const auto version = versions.find(dataset);
    return number_of(numbering.datasets, version == versions.end() ? dataset : version->second);
  };
  Footprint out;
  for (const std::string& dataset : plan.datasets()) out.datasets.push_back(dataset_number(dataset));
  for (const ContributorTrace& trace : plan.traces()) {
    if (!state_->listed(trace.sql)) return Error(Code::internal, "engine: a plan that traces contributors holds something unlisted");
    std::vector<std::uint32_t> sources;
    for (const std::string& dataset : trace.sources) sources.push_back(dataset_number(dataset));
    Reader reader(trace, sources, out);
    REDOUBT_CHECK(state_->stream(trace.sql, [](duckdb::QueryResult&) {}, [&](const duckdb::DataChunk& chunk) -> Status {
      for (std::size_t r = 0; r < chunk.size(); ++r) reader.read(chunk, r, numbering.units);
      return {};
    }));
  }
  return out;
}

}  // namespace redoubt::sql
