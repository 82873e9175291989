// Instance: a DuckDB instance with our settings, shared by the engine and by binding. Private to this room.
#pragma once

#include <duckdb.hpp>

#include <memory>

#include "engines/sql/schema.h"

namespace redoubt::sql {

struct Instance {
  std::unique_ptr<duckdb::DuckDB> database;
  std::unique_ptr<duckdb::Connection> connection;
};

// make_instance opens an in-memory instance, shut off from files, network and extensions, with locked configuration.
Result<Instance> make_instance(std::uint64_t memory_size);

// create_table_sql is CREATE TABLE for a table of a Schema.
std::string create_table_sql(const Table& table);

}  // namespace redoubt::sql
