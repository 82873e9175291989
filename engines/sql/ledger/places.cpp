#include "engines/sql/ledger/places.h"

#include <utility>

namespace redoubt::sql {

void PlaceTable::grow(std::size_t count) {
  std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(count + count / 2));  // at most two of three are taken
  for (const Slot& moved : old) {
    if (moved.place.atom == 0) continue;
    std::size_t i = index(moved.key);
    while (slots_[i].place.atom != 0) i = i + 1 == slots_.size() ? 0 : i + 1;
    slots_[i] = moved;
  }
}

}  // namespace redoubt::sql
