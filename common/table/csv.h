// Comma-separated values (RFC 4180), strict, into typed rows of a declared table.
//
// The first record is the header and must name exactly the table's columns, in any order and letter case; every record has as many fields;
// nothing is trimmed, guessed or padded. An unquoted empty field is NULL, a quoted empty field the empty string. Records end with
// CRLF or LF (one of them throughout); text is UTF-8 without NUL. Pure and thread-safe. Errors name row and column, never
// a value, since they may leave an enclave.
#pragma once

#include <functional>
#include <span>

#include "common/table/table_file.h"

namespace redoubt::table {

// read_csv hands each row to `take`, its values in the order of `columns`, and returns their number. `malformed` with `row N, column NAME`
// (rows count from 1, after the header): a header that is not the table's columns, another number of fields, a quote out of place, a mixed
// line end, a NUL byte, a value not of the column's type, more than `max_rows` rows. `table` names the table in errors. A failure of
// `take` ends it.
Result<std::uint64_t> read_csv(std::string_view text, std::string_view table, std::span<const Column> columns, std::uint64_t max_rows,
                               const std::function<Status(Row&)>& take);

// Encoded: a table file, and how many rows it holds.
struct Encoded {
  SecretBytes file;
  std::uint64_t rows = 0;
};
// encode_csv is read_csv into a table file.
Result<Encoded> encode_csv(std::string_view text, std::string_view table, std::span<const Column> columns, std::uint64_t max_rows = kMaxRows);

}  // namespace redoubt::table
