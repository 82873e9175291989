// UnitNumbers: numbers for units, the same for the same unit in every dataset and query.
//
// A unit is known by its text, however its column is typed: 7 and "7" are one, so that people are counted once whoever wrote their numbers down
// and how. Whole numbers are the usual case and are kept as such. Numbers are given in the order in which units are first seen, from 0 on.
// Not thread-safe; plain memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engines/sql/ledger/places.h"

namespace redoubt::sql {

class UnitNumbers {
 public:
  std::uint32_t of_integer(std::int64_t value) {
    Place& place = integers_.at(static_cast<std::uint64_t>(value), {next_, 1});
    if (place.unit == next_) ++next_;
    return place.unit;
  }
  std::uint32_t of_text(std::string_view text);
  // prefetch: of_integer() will be asked for it soon.
  void prefetch(std::int64_t value) const { integers_.prefetch(static_cast<std::uint64_t>(value)); }
  std::size_t size() const { return next_; }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  PlaceTable integers_;
  std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>> texts_;
  std::uint32_t next_ = 0;
};

}  // namespace redoubt::sql
