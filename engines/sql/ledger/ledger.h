// Ledger: the cells that were released so far, as sets of contributing rows, and whether one more query may join them.
//
// Runs inside the enclave, beside the data. T4: two cells whose contributing rows of some dataset differ for 1 to k-1 units are too
// close. T5: no linear combination of cells may vanish on all rows but those of fewer than k units; an atom is all rows that
// contribute to exactly the same cells, so that the question is one about ranks (audit.h). Cells count alike whatever they
// measure. Follows section 9 of docs/specs/query-rules.md.
//
// Rows are never listed by cell: each joined row, and each row of a dataset with its unit, has one place that names its atom (atoms.h), so memory
// and time grow with the rows of the queries, 10 to 30 bytes for each different one, and not with their cells. Not thread-safe; plain
// memory, rebuilt by admitting the same queries.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engines/sql/ledger/atoms.h"
#include "engines/sql/ledger/footprint.h"
#include "engines/sql/ledger/places.h"

namespace redoubt::sql {

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
  Conflict admit(const Footprint& footprint) { return admit(footprint, true); }
  // judge says what admit would say. The ledger is spent after it: what only later queries would need is left out.
  Conflict judge(const Footprint& footprint) { return admit(footprint, false); }

  // set_threshold: admissions from here on ask with this k. What was admitted stays.
  void set_threshold(std::uint64_t k) { k_ = k; }

  std::size_t cells() const { return cells_.size(); }
  std::size_t atoms() const { return atoms_; }  // that hold rows

 private:
  // Cell: a digest of its joined rows, and the query that released it first.
  struct Cell {
    Digest digest;
    std::uint32_t query = 0;
  };
  // DatasetRows: rows of one dataset, for T4.
  struct DatasetRows {
    Atoms atoms;
    RowPlaces places;
  };
  // JoinedRows: for T5. Rows of one dataset row by dataset, of two by both, all others by digest.
  struct JoinedRows {
    Atoms atoms;
    std::map<std::uint32_t, RowPlaces> alone;
    std::map<std::pair<std::uint32_t, std::uint32_t>, PlaceTable> pairs;
    std::unordered_map<Digest, Place, DigestHash> others;
    template <class Visit>
    void each(Visit&& visit) {
      for (auto& [dataset, rows] : alone) rows.each(visit);
      for (auto& [datasets, rows] : pairs) rows.each(visit);
      for (auto& [digest, place] : others) visit(place);
    }
  };
  // Fresh: the new cells of a query, numbered from cells() on, and for each set of its cells those of them that are new.
  struct Fresh {
    std::vector<Digest> cells;
    std::vector<Atoms::Cells> sets;
  };

  // Refined: datasets whose rows have moved for a query, and which of their atoms hold rows, where that was looked at.
  using Refined = std::map<std::uint32_t, std::vector<bool>>;

  Conflict admit(const Footprint& footprint, bool remember);
  Fresh fresh_of(const Footprint& footprint) const;
  void refine_dataset(std::uint32_t dataset, const Footprint& footprint, const Fresh& fresh);
  void refine_joined(const Footprint& footprint, const Fresh& fresh);
  bool too_close(std::uint32_t dataset, std::size_t known, std::vector<bool>& live);
  Conflict audit(std::vector<bool>& live);
  void undo(const Refined& refined, std::size_t known);
  void settle(const Refined& refined, const std::vector<bool>& live_joined);

  std::uint64_t k_;
  std::vector<Cell> cells_;
  std::vector<std::vector<std::uint32_t>> reads_;  // datasets of each query that released a cell first, sorted
  std::map<std::uint32_t, DatasetRows> datasets_;
  JoinedRows joined_;
  std::size_t atoms_ = 0;
};

}  // namespace redoubt::sql
