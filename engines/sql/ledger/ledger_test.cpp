// Goal: the ledger refuses exactly what T4 and T5 refuse. Method: the published trackers in small; then random families of cells, for
// which every set of atoms of fewer than k units is tried with exact rational ranks.
#include "engines/sql/ledger/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "engines/sql/ledger/audit.h"

namespace redoubt::sql {
namespace {

// People first..last, each with one row of dataset 0, contribute to a cell.
struct Group {
  std::uint32_t first;
  std::uint32_t last;
};

Footprint cells(const std::vector<std::vector<Group>>& groups) {
  Footprint out;
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
  Ledger ledger(10);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{1, 40}}, {{41, 100}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none) << "the same again";
  EXPECT_EQ(ledger.cells(), 3U);
  EXPECT_EQ(ledger.atoms(), 3U);
}

TEST(Ledger, RefusesTwoCellsThatDifferByFewUnits) {
  Ledger ledger(10);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{1, 91}}})), Conflict::too_close);
  EXPECT_EQ(ledger.admit(cells({{{1, 109}}})), Conflict::too_close);
  EXPECT_EQ(ledger.admit(cells({{{5, 104}}})), Conflict::too_close) << "four gone, four new: eight";
  EXPECT_EQ(ledger.admit(cells({{{1, 90}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none);
}

TEST(Ledger, LooksAtRowsNotOnlyAtUnits) {
  Ledger ledger(10);
  Footprint all = cells({{{1, 100}}});
  Footprint fewer = all;
  for (std::uint32_t u = 1; u <= 7; ++u) all.rows.push_back({u, {{0, 1000 + u}}, {0}});
  EXPECT_EQ(ledger.admit(all), Conflict::none);
  EXPECT_EQ(ledger.admit(fewer), Conflict::too_close);
}

TEST(Ledger, ComparesJoinedRowsByEachOfTheirDatasets) {
  Ledger ledger(10);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none);
  Footprint joined;
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
  Ledger ledger(10);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none);
  // 93 of 100 in two groups of 50 and 43: the total minus both is seven people.
  EXPECT_EQ(ledger.admit(cells({{{1, 50}}, {{51, 93}}})), Conflict::combination);
  EXPECT_EQ(ledger.admit(cells({{{1, 50}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{51, 93}}})), Conflict::combination) << "in two steps as well";
  EXPECT_EQ(ledger.admit(cells({{{51, 90}}})), Conflict::none);
}

TEST(Ledger, RefusesATrackerOfSeveralQueries) {
  Ledger ledger(10);
  // a = A or B, b = A or C, c = B or C without person 1: a + b - c = 2 A + ..., built so that only person 1 is left.
  EXPECT_EQ(ledger.admit(cells({{{1, 20}, {21, 40}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{21, 40}, {41, 60}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{2, 20}, {41, 60}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{2, 20}}})), Conflict::combination);
  EXPECT_EQ(ledger.cells(), 3U) << "what was refused left nothing behind";
}

TEST(Ledger, LooksAtTheQuerysOwnCellsToo) {
  Ledger ledger(10);
  EXPECT_EQ(ledger.admit(cells({{{1, 50}}, {{1, 47}}})), Conflict::combination);
  EXPECT_EQ(ledger.admit(cells({{{1, 50}}, {{1, 50}}, {{60, 90}}})), Conflict::none);
  EXPECT_EQ(ledger.cells(), 2U) << "cells over the same rows are one";
}

TEST(Ledger, AsksEachQueryWithTheKOfItsOwn) {
  Ledger ledger(10);
  EXPECT_EQ(ledger.admit(cells({{{1, 100}}})), Conflict::none);
  EXPECT_EQ(ledger.admit(cells({{{1, 88}}})), Conflict::none);
  ledger.set_threshold(20);
  EXPECT_EQ(ledger.admit(cells({{{1, 70}}})), Conflict::too_close) << "18 people beside the cell before";
  ledger.set_threshold(10);
  EXPECT_EQ(ledger.admit(cells({{{1, 70}}})), Conflict::none) << "what was refused left nothing behind";
}

TEST(Ledger, CountsTheUnitsOfAtomsTogether) {
  Ledger ledger(3);
  // The same two people make both atoms that are left over.
  Footprint footprint;
  footprint.datasets = {0};
  footprint.cells = 2;
  for (std::uint32_t u = 1; u <= 20; ++u) footprint.rows.push_back({u, {{0, u}}, {0, 1}});
  for (std::uint32_t u = 1; u <= 2; ++u) {
    footprint.rows.push_back({u, {{0, 100 + u}}, {0}});
    footprint.rows.push_back({u, {{0, 200 + u}}, {1}});
  }
  EXPECT_EQ(ledger.admit(footprint), Conflict::combination);
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
