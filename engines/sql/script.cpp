#include "engines/sql/script.h"

#include "engines/sql/engine_state.h"

namespace redoubt::sql {

Result<std::vector<TextRow>> run_script(const std::string& script, const Table& table, const EngineLimits& limits) {
  REDOUBT_TRY(Instance instance, make_instance(limits.memory_size));
  Watchdog watchdog(*instance.connection, limits.timeout_ms);
  try {
    const auto made = instance.connection->Query(script);
    if (made->HasError()) return run_error(made->GetErrorObject(), watchdog.stop(), limits);
    std::string columns;
    for (const Column& column : table.columns) columns += (columns.empty() ? "\"" : ", \"") + column.name + "\"";
    const auto found = instance.connection->Query("SELECT " + columns + " FROM \"" + table.name + "\"");
    if (found->HasError()) return run_error(found->GetErrorObject(), watchdog.stop(), limits);
    std::vector<TextRow> rows;
    for (std::size_t r = 0; r < found->RowCount(); ++r) {
      TextRow& row = rows.emplace_back();
      for (std::size_t c = 0; c < table.columns.size(); ++c) {
        const duckdb::Value value = found->GetValue(c, r);
        row.push_back(value.IsNull() ? std::nullopt : std::optional<std::string>(value.ToString()));
      }
    }
    return rows;
  } catch (const std::exception& e) {
    return run_error(duckdb::ErrorData(e), watchdog.stop(), limits);
  }
}

}  // namespace redoubt::sql
