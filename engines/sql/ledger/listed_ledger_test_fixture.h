// A ledger that lists the rows of each cell and of each place, as section 9 of docs/specs/query-rules.md has it, for tests to compare with: slow, and
// no larger than it must be to be read.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engines/sql/ledger/audit.h"
#include "engines/sql/ledger/ledger.h"

namespace redoubt::sql::listed {

// Footprint as a list of rows.
struct Footprint {
  using Source = redoubt::sql::Footprint::Source;
  using Row = redoubt::sql::Footprint::Row;
  std::uint32_t cells = 0;
  std::vector<std::uint32_t> datasets;  // that the query reads
  std::vector<Row> rows;
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
    std::uint32_t row = 0;
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

// few_differ: the rows of two cells in one dataset differ, but for fewer than k units.
template <class Rows>
bool few_differ(const Rows& a, const Rows& b, std::uint64_t k) {
  std::vector<std::uint32_t> units;  // sorted, fewer than k
  const auto add = [&](std::uint32_t unit) {
    const auto place = std::ranges::lower_bound(units, unit);
    if (place == units.end() || *place != unit) units.insert(place, unit);
    return units.size() >= k;
  };
  auto x = a.begin();
  auto y = b.begin();
  while (x != a.end() || y != b.end()) {
    if (x != a.end() && y != b.end() && *x == *y) {
      ++x;
      ++y;
    } else if (y == b.end() || (x != a.end() && *x < *y)) {
      if (add((x++)->unit)) return false;
    } else if (add((y++)->unit)) {
      return false;
    }
  }
  return !units.empty();
}

inline Ledger::Key Ledger::key_of(const Footprint::Row& row) {
  // The order of rows of one dataset is that of the join, so that (a, b) and (b, a) stay apart; that of the datasets is not.
  Key key{mix(row.sources.size()), mix(~row.sources.size())};
  const auto add = [&](const Footprint::Source& source) {
    key.first = mix(key.first ^ mix(source.dataset) ^ source.row);
    key.second = mix(key.second + mix(source.row) * 3 + source.dataset);
  };
  if (std::ranges::is_sorted(row.sources, {}, &Footprint::Source::dataset)) {
    for (const auto& source : row.sources) add(source);
    return key;
  }
  std::vector<Footprint::Source> sources = row.sources;
  std::ranges::stable_sort(sources, {}, &Footprint::Source::dataset);
  for (const auto& source : sources) add(source);
  return key;
}

// cells_of gathers the new cells; `numbers` says for each of the footprint its number in the ledger after admission, or -1 when
// it has no rows. A cell whose joined rows were released before is that cell again.
inline std::vector<Ledger::Cell> Ledger::cells_of(const Footprint& footprint, std::vector<std::int64_t>& numbers) const {
  std::vector<Cell> found(footprint.cells);
  std::vector<bool> used(footprint.cells, false);
  for (Cell& cell : found) {
    for (const std::uint32_t dataset : footprint.datasets) cell.rows[dataset];
  }
  for (const Footprint::Row& row : footprint.rows) {
    const Key key = key_of(row);
    for (const std::uint32_t c : row.cells) {
      used[c] = true;
      found[c].digest.first += mix(key.first);
      found[c].digest.second += mix(key.second);
      for (const auto& source : row.sources) found[c].rows[source.dataset].push_back({source.row, row.unit});
    }
  }
  std::vector<Cell> out;
  numbers.assign(footprint.cells, -1);
  for (std::uint32_t c = 0; c < footprint.cells; ++c) {
    if (!used[c]) continue;
    for (auto& [dataset, rows] : found[c].rows) {
      std::ranges::sort(rows);
      rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    }
    const auto same = [&](const Cell& cell) { return cell.digest == found[c].digest; };
    if (const auto old = std::ranges::find_if(cells_, same); old != cells_.end()) {
      numbers[c] = old - cells_.begin();
    } else if (const auto twin = std::ranges::find_if(out, same); twin != out.end()) {
      numbers[c] = static_cast<std::int64_t>(cells_.size()) + (twin - out.begin());
    } else {
      numbers[c] = static_cast<std::int64_t>(cells_.size() + out.size());
      out.push_back(std::move(found[c]));
    }
  }
  return out;
}

inline bool Ledger::too_close(const std::vector<Cell>& cells) const {
  for (const Cell& later : cells) {
    for (const Cell& earlier : cells_) {
      for (const auto& [dataset, rows] : later.rows) {
        const auto other = earlier.rows.find(dataset);
        if (other != earlier.rows.end() && few_differ(rows, other->second, k_)) return true;
      }
    }
  }
  return false;
}

inline Ledger::Change Ledger::change_of(const Footprint& footprint, std::vector<Cell> cells, const std::vector<std::int64_t>& numbers) const {
  Change change;
  change.cells = std::move(cells);
  // The new cells of each row; the same row may come several times.
  std::unordered_map<Key, std::pair<std::uint32_t, std::vector<std::uint32_t>>, KeyHash> touched;
  const auto is_new = [&](std::uint32_t c) { return numbers[c] >= static_cast<std::int64_t>(cells_.size()); };  // else released before, with these very rows
  touched.reserve(footprint.rows.size());
  for (const Footprint::Row& row : footprint.rows) {
    if (std::ranges::none_of(row.cells, is_new)) continue;
    auto& [unit, list] = touched[key_of(row)];
    unit = row.unit;
    for (const std::uint32_t c : row.cells) {
      if (is_new(c)) list.push_back(static_cast<std::uint32_t>(numbers[c]));
    }
  }
  std::map<std::vector<std::uint32_t>, std::uint32_t> atoms;
  for (auto& [key, entry] : touched) {
    auto& [unit, list] = entry;
    std::vector<std::uint32_t> all;
    if (const auto old = places_.find(key); old != places_.end()) all = atoms_[old->second.atom].cells;
    all.insert(all.end(), list.begin(), list.end());
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    const auto [place, fresh] = atoms.try_emplace(all, static_cast<std::uint32_t>(atoms_.size() + change.atoms.size()));
    if (fresh) change.atoms.push_back({all});
    change.places[key] = {unit, place->second};
  }
  return change;
}

inline Conflict Ledger::audit(const Change& change) const {
  std::vector<AuditAtom> atoms(atoms_.size() + change.atoms.size());
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    atoms[i].cells = i < atoms_.size() ? atoms_[i].cells : change.atoms[i - atoms_.size()].cells;
  }
  const auto add = [&](const Place& place) {
    auto& units = atoms[place.atom].units;
    if (units.size() >= k_) return;
    const auto at = std::ranges::lower_bound(units, place.unit);
    if (at == units.end() || *at != place.unit) units.insert(at, place.unit);
  };
  for (const auto& [key, place] : places_) {
    if (!change.places.contains(key)) add(place);
  }
  for (const auto& [key, place] : change.places) add(place);
  std::erase_if(atoms, [](const AuditAtom& atom) { return atom.units.empty(); });
  switch (audit_cells(atoms, cells_.size() + change.cells.size(), k_)) {
    case AuditResult::safe: return Conflict::none;
    case AuditResult::telling: return Conflict::combination;
    case AuditResult::unsure: break;
  }
  return Conflict::limit;
}

inline Conflict Ledger::admit(const Footprint& footprint) {
  std::vector<std::int64_t> numbers;
  std::vector<Cell> cells = cells_of(footprint, numbers);
  if (cells.empty()) return Conflict::none;
  if (too_close(cells)) return Conflict::too_close;
  Change change = change_of(footprint, std::move(cells), numbers);
  if (const Conflict conflict = audit(change); conflict != Conflict::none) return conflict;
  for (Cell& cell : change.cells) cells_.push_back(std::move(cell));
  for (Atom& atom : change.atoms) atoms_.push_back(std::move(atom));
  for (const auto& [key, place] : change.places) places_[key] = place;
  return Conflict::none;
}

}  // namespace redoubt::sql::listed
