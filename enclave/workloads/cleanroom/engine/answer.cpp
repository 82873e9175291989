#include "enclave/workloads/cleanroom/engine/answer.h"

#include "common/jobs/cleanroom/ballot.h"
#include "engines/sql/checker.h"
#include "engines/sql/engine.h"

namespace redoubt::cleanroom {
namespace {

static_assert(sql::kRuleSet == jobs::kRuleSet, "ballots would name other rules than those that are enforced");

using wire::EngineAnswer;
using wire::EngineRequest;

EngineAnswer failed(const Error& error) {
  return {EngineAnswer::Kind::failed, "", std::string(code_name(error.code())) + ": " + error.message(), {}, {}};
}

sql::Role role_of(jobs::ColumnRole role) {
  switch (role) {
    case jobs::ColumnRole::unit: return sql::Role::unit;
    case jobs::ColumnRole::identifier: return sql::Role::identifier;
    case jobs::ColumnRole::attribute: return sql::Role::attribute;
  }
  return sql::Role::identifier;
}

Result<sql::Table> table_of(const jobs::Manifest& manifest) {
  sql::Table table;
  table.name = manifest.dataset;
  for (const jobs::ManifestColumn& column : manifest.columns) {
    REDOUBT_TRY(const sql::Type type, sql::Type::parse(column.type).context(column.name));
    table.columns.push_back({column.name, type, role_of(column.role)});
  }
  return table;
}

struct Inputs {
  std::vector<jobs::Manifest> manifests;
  sql::Schema schema;
};

Result<Inputs> read_inputs(const EngineRequest& request) {
  std::vector<jobs::Manifest> manifests;
  std::vector<sql::Table> tables;
  for (const wire::EngineTable& given : request.tables) {
    REDOUBT_TRY(jobs::Manifest manifest, jobs::Manifest::parse(given.manifest));
    REDOUBT_TRY(sql::Table table, table_of(manifest));
    manifests.push_back(std::move(manifest));
    tables.push_back(std::move(table));
  }
  REDOUBT_TRY(sql::Schema schema, sql::Schema::make(std::move(tables)));
  return Inputs{std::move(manifests), std::move(schema)};
}

Result<sql::Verdict> check(const EngineRequest& request, const Inputs& inputs) {
  REDOUBT_TRY(const sql::Level level, sql::parse_level(request.level));
  return sql::check(request.sql, inputs.schema, level, request.k);
}

EngineAnswer refused(const sql::Verdict& verdict) {
  std::string message = "line " + std::to_string(verdict.line) + ", column " + std::to_string(verdict.column) + ": " + verdict.message;
  if (!verdict.suggestion.empty()) message += "; this would be accepted: " + verdict.suggestion;
  return {EngineAnswer::Kind::refused, verdict.rule, std::move(message), {}, {}};
}

// load_rows: the CSV has the manifest's columns, types and number of rows.
Status load_rows(sql::Engine& engine, const jobs::Manifest& manifest, const sql::Table& table, ByteView csv) {
  REDOUBT_TRY(const std::vector<sql::Row> rows, sql::parse_csv(as_text(csv), table, static_cast<std::size_t>(manifest.rows)));
  if (rows.size() != manifest.rows) {
    return Error(Code::malformed, "expected " + std::to_string(manifest.rows) + " rows, found " + std::to_string(rows.size()));
  }
  return engine.create_table(table, rows);
}

Result<EngineAnswer> run(const EngineRequest& request, const Inputs& inputs, const sql::VerifiedLibrary& library) {
  std::optional<sql::ReleasePlan> plan;
  if (request.operation == EngineRequest::Operation::run) {
    REDOUBT_TRY(sql::Verdict verdict, check(request, inputs));
    if (!verdict.accepted()) return refused(verdict);
    plan = std::move(verdict.plan);
  }
  REDOUBT_TRY(sql::Engine engine, sql::Engine::create(library, sql::EngineLimits()));
  for (std::size_t i = 0; i < request.tables.size(); ++i) {
    REDOUBT_CHECK(load_rows(engine, inputs.manifests[i], inputs.schema.tables()[i], request.tables[i].csv));
  }
  if (!plan) return EngineAnswer{EngineAnswer::Kind::loaded, "", "", {}, {}};
  REDOUBT_TRY(sql::ResultTable result, engine.run(*plan));
  EngineAnswer answer{EngineAnswer::Kind::result, "", "", {}, std::move(result.rows)};
  for (const auto& column : result.columns) answer.names.push_back(column.name);
  return answer;
}

}  // namespace

EngineAnswer answer(const EngineRequest& request, const sql::VerifiedLibrary& library) {
  if (request.operation == EngineRequest::Operation::probe) return {EngineAnswer::Kind::accepted, "", "", {}, {}};
  const auto inputs = read_inputs(request);
  if (!inputs.ok()) return failed(inputs.error());
  if (request.operation != EngineRequest::Operation::check) {
    const auto result = run(request, *inputs, library);
    return result.ok() ? *result : failed(result.error());
  }
  const auto verdict = check(request, *inputs);
  if (!verdict.ok()) return failed(verdict.error());
  if (!verdict->accepted()) return refused(*verdict);
  return {EngineAnswer::Kind::accepted, "", "", verdict->plan->datasets(), {}};
}

}  // namespace redoubt::cleanroom
