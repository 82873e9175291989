// Contributors of released cells, for the release ledger. A trace has a row for each joined row, so they are read column by column, and what is
// the same for many rows (which cells a row of a group contributes to) is worked out once.
#include <algorithm>
#include <limits>

#include "engines/sql/engine_state.h"

namespace redoubt::sql {
namespace {

using duckdb::FlatVector;
using duckdb::LogicalTypeId;

constexpr std::size_t kWordBits = 64;

std::uint32_t number_of(auto& numbers, const std::string& name) {
  return numbers.try_emplace(name, static_cast<std::uint32_t>(numbers.size())).first->second;
}

// Reader turns the chunks of one trace into rows of the footprint. The chunks are flat.
class Reader {
 public:
  Reader(const ContributorTrace& trace, const std::vector<std::uint32_t>& datasets, UnitNumbers& units, Footprint& out)
      : trace_(trace), datasets_(datasets), units_(units), out_(out), words_((trace.cells + kWordBits - 1) / kWordBits) {}

  Status read(duckdb::DataChunk& chunk) {
    chunk.Flatten();
    const std::size_t rows = chunk.size();
    const auto places = chunk.data[0].GetType().id();
    if (places != LogicalTypeId::BIGINT && places != LogicalTypeId::INTEGER) return Error(Code::internal, "engine: numbers of groups of another type than was asked for");
    lists_ = std::vector<duckdb::UnifiedVectorFormat>(datasets_.size());
    for (std::size_t n = 0; n < datasets_.size(); ++n) {
      duckdb::Vector& vector = chunk.data[2 + n];
      if (is_list(vector)) duckdb::ListVector::GetEntry(vector).ToUnifiedFormat(duckdb::ListVector::GetListSize(vector), lists_[n]);
    }
    read_cells(chunk, rows);
    read_units(chunk.data[1], rows);
    for (std::size_t r = 0; r < rows; ++r) {
      if (!contributes_[r]) continue;  // to nothing that is released
      REDOUBT_CHECK(read_sources(chunk, r));
      out_.add(unit_[r], row_, set_of(chunk.data[0], r));
    }
    return {};
  }

 private:
  using Words = std::vector<std::uint64_t>;  // a bit for each cell of the trace

  static bool is_list(const duckdb::Vector& vector) {
    return vector.GetType().id() == LogicalTypeId::LIST && duckdb::ListType::GetChildType(vector.GetType()).id() == LogicalTypeId::BIGINT;
  }

  void read_cells(duckdb::DataChunk& chunk, std::size_t rows) {
    cells_.assign(words_ * rows, 0);
    contributes_.assign(rows, 0);
    for (std::size_t j = 0; j < trace_.cells; ++j) {
      duckdb::Vector& vector = chunk.data[2 + datasets_.size() + j];
      const bool* const values = FlatVector::GetData<bool>(vector);
      const auto& valid = FlatVector::Validity(vector);
      std::uint64_t* const words = cells_.data() + j / kWordBits * rows;
      for (std::size_t r = 0; r < rows; ++r) {
        const std::uint64_t bit = valid.RowIsValid(r) && values[r] ? 1 : 0;
        words[r] |= bit << (j % kWordBits);
      }
    }
    for (std::size_t w = 0; w < words_; ++w) {
      for (std::size_t r = 0; r < rows; ++r) contributes_[r] = contributes_[r] != 0 || cells_[w * rows + r] != 0 ? 1 : 0;
    }
  }

  void read_units(duckdb::Vector& vector, std::size_t rows) {
    unit_.resize(rows);
    const auto& valid = FlatVector::Validity(vector);
    const auto type = vector.GetType().id();
    const auto integers = [&](const auto* values) {
      for (std::size_t r = 0; r < rows; ++r) {
        if (contributes_[r]) units_.prefetch(values[r]);
      }
      for (std::size_t r = 0; r < rows; ++r) {
        if (contributes_[r]) unit_[r] = valid.RowIsValid(r) ? units_.of_integer(values[r]) : units_.of_text(vector.GetValue(r).ToString());
      }
    };
    if (type == LogicalTypeId::BIGINT) return integers(FlatVector::GetData<std::int64_t>(vector));
    if (type == LogicalTypeId::INTEGER) return integers(FlatVector::GetData<std::int32_t>(vector));
    for (std::size_t r = 0; r < rows; ++r) {
      if (!contributes_[r]) continue;
      if (type == LogicalTypeId::VARCHAR && valid.RowIsValid(r)) {
        const duckdb::string_t& text = FlatVector::GetData<duckdb::string_t>(vector)[r];
        unit_[r] = units_.of_text({text.GetData(), text.GetSize()});
      } else {
        unit_[r] = units_.of_text(vector.GetValue(r).ToString());
      }
    }
  }

  Status add_source(std::size_t n, std::int64_t row) {
    if (row < 0 || row > std::int64_t{std::numeric_limits<std::uint32_t>::max()}) return Error(Code::internal, "engine: a row number that no table has");
    row_.push_back({datasets_[n], static_cast<std::uint32_t>(row)});
    return {};
  }

  Status read_sources(duckdb::DataChunk& chunk, std::size_t r) {
    row_.clear();
    for (std::size_t n = 0; n < datasets_.size(); ++n) {
      duckdb::Vector& vector = chunk.data[2 + n];
      if (FlatVector::IsNull(vector, r)) continue;
      if (vector.GetType().id() == LogicalTypeId::BIGINT) {
        REDOUBT_CHECK(add_source(n, FlatVector::GetData<std::int64_t>(vector)[r]));
        continue;
      }
      if (!is_list(vector)) return Error(Code::internal, "engine: row numbers of another type than was asked for");
      const std::size_t first = row_.size();
      const duckdb::list_entry_t entry = FlatVector::GetData<duckdb::list_entry_t>(vector)[r];
      const auto* const rows = duckdb::UnifiedVectorFormat::GetData<std::int64_t>(lists_[n]);
      for (duckdb::idx_t i = entry.offset; i < entry.offset + entry.length; ++i) {
        const duckdb::idx_t at = lists_[n].sel->get_index(i);
        if (lists_[n].validity.RowIsValid(at)) REDOUBT_CHECK(add_source(n, rows[at]));
      }
      // A set of rows, in whatever order they were gathered.
      std::sort(row_.begin() + static_cast<std::ptrdiff_t>(first), row_.end());
    }
    return {};
  }

  // set_of the cells that row `r` contributes to. Most rows of a group contribute to the same ones.
  std::uint32_t set_of(duckdb::Vector& places, std::size_t r) {
    const bool wide = places.GetType().id() == LogicalTypeId::BIGINT;  // else the one place of a block without keys, an INTEGER
    const std::int64_t place = wide ? FlatVector::GetData<std::int64_t>(places)[r] : FlatVector::GetData<std::int32_t>(places)[r];
    const std::size_t rows = contributes_.size();
    Last* last = nullptr;
    if (words_ == 1 && place >= 0 && place < kLastPlaces) {
      const auto index = static_cast<std::size_t>(place);
      if (index >= last_.size()) last_.resize(index + index / 2 + 1);
      last = &last_[index];
      if (last->cells == cells_[r]) return last->set;  // nothing is found for no cells: such rows are left out
    }
    Words words(words_);
    for (std::size_t w = 0; w < words_; ++w) words[w] = cells_[w * rows + r];
    auto known = sets_.find({place, words});
    if (known == sets_.end()) known = sets_.emplace(std::pair(place, words), new_set(place, words)).first;
    if (last != nullptr) *last = {words[0], known->second};
    return known->second;
  }

  std::uint32_t new_set(std::int64_t place, const Words& words) {
    Footprint::Cells cells;
    for (std::size_t j = 0; j < trace_.cells; ++j) {
      if (((words[j / kWordBits] >> (j % kWordBits)) & 1) == 0) continue;
      const auto [cell, fresh] = numbers_.try_emplace(std::pair(place, j), 0);
      if (fresh) cell->second = out_.add_cell();
      cells.push_back(cell->second);
    }
    return out_.add_set(std::move(cells));
  }

  // Last: what was found for a place.
  struct Last {
    std::uint64_t cells = 0;
    std::uint32_t set = 0;
  };
  static constexpr std::int64_t kLastPlaces = 1 << 22;

  const ContributorTrace& trace_;
  const std::vector<std::uint32_t>& datasets_;
  UnitNumbers& units_;
  Footprint& out_;
  const std::size_t words_;
  // Of one chunk: words of each row, word by word; whether there is a bit in them; its unit.
  std::vector<std::uint64_t> cells_;
  std::vector<std::uint8_t> contributes_;
  std::vector<std::uint32_t> unit_;
  std::vector<duckdb::UnifiedVectorFormat> lists_;  // elements of the lists of row numbers
  std::vector<Footprint::Source> row_;  // sources of one row
  std::vector<Last> last_;
  std::map<std::pair<std::int64_t, Words>, std::uint32_t> sets_;
  std::map<std::pair<std::int64_t, std::size_t>, std::uint32_t> numbers_;
};

}  // namespace

Result<Footprint> Engine::footprint(const ReleasePlan& plan, bool exact) { return footprint(plan, state_->numbering, {}, exact); }

Result<Footprint> Engine::footprint(const ReleasePlan& plan, Numbering& numbering, const std::map<std::string, std::string>& versions, bool exact) {
  // As in run(): the quick statements fail where the exact ones have to look. What they gave until then is dropped.
  if (!exact) {
    const bool quick = std::all_of(plan.traces().begin(), plan.traces().end(), [&](const ContributorTrace& trace) { return state_->listed(trace.quick_sql); });
    if (quick) {
      auto found = traced(plan, numbering, versions, &ContributorTrace::quick_sql);
      if (found.ok() || found.error().code() != Code::refused) return found;
    }
  }
  return traced(plan, numbering, versions, &ContributorTrace::sql);
}

Result<Footprint> Engine::traced(const ReleasePlan& plan, Numbering& numbering, const std::map<std::string, std::string>& versions, std::string ContributorTrace::*statement) {
  const auto dataset_number = [&](const std::string& dataset) {
    const auto version = versions.find(dataset);
    return number_of(numbering.datasets, version == versions.end() ? dataset : version->second);
  };
  std::vector<std::uint32_t> reads;
  for (const std::string& dataset : plan.datasets()) reads.push_back(dataset_number(dataset));
  Footprint out(std::move(reads));
  for (const ContributorTrace& trace : plan.traces()) {
    const std::string& sql = trace.*statement;
    if (!state_->listed(sql)) return Error(Code::internal, "engine: a plan that traces contributors holds something unlisted");
    std::vector<std::uint32_t> datasets;
    for (const std::string& dataset : trace.sources) datasets.push_back(dataset_number(dataset));
    Reader reader(trace, datasets, numbering.units, out);
    REDOUBT_CHECK(state_->stream(sql, [](duckdb::QueryResult&) {}, [&](duckdb::DataChunk& chunk) { return reader.read(chunk); }));
  }
  return out;
}

}  // namespace redoubt::sql
