// Migrations: how the database got its tables, as numbered SQL texts.
//
// Each is applied once, in order, in one transaction together with its record (number, name, SHA-256 of the text, time): the same texts
// for both databases, and under the write lock, so that hubs which start together on one database apply each once. A
// database that a newer program wrote, or whose records differ from this program's texts, is refused untouched: the operator
// runs the program that fits. A text is never edited once released; a change is a new number.
#pragma once

#include <span>

#include "untrusted/hub/store/sql.h"

namespace redoubt::hub {

struct Migration {
  std::int64_t number;  // 1, 2, 3, ...
  std::string_view name;
  std::string_view sql;
};

// The migrations of this program.
std::span<const Migration> migrations();

// migrate brings the database to the last of `known`. `refused` for a newer or another history; errors of SQL otherwise, and
// then what came before the failing migration stays applied.
Status migrate(sql::Database& database, std::span<const Migration> known, Instant now);

}  // namespace redoubt::hub
