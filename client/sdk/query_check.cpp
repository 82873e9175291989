#include "client/sdk/query_check.h"

#include "client/sdk/dataset_sealer.h"
#include "engines/process/engine_conversation.h"

namespace redoubt::sdk {
namespace {

constexpr std::size_t kMaxSchemas = 2U << 20;
constexpr std::chrono::seconds kTimeout{60};

}  // namespace

Result<DatasetColumns> read_schemas(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse(text, {.max_bytes = kMaxSchemas, .max_depth = 6}).context("schema"));
  const auto* const object = value.object();
  if (object == nullptr || object->size() != 1 || !object->contains("datasets") || object->at("datasets").object() == nullptr) {
    return Error(Code::malformed, "schema: expected {\"datasets\": {NAME: {\"columns\": [...]}, ...}}");
  }
  DatasetColumns out;
  for (const auto& [name, schema] : *object->at("datasets").object()) {
    REDOUBT_CHECK(jobs::check_identifier(name, "schema: dataset"));
    auto columns = read_schema(json::canonical(schema));
    if (!columns.ok()) return columns.error().context(name);
    out.emplace(name, std::move(*columns));
  }
  return out;
}

Result<QueryVerdict> check_query(const std::filesystem::path& engine, const QueryToCheck& query) {
  std::error_code error;
  if (!std::filesystem::exists(engine, error)) return Error(Code::missing_dependency, "no program " + engine.string());
  if (query.datasets.size() > wire::EngineRequest::kMaxTables) return Error(Code::usage, "schema: too many datasets");
  wire::EngineRequest request{wire::EngineRequest::Operation::check, query.sql, query.level, static_cast<std::uint64_t>(query.k), {}};
  for (const auto& [name, columns] : query.datasets) {
    // Only name and columns matter to the verdict.
    const jobs::Manifest manifest{name, 1, "nobody", ContractDigest(), columns, 1, 0, receipt::TreeHash()};
    REDOUBT_TRY(const auto checked, jobs::Manifest::parse(manifest.canonical()).context("schema of " + name));
    request.tables.push_back({checked.canonical(), {}});
  }
  REDOUBT_TRY(wire::EngineAnswer answer, engines::ask_engine(engine.string(), request, kTimeout));
  QueryVerdict verdict;
  switch (answer.kind) {
    case wire::EngineAnswer::Kind::accepted:
      verdict.accepted = true;
      verdict.datasets = std::move(answer.names);
      return verdict;
    case wire::EngineAnswer::Kind::refused:
      verdict.rule = std::move(answer.rule);
      verdict.message = std::move(answer.message);
      verdict.line = answer.line;
      verdict.column = answer.column;
      verdict.suggestion = std::move(answer.suggestion);
      return verdict;
    default: return Error(answer.message.starts_with("malformed") ? Code::malformed : Code::unavailable, "query engine: " + answer.message);
  }
}

}  // namespace redoubt::sdk
