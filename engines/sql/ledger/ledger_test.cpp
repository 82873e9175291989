// Goal: the ledger refuses exactly what T4 and T5 refuse. Method: the published trackers in small; random families of cells, for
// which every set of atoms of fewer than k units is tried with exact rational ranks; random queries over random data, asked of a ledger as well
// that lists the rows of every cell. That one is asked whatever the ledger is asked here.
#include "engines/sql/ledger/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "engines/sql/ledger/audit.h"
#include "engines/sql/ledger/listed_ledger_test_fixture.h"

namespace redoubt::sql {
namespace {

using ListedFootprint = listed::Footprint;

redoubt::sql::Footprint packed(const ListedFootprint& listed) {
  redoubt::sql::Footprint out(listed.datasets);
  for (std::uint32_t i = 0; i < listed.cells; ++i) out.add_cell();
  for (const ListedFootprint::Row& row : listed.rows) out.add(row.unit, row.sources, out.add_set(row.cells));
  return out;
}

// WatchedLedger: the real one beside the one that lists rows, and beside a real one that is only asked what it would say.
class WatchedLedger {
 public:
  explicit WatchedLedger(std::uint64_t k) : k_(k), real_(k), listed_(k) {}

  Conflict admit(const ListedFootprint& listed) {
    const auto footprint = packed(listed);
    redoubt::sql::Ledger judge(k_);
    for (const auto& [k, earlier] : asked_) {
      judge.set_threshold(k);
      static_cast<void>(judge.admit(earlier));
    }
    judge.set_threshold(k_);
    const Conflict expected = listed_.admit(listed);
    EXPECT_EQ(judge.judge(footprint), expected);
    EXPECT_EQ(real_.admit(footprint), expected);
    EXPECT_EQ(real_.cells(), listed_.cells());
    asked_.emplace_back(k_, packed(listed));
    return expected;
  }
  void set_threshold(std::uint64_t k) {
    k_ = k;
    real_.set_threshold(k);
    listed_.set_threshold(k);
  }
  std::size_t cells() const { return real_.cells(); }
  std::size_t atoms() const { return real_.atoms(); }

 private:
  std::uint64_t k_;
  redoubt::sql::Ledger real_;
  listed::Ledger listed_;
  std::vector<std::pair<std::uint64_t, redoubt::sql::Footprint>> asked_;
};

// People first..last, each with one row of dataset 0, contribute to a cell.
struct Group {
  std::uint32_t first;
  std::uint32_t last;
};

ListedFootprint cells(const std::vector<std::vector<Group>>& groups) {
  ListedFootprint out;
  out.datasets = {0};
  out.cells = static_cast<std::uint32_t>(groups.size());
  for (std::uint32_t c = 0; c < groups.size(); ++c) {
    for (const Group& group : groups[c]) {
      for (std::uint32_t u = group.first; u <= group.last; ++u) out.rows.push_back({u, {{0, u}}, {c}});
    }
  }
  return out;
}

TEST(Ledger, AdmitsPartsOfAWholeThatAreAllLarge) {
  WatchedLedger ledger(10);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{1, 40}}, {{41, 100}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none) << "the same again";
  EXPECT_EQ(ledger.cells(), 3U);
  EXPECT_EQ(ledger.atoms(), 2U);
}

TEST(Ledger, RefusesTwoCellsThatDifferByFewUnits) {
  WatchedLedger ledger(10);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{1, 91}}})), Conflict::too_close);
  EXPECT_EQ(ledger.admit(cells({{{1, 109}}})), Conflict::too_close);
  EXPECT_EQ(ledger.admit(cells({{{5, 104}}})), Conflict::too_close) << "four gone, four new: eight";
  EXPECT_EQ(ledger.admit(cells({{{1, 90}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none);
}

TEST(Ledger, LooksAtRowsNotOnlyAtUnits) {
  WatchedLedger ledger(10);
  ListedFootprint all = cells({{{1, 100}}});
  ListedFootprint fewer = all;
  for (std::uint32_t u = 1; u <= 7; ++u) all.rows.push_back({u, {{0, 1000 + u}}, {0}});
  EXPECT_EQ(ledger.admit(all), Conflict::none);
  EXPECT_EQ(ledger.admit(fewer), Conflict::too_close);
}

TEST(Ledger, ComparesJoinedRowsByEachOfTheirDatasets) {
  WatchedLedger ledger(10);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none);
  ListedFootprint joined;
  joined.datasets = {0, 1};
  joined.cells = 1;
  for (std::uint32_t u = 1; u <= 95; ++u) joined.rows.push_back({u, {{0, u}, {1, u}}, {0}});
  EXPECT_EQ(ledger.admit(joined), Conflict::too_close);
  joined.rows.resize(60);
  EXPECT_EQ(ledger.admit(joined), Conflict::none);
  // The same joined rows, written the other way round, are the same cell.
  for (auto& row : joined.rows) std::swap(row.sources[0], row.sources[1]);
  EXPECT_EQ(ledger.admit(joined), Conflict::none);
  EXPECT_EQ(ledger.cells(), 2U);
}

TEST(Ledger, RefusesTotalsMinusTheirPublishedParts) {
  WatchedLedger ledger(10);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none);
  // 93 of 100 in two groups of 50 and 43: the total minus both is seven people.
  EXPECT_EQ(ledger.admit(cells({{{1, 50}}, {{51, 93}}})), Conflict::combination);
  EXPECT_EQ(ledger.admit(cells({{{1, 50}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{51, 93}}})), Conflict::combination) << "in two steps as well";
  EXPECT_EQ(ledger.admit(cells({{{51, 90}}})), Conflict::none);
}

TEST(Ledger, RefusesATrackerOfSeveralQueries) {
  WatchedLedger ledger(10);
  // a = A or B, b = A or C, c = B or C without person 1: a + b - c = 2 A + ..., built so that only person 1 is left.
  EXPECT_EQ(ledger.admit(cells({{{1, 20}, {21, 40}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{21, 40}, {41, 60}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{2, 20}, {41, 60}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{2, 20}}})), Conflict::combination);
  EXPECT_EQ(ledger.cells(), 3U) << "what was refused left nothing behind";
}

TEST(Ledger, LooksAtTheQuerysOwnCellsToo) {
  WatchedLedger ledger(10);
  EXPECT_EQ(ledger.admit(cells({{{1, 50}}, {{1, 47}}})), Conflict::combination);
  EXPECT_EQ(ledger.admit(cells({{{1, 50}}, {{1, 50}}, {{60, 90}}})), Conflict::none);
  EXPECT_EQ(ledger.cells(), 2U) << "cells over the same rows are one";
}

TEST(Ledger, AsksEachQueryWithTheKOfItsOwn) {
  WatchedLedger ledger(10);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{1, 88}}})), Conflict::none);
  ledger.set_threshold(20);
  EXPECT_EQ(ledger.admit(cells({{{1, 70}}})), Conflict::too_close) << "18 people beside the cell before";
  ledger.set_threshold(10);
  EXPECT_EQ(ledger.admit(cells({{{1, 70}}})), Conflict::none) << "what was refused left nothing behind";
}

TEST(Ledger, CountsTheUnitsOfAtomsTogether) {
  WatchedLedger ledger(3);
  // The same two people make both atoms that are left over.
  ListedFootprint footprint;
  footprint.datasets = {0};
  footprint.cells = 2;
  for (std::uint32_t u = 1; u <= 20; ++u) footprint.rows.push_back({u, {{0, u}}, {0, 1}});
  for (std::uint32_t u = 1; u <= 2; ++u) {
    footprint.rows.push_back({u, {{0, 100 + u}}, {0}});
    footprint.rows.push_back({u, {{0, 200 + u}}, {1}});
  }
  EXPECT_EQ(ledger.admit(footprint), Conflict::combination);
}

TEST(Ledger, RefusesMoreAtomsThanItCanBeSureAbout) {
  WatchedLedger ledger(2);
  ListedFootprint footprint;
  footprint.datasets = {0};
  footprint.cells = 17;
  for (std::uint32_t row = 1; row <= kMaxAuditAtoms + 1; ++row) {
    footprint.rows.push_back({row / 2, {{0, row}}, {}});
    for (std::uint32_t cell = 0; cell < footprint.cells; ++cell) {
      if ((row >> cell & 1) != 0) footprint.rows.back().cells.push_back(cell);
    }
  }
  EXPECT_EQ(ledger.admit(footprint), Conflict::limit);
  EXPECT_EQ(ledger.cells(), 0U);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none);
  EXPECT_EQ(ledger.atoms(), 1U);
}

TEST(Ledger, ForgetsAtomsThatHoldNoRowsAnyMore) {
  WatchedLedger ledger(2);
  // Each time all people are split otherwise, so that no row stays where it was.
  for (std::uint32_t parts = 1; parts <= 14; ++parts) {
    ListedFootprint footprint;
    footprint.datasets = {0};
    footprint.cells = parts;
    for (std::uint32_t u = 0; u < 400; ++u) footprint.rows.push_back({u, {{0, u}}, {u * parts / 400}});
    static_cast<void>(ledger.admit(footprint));
  }
  EXPECT_GT(ledger.cells(), 50U);
}

TEST(Atoms, AreTakenBackAndForgotten) {
  using AtomCells = Atoms::Cells;
  Atoms atoms;
  const std::vector<AtomCells> first{{0}, {1}, {0, 1}}, second{{2}, {}}, third{{3}};
  atoms.begin(first);
  const std::uint32_t a = atoms.refine(Atoms::kNowhere, 0), b = atoms.refine(a, 1);
  EXPECT_EQ(atoms.cells(b), (AtomCells{0, 1}));
  EXPECT_EQ(atoms.refine(Atoms::kNowhere, 2), b);
  EXPECT_EQ(atoms.refine(b, 0), b);
  atoms.settle();
  EXPECT_EQ(atoms.undo().at(b), b) << "no query has begun";
  const std::size_t end = atoms.end();
  atoms.begin(second);
  const std::uint32_t c = atoms.refine(b, 0), d = atoms.refine(Atoms::kNowhere, 0);
  EXPECT_EQ(atoms.cells(c), (AtomCells{0, 1, 2}));
  EXPECT_EQ(atoms.refine(b, 1), b);
  const auto from = atoms.undo();
  EXPECT_EQ(from.at(c), b);
  EXPECT_EQ(from.at(d), Atoms::kNowhere);
  EXPECT_EQ(from.at(a), a);
  EXPECT_EQ(atoms.end(), end);
  atoms.begin(second);
  const std::uint32_t e = atoms.refine(a, 0);
  atoms.settle();
  std::vector<bool> kept(atoms.end(), false);
  kept[b] = kept[e] = true;
  const auto to = atoms.keep(kept);
  EXPECT_EQ(to.at(a), Atoms::kNowhere);
  EXPECT_EQ(atoms.cells(to.at(b)), (AtomCells{0, 1}));
  EXPECT_EQ(atoms.cells(to.at(e)), (AtomCells{0, 2}));
  atoms.begin(third);
  EXPECT_EQ(atoms.cells(atoms.refine(to.at(b), 0)), (AtomCells{0, 1, 3}));
  EXPECT_EQ(atoms.cells(atoms.refine(Atoms::kNowhere, 0)), (AtomCells{3}));
}

TEST(Places, AreFoundAgainAndApartWhereARowHasSeveralUnits) {
  PlaceTable table;
  RowPlaces rows;
  for (std::uint64_t i = 0; i < 50'000; ++i) table.at(i * i << 20, {1, 2}).atom = static_cast<std::uint32_t>(i + 1);
  for (std::uint64_t i = 0; i < 50'000; ++i) ASSERT_EQ(table.at(i * i << 20, {1, 2}).atom, i + 1);
  EXPECT_EQ(table.size(), 50'000U);
  for (const std::uint32_t row : {0U, 1U, 5000U, 1U << 30}) {
    for (std::uint32_t unit = 0; unit < 3; ++unit) rows.at(row, {unit, 1}).atom = 10 + unit;
  }
  for (const std::uint32_t row : {0U, 1U, 5000U, 1U << 30}) {
    for (std::uint32_t unit = 0; unit < 3; ++unit) EXPECT_EQ(rows.at(row, {unit, 1}).atom, 10 + unit);
  }
  std::size_t count = 0;
  rows.each([&](const Place&) { ++count; });
  EXPECT_EQ(count, 12U);
}

// AskedData: what queries are asked over. Datasets 0 and 1 have rows of people, dataset 2 has rows of nobody.
class AskedData {
 public:
  explicit AskedData(std::mt19937& random) : random_(random), people_(6 + pick(30)) {
    for (auto* rows : {&first_, &second_}) {
      const std::uint32_t count = people_ + pick(people_);
      for (std::uint32_t row = 0; row < count; ++row) rows->push_back(row < people_ ? row : pick(people_));
    }
  }

  ListedFootprint query() {
    ListedFootprint out;
    const std::uint32_t kind = pick(6), which = pick(7), groups = 1 + pick(3), person = pick(people_);
    const bool filtered = pick(3) == 0, repeated = pick(4) == 0, swapped = pick(2) == 0;
    out.cells = groups * (filtered ? 2 : 1);
    out.datasets = kind == 0 || kind == 3 || kind == 4 ? std::vector<std::uint32_t>{0} : kind == 1 ? std::vector<std::uint32_t>{0, 1} : kind == 2 ? std::vector<std::uint32_t>{0, 2} : std::vector<std::uint32_t>{0, 1, 2};
    const auto add = [&](std::uint32_t unit, std::vector<ListedFootprint::Source> sources) {
      const std::uint32_t row = sources.front().row;
      if (!wanted(which, unit, row, person)) return;
      std::vector<std::uint32_t> cells{unit % groups};
      if (filtered && unit % 5 != 0) cells.push_back(groups + unit % groups);
      if (swapped && kind == 1) std::swap(sources[0], sources[1]);
      for (int i = repeated && row % 3 == 0 ? 2 : 1; i > 0; --i) out.rows.push_back({unit, sources, cells});
    };
    for (std::uint32_t a = 0; a < first_.size(); ++a) {
      if (kind == 0) add(first_[a], {{0, a}});
      if (kind == 2) add(first_[a], {{0, a}, {2, a % 5}});
      for (std::uint32_t b = 0; b < second_.size() && (kind == 1 || kind == 5); ++b) {
        if (second_[b] != first_[a]) continue;
        if (kind == 1) add(first_[a], {{0, a}, {1, b}});
        if (kind == 5) add(first_[a], {{0, a}, {1, b}, {2, b % 3}});
      }
      for (std::uint32_t b = 0; b < first_.size() && kind == 3; ++b) {
        if (first_[b] == first_[a]) add(first_[a], {{0, a}, {0, b}});
      }
    }
    for (std::uint32_t unit = 0; unit < people_ && kind == 4; ++unit) {  // all rows of a person together
      std::vector<ListedFootprint::Source> sources;
      for (std::uint32_t a = 0; a < first_.size(); ++a) {
        if (first_[a] == unit) sources.push_back({0, a});
      }
      add(unit, sources);
    }
    std::ranges::shuffle(out.rows, random_);
    return out;
  }

 private:
  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
  bool wanted(std::uint32_t which, std::uint32_t unit, std::uint32_t row, std::uint32_t person) const {
    switch (which) {
      case 0: return unit < people_ / 2;
      case 1: return unit >= people_ / 2;
      case 2: return unit % 3 != 0;
      case 3: return unit != person;
      case 4: return row % 2 == 0;
      default: return true;
    }
  }
  std::mt19937& random_;
  std::uint32_t people_;
  std::vector<std::uint32_t> first_, second_;  // person of each row
};

TEST(Ledger, SaysWhatOneThatListsAllRowsSays) {
  const std::uint32_t seed = 20260202;
  std::mt19937 random(seed);
  std::map<Conflict, int> said;
  for (int round = 0; round < 500 && !testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(round));
    AskedData data(random);
    WatchedLedger ledger(2 + random() % 5);
    for (int i = 0; i < 6; ++i) {
      if (random() % 8 == 0) ledger.set_threshold(2 + random() % 5);
      ++said[ledger.admit(data.query())];
    }
  }
  EXPECT_GT(said[Conflict::none], 500);
  EXPECT_GT(said[Conflict::too_close], 100);
  EXPECT_GT(said[Conflict::combination], 100);
}

// Exact rank over the rationals by fraction-free elimination of small matrices.
std::size_t exact_rank(std::vector<std::vector<long double>> rows) {
  std::size_t rank = 0;
  const std::size_t width = rows.empty() ? 0 : rows[0].size();
  for (std::size_t c = 0; c < width && rank < rows.size(); ++c) {
    std::size_t best = rank;
    for (std::size_t r = rank; r < rows.size(); ++r) {
      if (std::abs(rows[r][c]) > std::abs(rows[best][c])) best = r;
    }
    if (std::abs(rows[best][c]) < 1e-9L) continue;
    std::swap(rows[rank], rows[best]);
    for (std::size_t r = rank + 1; r < rows.size(); ++r) {
      const long double factor = rows[r][c] / rows[rank][c];
      for (std::size_t i = c; i < width; ++i) rows[r][i] -= factor * rows[rank][i];
    }
    ++rank;
  }
  return rank;
}

// telling tries every set of atoms: leaving out one of fewer than k units must not lower the rank.
bool telling(const std::vector<AuditAtom>& atoms, std::size_t cells, std::size_t k) {
  const auto rank_of = [&](std::uint32_t without) {
    std::vector<std::vector<long double>> columns;
    for (std::size_t a = 0; a < atoms.size(); ++a) {
      if ((without >> a & 1) != 0) continue;
      columns.emplace_back(cells, 0.0L);
      for (const auto c : atoms[a].cells) columns.back()[c] = 1;
    }
    return exact_rank(columns);
  };
  const std::size_t whole = rank_of(0);
  for (std::uint32_t set = 1; set < (1U << atoms.size()); ++set) {
    std::set<std::uint32_t> units;
    for (std::size_t a = 0; a < atoms.size(); ++a) {
      if ((set >> a & 1) != 0) units.insert(atoms[a].units.begin(), atoms[a].units.end());
    }
    if (units.size() < k && rank_of(set) < whole) return true;
  }
  return false;
}

TEST(Audit, AgreesWithTryingEverySetOfAtoms) {
  const std::uint32_t seed = 20260101;
  std::mt19937 random(seed);
  int found = 0, safe = 0;
  for (int round = 0; round < 1500; ++round) {
    const std::size_t cells = 1 + random() % 6, count = 1 + random() % 9, k = 2 + random() % 6;
    std::set<std::vector<std::uint32_t>> seen;
    std::vector<AuditAtom> atoms;
    for (std::size_t a = 0; a < count; ++a) {
      AuditAtom atom;
      for (std::uint32_t c = 0; c < cells; ++c) {
        if (random() % 2 == 0) atom.cells.push_back(c);
      }
      if (atom.cells.empty() || !seen.insert(atom.cells).second) continue;
      std::set<std::uint32_t> units;
      const std::size_t people = 1 + random() % 8;
      while (units.size() < std::min(people, k)) units.insert(static_cast<std::uint32_t>(random() % 15));
      atom.units.assign(units.begin(), units.end());
      atoms.push_back(std::move(atom));
    }
    if (atoms.empty()) continue;
    const bool expected = telling(atoms, cells, k);
    (expected ? found : safe) += 1;
    EXPECT_EQ(audit_cells(atoms, cells, k), expected ? AuditResult::telling : AuditResult::safe) << "seed " << seed << " round " << round;
  }
  EXPECT_GT(found, 200);
  EXPECT_GT(safe, 200);
}

TEST(Audit, IsUnsureBeyondItsLimits) {
  EXPECT_EQ(audit_cells({}, 5000, 10), AuditResult::unsure);
  EXPECT_EQ(audit_cells(std::vector<AuditAtom>(70000, AuditAtom{{0}, {1}}), 1, 10), AuditResult::unsure);
}

TEST(Audit, EndsOnManySmallAtoms) {
  // Two hundred cells of one large atom and one small one each, then their total: dimension and atoms grow together.
  std::vector<AuditAtom> atoms;
  std::vector<std::uint32_t> many(10);
  std::iota(many.begin(), many.end(), 1000);
  for (std::uint32_t c = 0; c < 200; ++c) {
    atoms.push_back({{c, 200}, many});
    atoms.push_back({{c}, {c}});
  }
  EXPECT_NE(audit_cells(atoms, 201, 10), AuditResult::telling);
  // All two hundred small ones together are many people; of one cell and its large atom alone, one is left.
  atoms.push_back({{201}, many});
  atoms[0].cells = {0, 200, 201};
  atoms.pop_back();
  EXPECT_EQ(audit_cells(atoms, 202, 10), AuditResult::telling);
}

}  // namespace
}  // namespace redoubt::sql
