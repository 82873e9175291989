// Ledger: the cells that were released so far, as sets of contributing rows, and whether one more query may join them.
//
// Runs inside the enclave, beside the data. T4: two cells whose contributing rows of some dataset differ for 1 to k-1 units are too
// close. T5: no linear combination of cells may vanish on all rows but those of fewer than k units; an atom is all rows that
// contribute to exactly the same cells, so that the question is one about ranks (audit.h). Cells count alike whatever they
// measure. Follows section 9 of docs/specs/query-rules.md. Not thread-safe; plain memory, rebuilt by admitting the same queries.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

namespace redoubt::sql {

// Footprint: who contributes to the cells that one query releases. Cells are numbered from 0; suppressed ones are not in it.
struct Footprint {
  struct Source {
    std::uint32_t dataset = 0;
    std::uint64_t row = 0;
    friend auto operator<=>(const Source&, const Source&) = default;
  };
  struct Row {
    std::uint32_t unit = 0;            // the same number for the same unit, in every dataset and query
    std::vector<Source> sources;       // the dataset rows that it was built from, in any order
    std::vector<std::uint32_t> cells;  // those that it contributes to
  };
  std::uint32_t cells = 0;
  std::vector<std::uint32_t> datasets;  // that the query reads
  std::vector<Row> rows;
};

enum class Conflict {
  none,
  too_close,    // T4
  combination,  // T5
  limit,        // too many cells or atoms to be sure
};

class Ledger {
 public:
  explicit Ledger(std::uint64_t k) : k_(k) {}

  // admit remembers the query and returns none, or changes nothing.
  Conflict admit(const Footprint& footprint);

  // set_threshold: admissions from here on ask with this k. What was admitted stays.
  void set_threshold(std::uint64_t k) { k_ = k; }

  std::size_t cells() const { return cells_.size(); }
  std::size_t atoms() const { return atoms_.size(); }

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;  // digest of the sources
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return static_cast<std::size_t>(key.first); }
  };
  struct DatasetRow {
    std::uint64_t row = 0;
    std::uint32_t unit = 0;
    friend auto operator<=>(const DatasetRow&, const DatasetRow&) = default;
  };
  // Cell: its rows of each dataset that its query reads, sorted, and a digest of its joined rows.
  struct Cell {
    std::map<std::uint32_t, std::vector<DatasetRow>> rows;
    Key digest;
  };
  // Atom: rows with the same cells.
  struct Atom {
    std::vector<std::uint32_t> cells;
  };
  struct Place {
    std::uint32_t unit = 0;
    std::uint32_t atom = 0;
  };
  // Change: what admitting a footprint would do.
  struct Change {
    std::vector<Cell> cells;
    std::vector<Atom> atoms;                     // after those there are
    std::unordered_map<Key, Place, KeyHash> places;  // of the rows that move
  };

  static Key key_of(const Footprint::Row& row);
  std::vector<Cell> cells_of(const Footprint& footprint, std::vector<std::int64_t>& numbers) const;
  bool too_close(const std::vector<Cell>& cells) const;
  Change change_of(const Footprint& footprint, std::vector<Cell> cells, const std::vector<std::int64_t>& numbers) const;
  Conflict audit(const Change& change) const;

  std::uint64_t k_;
  std::vector<Cell> cells_;
  std::vector<Atom> atoms_;
  std::unordered_map<Key, Place, KeyHash> places_;
};

}  // namespace redoubt::sql
