// Value: one cell of a table, and the text in which CSV spells it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/table/type.h"

namespace redoubt::table {

// Days since 1970-01-01, of years 0001 to 9999.
struct Days {
  static constexpr std::int32_t kFirst = -719'162, kLast = 2'932'896;
  std::int32_t count = 0;
  friend bool operator==(Days, Days) = default;
};
// Decimal: the number times 10^scale.
struct Decimal {
  std::int64_t scaled = 0;
  friend bool operator==(Decimal, Decimal) = default;
};
// Value: NULL, BOOLEAN, BIGINT or INTEGER, DECIMAL, DOUBLE (finite), DATE, VARCHAR.
using Value = std::variant<std::monostate, bool, std::int64_t, Decimal, double, Days, std::string>;
using Row = std::vector<Value>;

// parse_value reads one unquoted field. `malformed`: integers `-?digits` that fit, decimals with at most `scale` digits after the point,
// doubles as of from_chars and finite, booleans `true`/`false`, dates `YYYY-MM-DD`. Errors never hold the value.
Result<Value> parse_value(std::string_view text, Type type);

}  // namespace redoubt::table
