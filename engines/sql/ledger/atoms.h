// Atoms: sets of cells, with numbers. Rows are in one atom when they contribute to exactly the same cells.
//
// A query refines atoms: rows of some atom that contribute to some of its cells as well go to the atom of both. refine() is called for every
// row, so the steps that were taken are remembered. Not thread-safe.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engines/sql/ledger/digest.h"

namespace redoubt::sql {

class Atoms {
 public:
  using Cells = std::vector<std::uint32_t>;       // sorted, each once
  static constexpr std::uint32_t kNowhere = 1;    // the atom without cells; 0 is none at all
  static constexpr std::size_t kMaxAtoms = 1U << 22;

  Atoms();
  Atoms(const Atoms&) = delete;
  Atoms& operator=(const Atoms&) = delete;
  Atoms(Atoms&&) noexcept = default;
  Atoms& operator=(Atoms&&) noexcept = default;

  std::size_t end() const { return cells_.size(); }  // atoms are from kNowhere below it
  const Cells& cells(std::uint32_t atom) const { return *cells_[atom]; }

  // begin a query: `sets` are borrowed until it ends. Their cells are greater than all that atoms hold.
  void begin(const std::vector<Cells>& sets);
  // refine: the atom of the cells of both.
  std::uint32_t refine(std::uint32_t atom, std::uint32_t set) {
    Step& step = steps_[static_cast<std::size_t>(mix(std::uint64_t{atom} << 32 | set)) % kSteps];
    if (step.atom != atom || step.set != set) step = {atom, set, refined(atom, set)};
    return step.to;
  }
  // full: there are more than kMaxAtoms; refine gives back what it was given, and the query must be undone.
  bool full() const { return full_; }

  // end the query: it stays.
  void settle() { sets_ = nullptr; }
  // undo ends the query and takes back what was refined since it began; gives for each atom the one that its rows came from. Nothing is
  // taken back when no query has begun.
  std::vector<std::uint32_t> undo();
  // keep forgets all atoms but these and kNowhere, between queries; gives for each kept one its new number.
  std::vector<std::uint32_t> keep(const std::vector<bool>& kept);

 private:
  struct Step {
    std::uint32_t atom = 0;
    std::uint32_t set = 0;
    std::uint32_t to = 0;
  };
  struct CellsHash {
    std::size_t operator()(const Cells& cells) const {
      std::uint64_t out = cells.size();
      for (const std::uint32_t cell : cells) out = mix(out ^ cell);
      return static_cast<std::size_t>(out);
    }
  };
  static constexpr std::size_t kSteps = 4096;

  std::uint32_t refined(std::uint32_t atom, std::uint32_t set);
  std::uint32_t number_of(Cells cells);

  std::unordered_map<Cells, std::uint32_t, CellsHash> numbers_;
  std::vector<const Cells*> cells_;  // by number: keys of numbers_
  const std::vector<Cells>* sets_ = nullptr;
  std::vector<Step> steps_;
  std::size_t begun_ = 0;  // the first atom of the query
  bool full_ = false;
};

}  // namespace redoubt::sql
