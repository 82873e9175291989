// Comma-separated values (RFC 4180), strict, into typed rows of a declared table.
//
// Runs inside the enclave over decrypted bytes: the owner of the data wrote them and may be careless or hostile. The first
// record is the header and must name exactly the table's columns, in any order; every record has as many fields; nothing is
// trimmed, guessed or padded. An unquoted empty field is NULL, a quoted empty field the empty string. Records end with
// CRLF or LF (one of them throughout); text is UTF-8 without NUL. Pure and thread-safe. Errors name row and column, never
// a value, since they may leave the enclave.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engines/sql/schema.h"

namespace redoubt::sql {

// Days since 1970-01-01, of years 0001 to 9999.
struct Days {
  std::int32_t count = 0;
  friend bool operator==(Days, Days) = default;
};

// Value: NULL, BOOLEAN, BIGINT or INTEGER, DECIMAL (times 10^scale), DOUBLE (finite), DATE, VARCHAR.
struct Decimal {
  std::int64_t scaled = 0;
  friend bool operator==(Decimal, Decimal) = default;
};
using Value = std::variant<std::monostate, bool, std::int64_t, Decimal, double, Days, std::string>;
using Row = std::vector<Value>;

// parse_csv returns the rows with their values in the order of `table.columns`. `malformed` with `row N, column NAME` (rows
// count from 1, after the header): a header that is not the table's columns, another number of fields, a quote out of
// place, a mixed line end, a control byte, a value not of the column's type (spelling: integers `-?digits`, decimals with at
// most `scale` digits after the point, doubles as of from_chars, booleans `true`/`false`, dates `YYYY-MM-DD`), a NULL unit is
// accepted. At most `max_rows` rows.
Result<std::vector<Row>> parse_csv(std::string_view text, const Table& table, std::size_t max_rows);

// parse_value reads one unquoted field; exposed for other readers of typed text.
Result<Value> parse_value(std::string_view text, Type type);

}  // namespace redoubt::sql
