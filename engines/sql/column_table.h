// ColumnTable: a table of the engine whose columns stay where its table file has them.
//
// A scan copies each slice of a column into the engine's vector, which a scan of the engine's own tables spares itself for numbers, and
// nothing is loaded before: a table of ten million rows is there at once and takes no memory of the process. It reads exactly as a table of
// CREATE TABLE would: the same types, row numbers, statistics of the same kind. It cannot be written to. Private to this room; the engine's
// exceptions stop in its users. Follows DuckDB 1.4.4 (catalog/catalog_entry/table_catalog_entry.hpp, function/table_function.hpp).
#pragma once

#include <duckdb.hpp>

#include <vector>

#include "common/table/table_file.h"
#include "engines/sql/schema.h"

namespace redoubt::sql {

// add_column_table makes main.<name>, of a table that a Schema takes and groups of its types, whose bytes outlive the connection's database.
// Throws what the engine throws, also when the name is taken.
void add_column_table(duckdb::Connection& connection, const Table& table, std::vector<table::Group> groups);

}  // namespace redoubt::sql
