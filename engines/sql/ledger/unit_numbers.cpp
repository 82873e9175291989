#include "engines/sql/ledger/unit_numbers.h"

#include <charconv>

namespace redoubt::sql {

std::uint32_t UnitNumbers::of_text(std::string_view text) {
  // The one text of a whole number is that number: no sign but a minus, no zero in front, nothing beside it.
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end && std::to_string(value) == text) return of_integer(value);
  const auto known = texts_.find(text);
  if (known != texts_.end()) return known->second;
  texts_.emplace(text, next_);
  return next_++;
}

}  // namespace redoubt::sql
