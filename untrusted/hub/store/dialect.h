// One dialect of SQL for both databases: the text that SQLite takes as it is, and PostgreSQL after this translation.
//
// Our statements are constant and keep to what both understand. What differs is written SQLite's way and in capitals: INTEGER, TEXT,
// BLOB, x'00', AUTOINCREMENT, STRICT, WITHOUT ROWID, and `?` for values. TEXT becomes TEXT COLLATE "C", so that both order and compare
// bytes. What only PostgreSQL needs stands in a comment that starts with `/*+postgres`. Pure; no database is asked.
#pragma once

#include <string>

#include "common/base/result.h"

namespace redoubt::hub::sql {

struct Translated {
  std::string text;
  std::size_t values = 0;  // placeholders
};

// to_postgres: `internal` for a literal or comment that does not end, and for a blob that is not whole bytes of hexadecimal.
Result<Translated> to_postgres(std::string_view sql);

}  // namespace redoubt::hub::sql
