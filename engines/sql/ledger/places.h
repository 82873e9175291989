// Places: for very many rows, which unit each belongs to and in which atom it is. PlaceTable finds a row by an exact number of 64 bits, RowPlaces
// the rows of one dataset. Both ask for memory as rows come, 10 to 20 bytes each. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engines/sql/ledger/digest.h"

namespace redoubt::sql {

struct Place {
  std::uint32_t unit = 0;
  std::uint32_t atom = 0;  // 0: nothing is here
};

class PlaceTable {
 public:
  // at: the place of a key, until the next at(). What was not there is `fresh`, which is of an atom.
  Place& at(std::uint64_t key, Place fresh) {
    if ((used_ + 1) * 5 > slots_.size() * 4) grow(used_ + used_ / 2 + 64);
    for (std::size_t i = index(key);; i = i + 1 == slots_.size() ? 0 : i + 1) {
      Slot& slot = slots_[i];
      if (slot.place.atom == 0) {
        slot = {key, fresh};
        ++used_;
        return slot.place;
      }
      if (slot.key == key) return slot.place;
    }
  }
  // prefetch: at() will be asked for this key soon.
  void prefetch(std::uint64_t key) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[index(key)], 1);
  }
  // reserve room for so many keys in all.
  void reserve(std::size_t count) {
    if (count * 5 > slots_.size() * 4) grow(count);
  }
  template <class Visit>
  void each(Visit&& visit) {
    for (Slot& slot : slots_) {
      if (slot.place.atom != 0) visit(slot.place);
    }
  }
  std::size_t size() const { return used_; }

 private:
  struct Slot {
    std::uint64_t key = 0;
    Place place;
  };
  __extension__ using Wide = unsigned __int128;
  std::size_t index(std::uint64_t key) const { return static_cast<std::size_t>(static_cast<Wide>(mix(key)) * slots_.size() >> 64); }
  void grow(std::size_t count);

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

// RowPlaces: rows of a dataset, each with a unit. Nearly all rows go with one unit only; a row with several has a place for each.
class RowPlaces {
 public:
  Place& at(std::uint32_t row, Place fresh) {
    const std::size_t page = row / kPage;
    if (page >= pages_.size()) pages_.resize(page + 1);
    if (pages_[page].empty()) pages_[page].resize(kPage);
    Place& place = pages_[page][row % kPage];
    if (place.atom == 0) place = fresh;
    return place.unit == fresh.unit ? place : others_.at(std::uint64_t{row} << 32 | fresh.unit, fresh);
  }
  void prefetch(std::uint32_t row) const {
    const std::size_t page = row / kPage;
    if (page < pages_.size() && !pages_[page].empty()) __builtin_prefetch(&pages_[page][row % kPage], 1);
  }
  template <class Visit>
  void each(Visit&& visit) {
    for (auto& page : pages_) {
      for (Place& place : page) {
        if (place.atom != 0) visit(place);
      }
    }
    others_.each(visit);
  }

 private:
  static constexpr std::size_t kPage = 1024;
  std::vector<std::vector<Place>> pages_;
  PlaceTable others_;
};

}  // namespace redoubt::sql
