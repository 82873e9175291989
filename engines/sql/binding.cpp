#include "engines/sql/binding.h"

#include <algorithm>
#include <charconv>

#include "engines/sql/instance.h"

namespace redoubt::sql {

Result<std::optional<BindingProblem>> binding_problem(std::string_view sql, const Schema& schema) {
  try {
    REDOUBT_TRY(Instance instance, make_instance(64 << 20));
    for (const Table& table : schema.tables()) {
      if (instance.connection->Query(create_table_sql(table))->HasError()) {
        return Error(Code::internal, "engine: a table of the schema was not taken");
      }
    }
    const auto prepared = instance.connection->Prepare(std::string(sql));
    if (!prepared->HasError()) return std::optional<BindingProblem>();
    const duckdb::ErrorData& error = prepared->error;
    BindingProblem problem;
    const std::string& message = error.RawMessage();
    problem.message = lower_name(message.substr(0, std::min<std::size_t>(message.find('\n'), 200)));
    const auto position = error.ExtraInfo().find("position");
    if (position != error.ExtraInfo().end()) {
      const std::string& text = position->second;
      std::from_chars(text.data(), text.data() + text.size(), problem.offset);
    }
    return std::optional<BindingProblem>(std::move(problem));
  } catch (const std::exception&) {
    return Error(Code::internal, "engine: could not bind");
  }
}

}  // namespace redoubt::sql
