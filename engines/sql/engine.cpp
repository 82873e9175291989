#include "engines/sql/engine.h"

#include "engines/sql/engine_state.h"

namespace redoubt::sql {
namespace {

duckdb::Value to_engine(const Value& value, Type type) {
  struct Visitor {
    Type type;
    duckdb::Value operator()(std::monostate) const { return duckdb::Value(); }
    duckdb::Value operator()(bool v) const { return duckdb::Value::BOOLEAN(v); }
    duckdb::Value operator()(std::int64_t v) const {
      return type.id == TypeId::integer ? duckdb::Value::INTEGER(static_cast<std::int32_t>(v)) : duckdb::Value::BIGINT(v);
    }
    duckdb::Value operator()(Decimal v) const {
      return duckdb::Value::DECIMAL(v.scaled, static_cast<std::uint8_t>(type.precision), static_cast<std::uint8_t>(type.scale));
    }
    duckdb::Value operator()(double v) const { return duckdb::Value::DOUBLE(v); }
    duckdb::Value operator()(Days v) const { return duckdb::Value::DATE(duckdb::date_t(v.count)); }
    duckdb::Value operator()(const std::string& v) const { return duckdb::Value(v); }
  };
  return std::visit(Visitor{type}, value);
}

bool fits(const Value& value, Type type) {
  if (std::holds_alternative<std::monostate>(value)) return true;
  switch (type.id) {
    case TypeId::bigint: return std::holds_alternative<std::int64_t>(value);
    case TypeId::integer: {
      const auto* number = std::get_if<std::int64_t>(&value);
      return number != nullptr && *number == static_cast<std::int32_t>(*number);
    }
    case TypeId::double_: return std::holds_alternative<double>(value);
    case TypeId::decimal: return std::holds_alternative<Decimal>(value);
    case TypeId::varchar: return std::holds_alternative<std::string>(value);
    case TypeId::boolean: return std::holds_alternative<bool>(value);
    case TypeId::date: {
      // The optimiser computes with the least and the greatest date of a column, and fails near the ends of what the engine's type holds.
      const auto* days = std::get_if<Days>(&value);
      return days != nullptr && days->count >= -719'162 && days->count <= 2'932'896;  // years 1 to 9999
    }
  }
  return false;
}

Status check_rows(const Table& table, std::span<const Row> rows) {
  for (std::size_t r = 0; r < rows.size(); ++r) {
    bool ok = rows[r].size() == table.columns.size();
    for (std::size_t c = 0; ok && c < rows[r].size(); ++c) ok = fits(rows[r][c], table.columns[c].type);
    if (!ok) return Error(Code::malformed, "dataset " + table.name + ", row " + std::to_string(r + 1) + ": not of the table's columns");
  }
  return {};
}

}  // namespace

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Result<Engine> Engine::create(const VerifiedLibrary&, const EngineLimits& limits) {
  REDOUBT_TRY(Instance instance, make_instance(limits.memory_size));
  return Engine(std::make_unique<State>(State{std::move(instance), limits}));
}

Status Engine::create_table(const Table& table, std::span<const Row> rows) {
  // Names are printed into SQL: only those that a Schema takes.
  if (auto schema = Schema::make({table}); !schema.ok()) return schema.error();
  REDOUBT_CHECK(check_rows(table, rows));
  duckdb::Connection& connection = *state_->instance.connection;
  try {
    const auto made = connection.Query(create_table_sql(table));
    if (made->HasError()) return Error(Code::refused, "dataset " + table.name + ": is loaded already");
    try {
      duckdb::Appender appender(connection, "main", table.name);
      for (const Row& row : rows) {
        appender.BeginRow();
        for (std::size_t c = 0; c < row.size(); ++c) appender.Append<duckdb::Value>(to_engine(row[c], table.columns[c].type));
        appender.EndRow();
      }
      appender.Close();
      return {};
    } catch (const std::exception&) {
      connection.Query("DROP TABLE main.\"" + table.name + "\"");
    }
  } catch (const std::exception&) {
  }
  return Error(Code::unavailable, "dataset " + table.name + ": does not fit into the engine's memory");
}

Status Engine::load_csv(const Table& table, std::string_view csv) {
  auto rows = parse_csv(csv, table, 50'000'000);
  if (!rows.ok()) return rows.error().context("dataset " + table.name);
  return create_table(table, rows.value());
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
