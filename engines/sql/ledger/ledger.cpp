#include "engines/sql/ledger/ledger.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "engines/sql/ledger/audit.h"

namespace redoubt::sql {
namespace {

using Units = std::vector<std::uint32_t>;  // sorted

constexpr std::size_t kAhead = 16;  // rows; how far ahead places are asked for

// sources_of a packed row; how many there are.
std::size_t sources_of(const Footprint::Shape& shape, const Footprint::Packed& row, std::array<Footprint::Source, 2>& out) {
  out[0] = {shape.first, shape.row_of_first(row)};
  if (shape.second == Footprint::kAlone) return 1;
  out[1] = {shape.second, Footprint::Shape::row_of_second(row)};
  return 2;
}

// each_packed visits the rows of a shape whose set has new cells; `prefetch` is told of each row some rows before `visit` is.
template <class Prefetch, class Visit>
void each_packed(const Footprint::Shape& shape, const std::vector<Atoms::Cells>& sets, const Prefetch& prefetch, const Visit& visit) {
  for (const auto& block : shape.blocks) {
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (i + kAhead < block.size()) prefetch(block[i + kAhead]);
      if (!sets[block[i].set].empty()) visit(block[i]);
    }
  }
}

// units_of each atom: all when there are fewer than k, else any k of them. `live`: which have any.
template <class Places>
std::vector<Units> units_of(Places& places, std::size_t atoms, std::uint64_t k, std::vector<bool>& live) {
  std::vector<Units> out(atoms);
  std::vector<char> seen(atoms, 0);
  places.each([&](const Place& place) {
    seen[place.atom] = 1;
    Units& units = out[place.atom];
    if (units.size() >= k) return;
    const auto at = std::ranges::lower_bound(units, place.unit);
    if (at == units.end() || *at != place.unit) units.insert(at, place.unit);
  });
  live.assign(seen.begin(), seen.end());
  return out;
}

// few_differ: the rows of two cells differ, but for fewer than k units; `a` and `b` are their atoms of fewer than k units.
bool few_differ(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b, const std::vector<Units>& by_atom, std::uint64_t k) {
  Units units, more;
  auto x = a.begin();
  auto y = b.begin();
  while (x != a.end() || y != b.end()) {
    if (x != a.end() && y != b.end() && *x == *y) {
      ++x;
      ++y;
      continue;
    }
    const std::uint32_t atom = y == b.end() || (x != a.end() && *x < *y) ? *x++ : *y++;
    more.clear();
    std::ranges::set_union(units, by_atom[atom], std::back_inserter(more));
    units.swap(more);
    if (units.size() >= k) return false;
  }
  return !units.empty();
}

template <class Places>
void move_all(Places& places, const std::vector<std::uint32_t>& to) {
  places.each([&](Place& place) { place.atom = to[place.atom]; });
}

// tidy forgets atoms without rows once there are more of them than others.
template <class Places>
void tidy(Places& places, Atoms& atoms, const std::vector<bool>& live) {
  const auto held = static_cast<std::size_t>(std::count(live.begin(), live.end(), true));
  if (atoms.end() > 2 * held + 64) move_all(places, atoms.keep(live));
}

}  // namespace

// fresh_of finds the new cells. A cell whose joined rows were released before is that cell again, and two with the same rows are one.
Ledger::Fresh Ledger::fresh_of(const Footprint& footprint) const {
  const auto& sets = footprint.sets();
  std::vector<Digest> sums(sets.size());
  std::vector<bool> used(sets.size(), false);
  const auto add = [&](std::uint32_t set, std::span<const Footprint::Source> sources) {
    used[set] = true;
    sums[set].add(Footprint::digest(sources));
  };
  for (const auto& shape : footprint.shapes()) {
    std::array<Footprint::Source, 2> sources;
    for (const auto& block : shape.blocks) {
      for (const auto& row : block) add(row.set, std::span(sources).first(sources_of(shape, row, sources)));
    }
  }
  for (const auto& row : footprint.long_rows()) add(row.set, footprint.sources(row));

  std::vector<Digest> found(footprint.cells());
  std::vector<bool> has_rows(footprint.cells(), false);
  for (std::size_t set = 0; set < sets.size(); ++set) {
    if (!used[set]) continue;
    for (const std::uint32_t cell : sets[set]) {
      has_rows[cell] = true;
      found[cell].add_sum(sums[set]);
    }
  }
  std::unordered_map<Digest, std::uint32_t, DigestHash> numbers;
  for (std::uint32_t c = 0; c < cells_.size(); ++c) numbers.try_emplace(cells_[c].digest, c);
  Fresh out;
  std::vector<std::uint32_t> number(footprint.cells(), 0);
  for (std::uint32_t cell = 0; cell < footprint.cells(); ++cell) {
    if (!has_rows[cell]) continue;
    const auto [place, is_new] = numbers.try_emplace(found[cell], static_cast<std::uint32_t>(cells_.size() + out.cells.size()));
    if (is_new) out.cells.push_back(found[cell]);
    number[cell] = place->second;
  }
  out.sets.resize(sets.size());
  for (std::size_t set = 0; set < sets.size(); ++set) {
    if (!used[set]) continue;
    Atoms::Cells& cells = out.sets[set];
    for (const std::uint32_t cell : sets[set]) {
      if (number[cell] >= cells_.size()) cells.push_back(number[cell]);
    }
    std::ranges::sort(cells);
    cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
  }
  return out;
}

void Ledger::refine_dataset(std::uint32_t dataset, const Footprint& footprint, const Fresh& fresh) {
  Atoms& atoms = datasets_[dataset].atoms;
  RowPlaces& places = datasets_[dataset].places;
  atoms.begin(fresh.sets);
  const auto refine = [&](std::uint32_t row, std::uint32_t unit, std::uint32_t set) {
    Place& place = places.at(row, {unit, Atoms::kNowhere});
    place.atom = atoms.refine(place.atom, set);
  };
  for (const auto& shape : footprint.shapes()) {
    if (shape.first == dataset) {
      each_packed(shape, fresh.sets, [&](const Footprint::Packed& row) { places.prefetch(shape.row_of_first(row)); },
                  [&](const Footprint::Packed& row) { refine(shape.row_of_first(row), row.unit, row.set); });
    }
    if (shape.second == dataset) {
      each_packed(shape, fresh.sets, [&](const Footprint::Packed& row) { places.prefetch(Footprint::Shape::row_of_second(row)); },
                  [&](const Footprint::Packed& row) { refine(Footprint::Shape::row_of_second(row), row.unit, row.set); });
    }
  }
  for (const auto& row : footprint.long_rows()) {
    if (fresh.sets[row.set].empty()) continue;
    for (const auto& source : footprint.sources(row)) {
      if (source.dataset == dataset) refine(source.row, row.unit, row.set);
    }
  }
}

void Ledger::refine_joined(const Footprint& footprint, const Fresh& fresh) {
  Atoms& atoms = joined_.atoms;
  atoms.begin(fresh.sets);
  const auto refine = [&](Place& place, std::uint32_t set) { place.atom = atoms.refine(place.atom, set); };
  for (const auto& shape : footprint.shapes()) {
    if (shape.second == Footprint::kAlone) {
      RowPlaces& places = joined_.alone[shape.first];
      each_packed(shape, fresh.sets, [&](const Footprint::Packed& row) { places.prefetch(shape.row_of_first(row)); },
                  [&](const Footprint::Packed& row) { refine(places.at(shape.row_of_first(row), {row.unit, Atoms::kNowhere}), row.set); });
      continue;
    }
    PlaceTable& places = joined_.pairs[{shape.first, shape.second}];
    if (places.size() == 0) {
      std::size_t count = 0;
      for (const auto& block : shape.blocks) count += block.size();
      places.reserve(count);
    }
    each_packed(shape, fresh.sets, [&](const Footprint::Packed& row) { places.prefetch(row.key); },
                [&](const Footprint::Packed& row) { refine(places.at(row.key, {row.unit, Atoms::kNowhere}), row.set); });
  }
  for (const auto& row : footprint.long_rows()) {
    if (fresh.sets[row.set].empty()) continue;
    refine(joined_.others.try_emplace(Footprint::digest(footprint.sources(row)), Place{row.unit, Atoms::kNowhere}).first->second, row.set);
  }
}

// too_close is T4 for one dataset: cells from `known` on beside those before. Two cells differ by whole atoms, so those that are too close hold the
// same atoms of k units and more: only such cells are compared, and only by their small atoms.
bool Ledger::too_close(std::uint32_t dataset, std::size_t known, std::vector<bool>& live) {
  const Atoms& atoms = datasets_[dataset].atoms;
  const std::vector<Units> units = units_of(datasets_[dataset].places, atoms.end(), k_, live);
  struct Outline {
    std::uint64_t large = 0;  // digest of the large atoms; when two sets share one, their cells are compared for nothing and refused rather than not
    std::vector<std::uint32_t> small;
  };
  std::vector<Outline> outlines(cells_.size());
  for (std::uint32_t atom = Atoms::kNowhere + 1; atom < atoms.end(); ++atom) {
    if (!live[atom]) continue;
    for (const std::uint32_t cell : atoms.cells(atom)) {
      if (units[atom].size() >= k_) {
        outlines[cell].large += mix(atom);
      } else {
        outlines[cell].small.push_back(atom);
      }
    }
  }
  const auto reads = [&](std::size_t cell) { return std::ranges::binary_search(reads_[cells_[cell].query], dataset); };
  std::unordered_multimap<std::uint64_t, std::size_t> earlier;
  for (std::size_t cell = 0; cell < known; ++cell) {
    if (reads(cell)) earlier.emplace(outlines[cell].large, cell);
  }
  for (std::size_t cell = known; cell < cells_.size(); ++cell) {
    const auto [first, last] = earlier.equal_range(outlines[cell].large);
    for (auto other = first; other != last; ++other) {
      if (few_differ(outlines[cell].small, outlines[other->second].small, units, k_)) return true;
    }
  }
  return false;
}

// audit is T5.
Conflict Ledger::audit(std::vector<bool>& live) {
  std::vector<Units> units = units_of(joined_, joined_.atoms.end(), k_, live);
  std::vector<AuditAtom> atoms;
  for (std::uint32_t atom = Atoms::kNowhere + 1; atom < units.size(); ++atom) {
    if (!live[atom]) continue;
    if (atoms.size() == kMaxAuditAtoms) return Conflict::limit;
    atoms.push_back({joined_.atoms.cells(atom), std::move(units[atom])});
  }
  switch (audit_cells(atoms, cells_.size(), k_)) {
    case AuditResult::safe: break;
    case AuditResult::telling: return Conflict::combination;
    case AuditResult::unsure: return Conflict::limit;
  }
  atoms_ = atoms.size();
  return Conflict::none;
}

void Ledger::undo(const Refined& refined, std::size_t known) {
  for (const auto& [dataset, live] : refined) move_all(datasets_[dataset].places, datasets_[dataset].atoms.undo());
  move_all(joined_, joined_.atoms.undo());
  cells_.resize(known);
  reads_.pop_back();
}

void Ledger::settle(const Refined& refined, const std::vector<bool>& live_joined) {
  for (const auto& [dataset, live] : refined) {
    datasets_[dataset].atoms.settle();
    if (!live.empty()) tidy(datasets_[dataset].places, datasets_[dataset].atoms, live);
  }
  joined_.atoms.settle();
  tidy(joined_, joined_.atoms, live_joined);
}

Conflict Ledger::admit(const Footprint& footprint, bool remember) {
  const Fresh fresh = fresh_of(footprint);
  if (fresh.cells.empty()) return Conflict::none;
  std::vector<std::uint32_t> reads = footprint.datasets();
  for (const auto& shape : footprint.shapes()) {
    reads.push_back(shape.first);
    if (shape.second != Footprint::kAlone) reads.push_back(shape.second);
  }
  for (const auto& row : footprint.long_rows()) {
    for (const auto& source : footprint.sources(row)) {
      if (reads.empty() || source.dataset != reads.back()) reads.push_back(source.dataset);
    }
  }
  std::ranges::sort(reads);
  reads.erase(std::unique(reads.begin(), reads.end()), reads.end());
  const std::size_t known = cells_.size();
  for (const Digest& digest : fresh.cells) cells_.push_back({digest, static_cast<std::uint32_t>(reads_.size())});
  reads_.push_back(reads);

  Conflict found = Conflict::none;
  Refined refined;
  for (const std::uint32_t dataset : reads) {
    if (found != Conflict::none || (known == 0 && !remember)) break;
    refine_dataset(dataset, footprint, fresh);
    std::vector<bool>& live = refined[dataset];
    if (datasets_[dataset].atoms.full()) {
      found = Conflict::limit;
    } else if (known > 0 && too_close(dataset, known, live)) {
      found = Conflict::too_close;
    }
  }
  std::vector<bool> live_joined;
  if (found == Conflict::none) {
    refine_joined(footprint, fresh);
    found = joined_.atoms.full() ? Conflict::limit : audit(live_joined);
  }
  if (found == Conflict::none) {
    settle(refined, live_joined);
  } else {
    undo(refined, known);
  }
  return found;
}

}  // namespace redoubt::sql
