#include "engines/sql/instance.h"

#include <limits>

#include "engines/sql/print.h"

namespace redoubt::sql {

std::string create_table_sql(const Table& table) {
  std::string columns;
  for (const Column& column : table.columns) {
    columns += (columns.empty() ? "" : ", ") + quote(column.name) + " " + column.type.text();
  }
  return "CREATE TABLE main." + quote(table.name) + " (" + columns + ")";
}

Result<Instance> make_instance(std::uint64_t memory_size) {
  try {
    duckdb::DBConfig config;
    // First, since it cannot be changed once external access is off: nothing is ever spilled to disk.
    config.SetOptionByName("temp_directory", duckdb::Value(""));
    config.SetOptionByName("enable_external_access", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("autoload_known_extensions", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("autoinstall_known_extensions", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("allow_community_extensions", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("allow_unsigned_extensions", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("memory_limit", duckdb::Value(std::to_string(memory_size) + "B"));
    config.SetOptionByName("threads", duckdb::Value::BIGINT(1));
    // Nothing is ever rewritten in the background of a commit: tables that stay in their files (column_table.h) have nothing to rewrite.
    config.options.checkpoint_wal_size = std::numeric_limits<duckdb::idx_t>::max();
    Instance instance;
    instance.database = std::make_unique<duckdb::DuckDB>(":memory:", &config);
    instance.connection = std::make_unique<duckdb::Connection>(*instance.database);
    // Division by zero gives NULL (S13), and no setting of the machine changes a result.
    // Neither does the optimiser take anything out of a TRY: it would compute the casts that two expressions have in common, and those of an IN list
    // that it makes a join of, for all rows and without it, and fail on a row that they do not take (S13; DuckDB 1.4.4).
    for (const char* setting : {"SET ieee_floating_point_ops = false", "SET TimeZone = 'UTC'", "SET disabled_optimizers = 'common_subexpressions,in_clause'",
                                "SET lock_configuration = true"}) {
      if (instance.connection->Query(setting)->HasError()) return Error(Code::internal, "engine: a setting was not taken");
    }
    return instance;
  } catch (const std::exception&) {
    return Error(Code::internal, "engine: could not start");
  }
}

}  // namespace redoubt::sql
