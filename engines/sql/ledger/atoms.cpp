#include "engines/sql/ledger/atoms.h"

#include <algorithm>
#include <iterator>

namespace redoubt::sql {

Atoms::Atoms() : cells_{nullptr}, steps_(kSteps) { number_of({}); }

std::uint32_t Atoms::number_of(Cells cells) {
  const auto [place, fresh] = numbers_.try_emplace(std::move(cells), static_cast<std::uint32_t>(cells_.size()));
  if (fresh) cells_.push_back(&place->first);
  return place->second;
}

void Atoms::begin(const std::vector<Cells>& sets) {
  sets_ = &sets;
  begun_ = cells_.size();
  full_ = false;
  std::ranges::fill(steps_, Step());
}

std::uint32_t Atoms::refined(std::uint32_t atom, std::uint32_t set) {
  if (full_) return atom;
  const Cells& old = cells(atom);
  const Cells& more = (*sets_)[set];
  Cells both;
  both.reserve(old.size() + more.size());
  std::ranges::set_union(old, more, std::back_inserter(both));
  const std::uint32_t number = number_of(std::move(both));
  full_ = cells_.size() > kMaxAtoms;
  return number;
}

std::vector<std::uint32_t> Atoms::undo() {
  std::vector<std::uint32_t> from(cells_.size());
  for (std::uint32_t atom = 0; atom < from.size(); ++atom) from[atom] = atom;
  if (sets_ == nullptr) return from;
  // Cells of the query are greater than all before: what is left without them is the atom of before, which has its number.
  std::uint32_t first = ~std::uint32_t{0};
  for (const Cells& set : *sets_) {
    if (!set.empty()) first = std::min(first, set.front());
  }
  for (std::size_t atom = begun_; atom < cells_.size(); ++atom) {
    const Cells& now = *cells_[atom];
    const auto known = numbers_.find(Cells(now.begin(), std::ranges::lower_bound(now, first)));
    from[atom] = known == numbers_.end() ? kNowhere : known->second;
  }
  for (std::size_t atom = begun_; atom < from.size(); ++atom) numbers_.erase(numbers_.find(*cells_[atom]));
  cells_.resize(begun_);
  sets_ = nullptr;
  return from;
}

std::vector<std::uint32_t> Atoms::keep(const std::vector<bool>& kept) {
  std::vector<std::uint32_t> to(cells_.size(), kNowhere);
  std::vector<const Cells*> left(cells_.begin(), cells_.begin() + kNowhere + 1);
  for (std::uint32_t atom = kNowhere + 1; atom < cells_.size(); ++atom) {
    const auto known = numbers_.find(*cells_[atom]);
    if (atom < kept.size() && kept[atom]) {
      to[atom] = known->second = static_cast<std::uint32_t>(left.size());
      left.push_back(cells_[atom]);
    } else {
      numbers_.erase(known);
    }
  }
  cells_ = std::move(left);
  return to;
}

}  // namespace redoubt::sql
