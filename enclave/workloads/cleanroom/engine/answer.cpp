#include "enclave/workloads/cleanroom/engine/answer.h"

#include <charconv>
#include <map>

#include "common/jobs/cleanroom/ballot.h"
#include "enclave/workloads/cleanroom/engine/earlier.h"
#include "engines/sql/script.h"

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

Result<std::optional<sql::Bounds>> bounds_of(const jobs::ManifestColumn& column) {
  std::optional<sql::Bounds> bounds;
  if (column.min.empty()) return bounds;
  bounds.emplace();
  for (const auto& [text, value] : {std::pair(&column.min, &bounds->low), std::pair(&column.max, &bounds->high)}) {
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, *value);
    if (error != std::errc() || stop != end) return Error(Code::malformed, column.name + ": bounds that are not numbers");
  }
  return bounds;
}

Result<sql::Table> table_of(const jobs::Manifest& manifest) {
  sql::Table table;
  table.name = manifest.dataset;
  for (const jobs::ManifestColumn& column : manifest.columns) {
    REDOUBT_TRY(const sql::Type type, sql::Type::parse(column.type).context(column.name));
    REDOUBT_TRY(const auto bounds, bounds_of(column));
    table.columns.push_back({column.name, type, role_of(column.role), bounds});
  }
  return table;
}

// rows_of: the table file of a table; it is sealed memory, or part of the request.
Result<ByteView> rows_of(const wire::EngineTable& given, std::span<const ByteView> files) {
  if (given.file == 0) return ByteView(given.rows);
  if (given.file > files.size()) return Error(Code::malformed, "request: expected a table among " + std::to_string(files.size()) + " files, found file " + std::to_string(given.file));
  return files[static_cast<std::size_t>(given.file) - 1];
}

Result<std::vector<Input>> read_inputs(const EngineRequest& request, std::span<const ByteView> files) {
  std::vector<Input> inputs;
  for (const auto* tables : {&request.tables, &request.earlier_tables}) {
    for (const wire::EngineTable& given : *tables) {
      REDOUBT_TRY(jobs::Manifest manifest, jobs::Manifest::parse(given.manifest));
      REDOUBT_TRY(sql::Table table, table_of(manifest));
      REDOUBT_TRY(const ByteView rows, rows_of(given, files));
      inputs.push_back({std::move(manifest), std::move(table), rows, given.checked_before ? table::Values::checked_before : table::Values::check});
    }
  }
  return inputs;
}

Result<sql::Verdict> check(const EngineRequest& request, const std::vector<Input>& inputs) {
  REDOUBT_TRY(const sql::Level level, sql::parse_level(request.level));
  REDOUBT_TRY(const sql::Schema schema, schema_of(inputs, places_of(request.tables.size())));
  return sql::check(request.sql, schema, level, request.k);
}

Result<sql::NoiseParameters> parameters_of(const wire::EngineNoise& noise) {
  REDOUBT_TRY(const auto epsilon, sql::dp::Epsilon::parse(noise.epsilon));
  REDOUBT_TRY(const auto delta, sql::dp::Delta::parse(noise.delta));
  return sql::NoiseParameters{epsilon, delta, static_cast<std::uint32_t>(noise.groups), static_cast<std::uint32_t>(noise.rows)};
}

Status noise_fits(const wire::EngineNoise& noise, const sql::ReleasePlan& plan) {
  REDOUBT_TRY(const sql::NoiseParameters parameters, parameters_of(noise));
  REDOUBT_TRY([[maybe_unused]] const auto plans, sql::noise_plans(plan, parameters));
  return {};
}

// noise_refusal: a loss that cannot be split over what the text asks for; about text and parameters only, as all static refusals.
std::optional<EngineAnswer> noise_refusal(const EngineRequest& request, const sql::ReleasePlan& plan) {
  if (plan.level() != sql::Level::differential_privacy || !request.noise) return std::nullopt;
  const Status fits = noise_fits(*request.noise, plan);
  if (fits.ok()) return std::nullopt;
  EngineAnswer answer{EngineAnswer::Kind::refused, "D3", fits.error().message(), {}, {}};
  answer.line = answer.column = 1;
  return answer;
}

EngineAnswer refused(const sql::Verdict& verdict) {
  EngineAnswer answer{EngineAnswer::Kind::refused, verdict.rule, verdict.message, {}, {}};
  answer.line = verdict.line;
  answer.column = verdict.column;
  answer.suggestion = verdict.suggestion;
  return answer;
}

EngineAnswer withheld(sql::Conflict conflict) {
  const char* const rule = conflict == sql::Conflict::too_close ? "T4" : conflict == sql::Conflict::combination ? "T5" : "limit";
  return {EngineAnswer::Kind::withheld, rule, "", {}, {}};
}

Result<EngineAnswer> load(const EngineRequest& request, const std::vector<Input>& inputs, const sql::VerifiedLibrary& library) {
  Loaded loaded(inputs, library);
  const Loaded::Places own = places_of(request.tables.size());
  loaded.expect(own);
  REDOUBT_TRY(const sql::Engine* const engine, loaded.engine(own));
  static_cast<void>(engine);
  return EngineAnswer{EngineAnswer::Kind::loaded, "", "", {}, {}};
}

Result<sql::ResultTable> table_of_plan(const EngineRequest& request, const sql::ReleasePlan& plan, sql::Engine& engine) {
  if (plan.level() != sql::Level::differential_privacy) return engine.run(plan);
  if (!request.noise) return Error(Code::usage, "a query at differential_privacy without its noise");
  REDOUBT_TRY(const sql::NoiseParameters parameters, parameters_of(*request.noise));
  REDOUBT_TRY(const auto seed, sql::dp::NoiseSeed::from_secret(SecretBytes::copy_of(request.noise->seed)));
  return engine.run_noisy(plan, parameters, seed);
}

Result<EngineAnswer> run(const EngineRequest& request, const std::vector<Input>& inputs, const sql::VerifiedLibrary& library) {
  REDOUBT_TRY(const sql::Verdict verdict, check(request, inputs));
  if (!verdict.accepted()) return refused(verdict);
  Loaded loaded(inputs, library);
  const Loaded::Places own = places_of(request.tables.size());
  loaded.expect(own);
  for (const wire::EarlierQuery& earlier : request.earlier) loaded.expect(earlier.tables);
  REDOUBT_TRY(const sql::Conflict found, conflict(request, inputs, *verdict.plan, loaded));
  if (found != sql::Conflict::none) return withheld(found);
  REDOUBT_TRY(sql::Engine* const engine, loaded.engine(own));
  REDOUBT_TRY(sql::ResultTable result, table_of_plan(request, *verdict.plan, *engine));
  EngineAnswer answer{EngineAnswer::Kind::result, "", "", {}, std::move(result.rows)};
  for (const auto& column : result.columns) answer.names.push_back(column.name);
  return answer;
}

Result<EngineAnswer> script(const EngineRequest& request, const std::vector<Input>& inputs) {
  if (inputs.size() != 1 || !inputs.front().rows.empty()) return Error(Code::usage, "a script is for one table, of which only the columns are given");
  REDOUBT_TRY(std::vector<sql::TextRow> rows, sql::run_script(request.sql, inputs.front().table, sql::EngineLimits()));
  EngineAnswer answer{EngineAnswer::Kind::result, "", "", {}, std::move(rows)};
  for (const sql::Column& column : inputs.front().table.columns) answer.names.push_back(column.name);
  return answer;
}

// examined: one row of kExamined. What a query's run says is fixed text, as in every answer.
Result<sql::TextRow> examined(const wire::EarlierQuery& query, const sql::Schema& schema, std::map<std::uint64_t, sql::Checker>& checkers, sql::Engine& engine) {
  const auto level = sql::parse_level(query.level);
  if (!level.ok()) return sql::TextRow{std::nullopt, std::nullopt, std::nullopt, level.error().message()};
  auto checker = checkers.find(query.k);
  if (checker == checkers.end()) {
    REDOUBT_TRY(sql::Checker made, sql::Checker::create(schema, query.k));
    checker = checkers.emplace(query.k, std::move(made)).first;
  }
  const sql::Verdict verdict = checker->second.check(query.sql, *level);
  if (!verdict.accepted()) return sql::TextRow{verdict.rule, std::nullopt, std::nullopt, std::nullopt};
  std::string datasets;
  for (const std::string& name : verdict.plan->datasets()) datasets += (datasets.empty() ? "" : ",") + name;
  const auto withheld = engine.withheld(*verdict.plan);
  if (!withheld.ok()) return sql::TextRow{std::nullopt, datasets, std::nullopt, withheld.error().message()};
  return sql::TextRow{std::nullopt, datasets, std::to_string(*withheld), std::nullopt};
}

Result<EngineAnswer> examine(const EngineRequest& request, const std::vector<Input>& inputs, const sql::VerifiedLibrary& library) {
  Loaded loaded(inputs, library);
  const Loaded::Places own = places_of(request.tables.size());
  loaded.expect(own);
  REDOUBT_TRY(sql::Engine* const engine, loaded.engine(own));
  REDOUBT_TRY(const sql::Schema schema, schema_of(inputs, own));
  std::map<std::uint64_t, sql::Checker> checkers;  // by k: making one takes longer than a verdict
  EngineAnswer answer{EngineAnswer::Kind::result, "", "", {}, {}};
  for (const std::string_view name : EngineRequest::kExamined) answer.names.emplace_back(name);
  for (const wire::EarlierQuery& query : request.earlier) {
    REDOUBT_TRY(answer.rows.emplace_back(), examined(query, schema, checkers, *engine));
  }
  return answer;
}

// on_tables: the operations that look at rows.
Result<EngineAnswer> on_tables(const EngineRequest& request, const std::vector<Input>& inputs, const sql::VerifiedLibrary& library) {
  switch (request.operation) {
    case EngineRequest::Operation::script: return script(request, inputs);
    case EngineRequest::Operation::examine: return examine(request, inputs, library);
    case EngineRequest::Operation::run: return run(request, inputs, library);
    default: return load(request, inputs, library);
  }
}

}  // namespace

EngineAnswer answer(const EngineRequest& request, std::span<const ByteView> files, const sql::VerifiedLibrary& library) {
  if (request.operation == EngineRequest::Operation::probe) return {EngineAnswer::Kind::accepted, "", "", {}, {}};
  const auto inputs = read_inputs(request, files);
  if (!inputs.ok()) return failed(inputs.error());
  if (request.operation != EngineRequest::Operation::check) {
    const auto result = on_tables(request, *inputs, library);
    return result.ok() ? *result : failed(result.error());
  }
  const auto verdict = check(request, *inputs);
  if (!verdict.ok()) return failed(verdict.error());
  if (!verdict->accepted()) return refused(*verdict);
  if (auto refusal = noise_refusal(request, *verdict->plan)) return std::move(*refusal);
  return {EngineAnswer::Kind::accepted, "", "", verdict->plan->datasets(), {}};
}

}  // namespace redoubt::cleanroom
