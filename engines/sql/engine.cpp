#include "engines/sql/engine.h"

#include "engines/sql/engine_state.h"

namespace redoubt::sql {
Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Result<Engine> Engine::create(const VerifiedLibrary&, const EngineLimits& limits) {
  REDOUBT_TRY(Instance instance, make_instance(limits.memory_size));
  return Engine(std::make_unique<State>(State{{}, std::move(instance), limits}));
}

Result<ResultTable> Engine::run(const ReleasePlan& plan) {
  if (plan.level() == Level::differential_privacy) return Error(Code::usage, "a plan that needs noise cannot be run without it");
  // The quick statement fails where the exact one has to look; it never gives another result.
  if (!plan.quick_sql().empty() && state_->listed(plan.quick_sql())) {
    auto quick = run_statement(plan, plan.quick_sql());
    if (quick.ok() || quick.error().code() != Code::refused) return quick;
  }
  return run_statement(plan, plan.sql());
}

Result<ResultTable> Engine::run_statement(const ReleasePlan& plan, const std::string& sql) {
  ResultTable table;
  const auto start = [&](duckdb::QueryResult& result) {
    for (std::size_t c = 0; c < result.ColumnCount(); ++c) table.columns.push_back({plan.names()[c], result.types[c].ToString()});
  };
  REDOUBT_CHECK(state_->stream(sql, start, [&](const duckdb::DataChunk& chunk) -> Status {
    if (table.rows.size() + chunk.size() > state_->limits.max_rows) {
      return Error(Code::unavailable, "result: more than " + std::to_string(state_->limits.max_rows) + " rows");
    }
    for (std::size_t r = 0; r < chunk.size(); ++r) {
      auto& row = table.rows.emplace_back();
      for (std::size_t c = 0; c < table.columns.size(); ++c) {
        const duckdb::Value value = chunk.GetValue(c, r);
        row.push_back(value.IsNull() ? std::nullopt : std::optional<std::string>(value.ToString()));
      }
    }
    return {};
  }));
  return table;
}

Result<std::uint64_t> Engine::withheld(const ReleasePlan& plan) {
  std::uint64_t count = 0;
  for (const std::string& sql : plan.withheld()) {
    if (!state_->listed(sql)) return Error(Code::internal, "engine: a statement that counts what is withheld holds something unlisted");
    REDOUBT_CHECK(state_->stream(sql, [](duckdb::QueryResult&) {}, [&](const duckdb::DataChunk& chunk) -> Status {
      for (std::size_t r = 0; r < chunk.size(); ++r) count += chunk.GetValue(0, r).DefaultCastAs(duckdb::LogicalType::UBIGINT).GetValue<std::uint64_t>();
      return {};
    }));
  }
  return count;
}

void Engine::interrupt() { state_->instance.connection->Interrupt(); }

}  // namespace redoubt::sql
