#include "engines/sql/ledger/audit.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace redoubt::sql {
namespace {

constexpr std::uint64_t kPrime = (1ULL << 61) - 1;
constexpr std::uint64_t kSecondPrime = (1ULL << 61) - 31;
constexpr std::size_t kMaxCells = 4096;
constexpr std::size_t kExactCells = 36;
constexpr std::size_t kMaxSteps = 20000;
constexpr std::uint64_t kMaxWork = 4'000'000'000;  // multiplications of one elimination

__extension__ using Wide = unsigned __int128;
using Vector = std::vector<std::uint64_t>;

struct Field {
  std::uint64_t prime;
  std::uint64_t times(std::uint64_t a, std::uint64_t b) const { return static_cast<std::uint64_t>(static_cast<Wide>(a) * b % prime); }
  std::uint64_t minus(std::uint64_t a, std::uint64_t b) const { return a >= b ? a - b : a + prime - b; }
  std::uint64_t inverse(std::uint64_t a) const {
    std::uint64_t out = 1;
    for (std::uint64_t e = prime - 2; e != 0; e >>= 1, a = times(a, a)) {
      if ((e & 1) != 0) out = times(out, a);
    }
    return out;
  }
};

// Echelon keeps vectors in reduced row echelon form: each has a 1 at its pivot, where all others have 0.
class Echelon {
 public:
  Echelon(Field field, std::size_t width) : field_(field), pivot_row_(width, kNone) {}

  // add reduces a vector and keeps what is left of it; false when nothing is.
  bool add(Vector vector) {
    for (std::size_t column = 0; column < vector.size(); ++column) {
      if (vector[column] == 0 || pivot_row_[column] == kNone) continue;
      subtract(vector, rows_[pivot_row_[column]], vector[column]);
    }
    const auto pivot = std::ranges::find_if(vector, [](std::uint64_t x) { return x != 0; });
    if (pivot == vector.end()) return false;
    const std::uint64_t scale = field_.inverse(*pivot);
    for (std::uint64_t& x : vector) x = x == 0 ? 0 : field_.times(x, scale);
    const auto column = static_cast<std::size_t>(pivot - vector.begin());
    for (Vector& row : rows_) {
      if (row[column] != 0) subtract(row, vector, row[column]);
    }
    pivot_row_[column] = rows_.size();
    rows_.push_back(std::move(vector));
    return true;
  }

  // orthogonal gives a basis of the vectors whose product with every row is 0.
  std::vector<Vector> orthogonal() const {
    std::vector<Vector> out;
    for (std::size_t free = 0; free < pivot_row_.size(); ++free) {
      if (pivot_row_[free] != kNone) continue;
      Vector vector(pivot_row_.size(), 0);
      vector[free] = 1;
      for (std::size_t column = 0; column < pivot_row_.size(); ++column) {
        if (pivot_row_[column] != kNone) vector[column] = field_.minus(0, rows_[pivot_row_[column]][free]);
      }
      out.push_back(std::move(vector));
    }
    return out;
  }

  std::size_t rank() const { return rows_.size(); }
  std::vector<Vector> take_rows() { return std::move(rows_); }
  std::uint64_t work() const { return work_; }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  void subtract(Vector& from, const Vector& row, std::uint64_t factor) {
    work_ += from.size();
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (row[i] != 0) from[i] = field_.minus(from[i], field_.times(row[i], factor));
    }
  }

  Field field_;
  std::vector<Vector> rows_;
  std::vector<std::size_t> pivot_row_;
  std::uint64_t work_ = 0;
};

Vector column_of(const AuditAtom& atom, std::size_t cells) {
  Vector out(cells, 0);
  for (const std::uint32_t cell : atom.cells) out[cell] = 1;
  return out;
}

using Units = std::vector<std::uint32_t>;

Units together(const Units& a, const Units& b) {
  Units out;
  std::ranges::set_union(a, b, std::back_inserter(out));
  return out;
}

// Search looks for a vector of a space over the small atoms whose atoms hold fewer than k units.
class Search {
 public:
  Search(Field field, std::vector<const AuditAtom*> atoms, std::uint64_t k) : field_(field), atoms_(std::move(atoms)), k_(k) {}

  AuditResult run(std::vector<Vector> space) {
    const bool found = visit(std::move(space), {});
    return found ? AuditResult::telling : steps_ > kMaxSteps ? AuditResult::unsure : AuditResult::safe;
  }

 private:
  bool counts(const std::vector<Vector>& space, std::size_t atom) const {
    return std::ranges::any_of(space, [&](const Vector& v) { return v[atom] != 0; });
  }

  // visit: `taken` are the units that the vector may already hold. Each step picks the atom that brings most new units: either the
  // vector is zero there, which makes the space smaller, or its units are taken.
  bool visit(std::vector<Vector> space, const Units& taken) {
    if (space.empty() || ++steps_ > kMaxSteps) return false;
    if (space.size() == 1) return holds_few(space[0]);
    std::size_t chosen = atoms_.size();
    std::size_t most = 0;
    Units with_chosen;
    for (std::size_t a = 0; a < atoms_.size(); ++a) {
      if (!counts(space, a)) continue;
      Units with = together(taken, atoms_[a]->units);
      if (with.size() - taken.size() <= most) continue;
      most = with.size() - taken.size();
      chosen = a;
      with_chosen = std::move(with);
    }
    if (chosen == atoms_.size()) return true;  // whatever is left lies on units that are taken
    if (with_chosen.size() < k_ && visit(space, with_chosen)) return true;
    return visit(without(std::move(space), chosen), taken);
  }

  bool holds_few(const Vector& vector) const {
    Units units;
    for (std::size_t a = 0; a < atoms_.size(); ++a) {
      if (vector[a] != 0) units = together(units, atoms_[a]->units);
      if (units.size() >= k_) return false;
    }
    return true;
  }

  // without keeps the vectors of the space that are zero at an atom.
  std::vector<Vector> without(std::vector<Vector> space, std::size_t atom) const {
    const auto pivot = std::ranges::find_if(space, [&](const Vector& v) { return v[atom] != 0; });
    const Vector row = std::move(*pivot);
    space.erase(pivot);
    const std::uint64_t scale = field_.inverse(row[atom]);
    for (Vector& v : space) {
      if (v[atom] == 0) continue;
      const std::uint64_t factor = field_.times(v[atom], scale);
      for (std::size_t i = 0; i < v.size(); ++i) v[i] = field_.minus(v[i], field_.times(row[i], factor));
    }
    return space;
  }

  Field field_;
  std::vector<const AuditAtom*> atoms_;
  std::uint64_t k_;
  std::size_t steps_ = 0;
};

// rank over all atoms, or nothing when it takes too long.
bool rank_of(Field field, const std::vector<AuditAtom>& atoms, std::size_t cells, std::size_t& rank) {
  Echelon echelon(field, cells);
  for (const AuditAtom& atom : atoms) {
    if (echelon.rank() == cells) break;
    echelon.add(column_of(atom, cells));
    if (echelon.work() > kMaxWork) return false;
  }
  rank = echelon.rank();
  return true;
}

}  // namespace

AuditResult audit_cells(const std::vector<AuditAtom>& atoms, std::size_t cells, std::uint64_t k) {
  if (cells > kMaxCells || atoms.size() > kMaxAuditAtoms) return AuditResult::unsure;
  const Field field{kPrime};
  Echelon large(field, cells);
  std::vector<const AuditAtom*> small;
  for (const AuditAtom& atom : atoms) {
    if (atom.units.size() < k) {
      small.push_back(&atom);
    } else if (large.rank() < cells) {
      large.add(column_of(atom, cells));
    }
    if (large.work() > kMaxWork) return AuditResult::unsure;
  }
  if (small.empty() || large.rank() == cells) return AuditResult::safe;
  // A combination c of cells, orthogonal to every large atom, has on a small atom the sum of c over the atom's cells.
  Echelon space(field, small.size());
  for (const Vector& c : large.orthogonal()) {
    Vector on_small(small.size(), 0);
    for (std::size_t a = 0; a < small.size(); ++a) {
      for (const std::uint32_t cell : small[a]->cells) on_small[a] = field.minus(on_small[a], field.minus(0, c[cell]));
    }
    space.add(std::move(on_small));
    if (space.work() > kMaxWork) return AuditResult::unsure;
  }
  if (cells > kExactCells) {
    std::size_t first = 0, second = 0;
    if (!rank_of(field, atoms, cells, first) || !rank_of(Field{kSecondPrime}, atoms, cells, second) || first != second) {
      return AuditResult::unsure;
    }
  }
  return Search(field, std::move(small), k).run(space.take_rows());
}

}  // namespace redoubt::sql
