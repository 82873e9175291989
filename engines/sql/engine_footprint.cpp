// Contributors of released cells, for the release ledger.
#include <algorithm>

#include "engines/sql/engine_state.h"

namespace redoubt::sql {
namespace {

std::uint32_t number_of(auto& numbers, const std::string& name) {
  return numbers.try_emplace(name, static_cast<std::uint32_t>(numbers.size())).first->second;
}

// The engine's values by their own types: a trace has a row for each joined row, and a value of any type costs more than all else.
std::int64_t integer_of(duckdb::Vector& vector, std::size_t r) {
  if (vector.GetType().id() == duckdb::LogicalTypeId::BIGINT) return duckdb::FlatVector::GetData<std::int64_t>(vector)[r];
  return vector.GetValue(r).GetValue<std::int64_t>();
}

// text_of a unit: the engine's text of the value.
std::string text_of(duckdb::Vector& vector, std::size_t r) {
  if (!duckdb::FlatVector::IsNull(vector, r)) {
    switch (vector.GetType().id()) {
      case duckdb::LogicalTypeId::BIGINT: return std::to_string(duckdb::FlatVector::GetData<std::int64_t>(vector)[r]);
      case duckdb::LogicalTypeId::INTEGER: return std::to_string(duckdb::FlatVector::GetData<std::int32_t>(vector)[r]);
      case duckdb::LogicalTypeId::VARCHAR: return duckdb::FlatVector::GetData<duckdb::string_t>(vector)[r].GetString();
      default: break;
    }
  }
  return vector.GetValue(r).ToString();
}

bool is_true(duckdb::Vector& vector, std::size_t r) { return !duckdb::FlatVector::IsNull(vector, r) && duckdb::FlatVector::GetData<bool>(vector)[r]; }

// Reader turns the chunks of one trace into rows of the footprint.
class Reader {
 public:
  Reader(const ContributorTrace& trace, const std::vector<std::uint32_t>& sources, Footprint& out) : trace_(trace), sources_(sources), out_(out) {}

  void read(duckdb::DataChunk& chunk, auto& units) {
    chunk.Flatten();
    for (std::size_t r = 0; r < chunk.size(); ++r) read_row(chunk, r, units);
  }

 private:
  // read_row takes one row; a row that contributes to nothing that is released is left out.
  void read_row(duckdb::DataChunk& chunk, std::size_t r, auto& units) {
    const std::size_t first_cell = 2 + sources_.size();
    Footprint::Row row;
    for (std::size_t j = 0; j < trace_.cells; ++j) {
      if (!is_true(chunk.data[first_cell + j], r)) continue;
      const auto [cell, fresh] = cells_.try_emplace(std::pair(integer_of(chunk.data[0], r), j), out_.cells);
      if (fresh) ++out_.cells;
      if (row.cells.empty()) row.cells.reserve(trace_.cells);
      row.cells.push_back(cell->second);
    }
    if (row.cells.empty()) return;
    row.unit = number_of(units, text_of(chunk.data[1], r));
    row.sources.reserve(sources_.size());
    for (std::size_t n = 0; n < sources_.size(); ++n) {
      duckdb::Vector& vector = chunk.data[2 + n];
      if (duckdb::FlatVector::IsNull(vector, r)) continue;
      if (vector.GetType().id() != duckdb::LogicalTypeId::LIST) {
        row.sources.push_back({sources_[n], static_cast<std::uint64_t>(integer_of(vector, r))});
        continue;
      }
      const duckdb::Value value = vector.GetValue(r);
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
    REDOUBT_CHECK(state_->stream(trace.sql, [](duckdb::QueryResult&) {}, [&](duckdb::DataChunk& chunk) -> Status {
      reader.read(chunk, numbering.units);
      return {};
    }));
  }
  return out;
}

}  // namespace redoubt::sql
