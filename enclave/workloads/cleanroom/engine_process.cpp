#include "enclave/workloads/cleanroom/engine_process.h"

#include <map>

#include "engines/process/engine_conversation.h"

namespace redoubt::cleanroom {
namespace {

using wire::EngineAnswer;
using wire::EngineRequest;

// engine_table: sealed memory is handed over, other rows are written into the request.
wire::EngineTable engine_table(const TableView& view, std::vector<int>& files) {
  if (view.file < 0) return {view.manifest->canonical(), to_bytes(view.rows)};
  files.push_back(view.file);
  return {view.manifest->canonical(), {}, files.size(), view.checked_before};
}

EngineRequest request_of(EngineRequest::Operation operation, std::string_view sql, const Protection& protection, ByteView noise_seed) {
  EngineRequest request{operation, std::string(sql), std::string(name_of(protection.level)), static_cast<std::uint64_t>(protection.k), {}};
  if (protection.noise) {
    const jobs::Noise& noise = *protection.noise;
    request.noise = wire::EngineNoise{noise.loss.epsilon, noise.loss.delta, static_cast<std::uint64_t>(noise.groups),
                                      static_cast<std::uint64_t>(noise.rows), to_bytes(noise_seed)};
  }
  return request;
}

// explained: why the text is refused; about text and schema only.
std::string explained(const EngineAnswer& answer) {
  std::string message = "line " + std::to_string(answer.line) + ", column " + std::to_string(answer.column) + ": " + answer.message;
  if (!answer.suggestion.empty()) message += "; this would be accepted: " + answer.suggestion;
  return message;
}

// add_earlier: each table once, those of the query itself first.
Status add_earlier(EngineRequest& request, const std::vector<TableView>& tables, const std::vector<Asked>& earlier, std::vector<int>& files) {
  if (earlier.size() > EngineRequest::kMaxEarlier) return Error(Code::refused, "query engine: too many earlier queries");
  std::map<const jobs::Manifest*, std::uint64_t> places;
  for (const TableView& table : tables) places.emplace(table.manifest, places.size());
  for (const Asked& asked : earlier) {
    wire::EarlierQuery query{std::string(asked.sql), std::string(name_of(asked.level)), static_cast<std::uint64_t>(asked.k), {}};
    for (const TableView& table : asked.tables) {
      const auto [place, fresh] = places.emplace(table.manifest, places.size());
      if (fresh) request.earlier_tables.push_back(engine_table(table, files));
      query.tables.push_back(place->second);
    }
    request.earlier.push_back(std::move(query));
  }
  if (request.earlier_tables.size() > EngineRequest::kMaxTables) return Error(Code::refused, "query engine: too many tables of earlier queries");
  return {};
}

}  // namespace

Result<EngineAnswer> EngineProcess::ask(const EngineRequest& request, const std::vector<int>& files) const {
  auto answered = [&]() -> Result<EngineAnswer> {
    REDOUBT_TRY(engines::StartedEngine engine, starter_.take());
    return std::move(engine).ask(request, files, options_.timeout);
  }();
  starter_.prepare();  // the one before is gone, whatever it did
  REDOUBT_TRY(EngineAnswer answer, std::move(answered));
  if (!options_.sandbox.empty() && !answer.sandbox.empty() && answer.sandbox != options_.sandbox) {
    return Error(Code::unavailable, "query engine: in another sandbox than the room has stated");
  }
  return answer;
}

Result<std::string> EngineProcess::probe() const {
  REDOUBT_TRY(const EngineAnswer answer, ask({EngineRequest::Operation::probe, "", "", 0, {}}, {}));
  if (answer.kind == EngineAnswer::Kind::accepted) return answer.sandbox;
  return Error(Code::unavailable, "query engine: " + answer.message);
}

Result<QueryCheck> EngineProcess::check(std::string_view sql, const std::vector<const jobs::Manifest*>& schema,
                                        const Protection& protection) {
  EngineRequest request = request_of(EngineRequest::Operation::check, sql, protection, {});
  for (const jobs::Manifest* manifest : schema) request.tables.push_back({manifest->canonical(), {}});
  REDOUBT_TRY(EngineAnswer answer, ask(request, {}));
  if (answer.kind == EngineAnswer::Kind::accepted) return QueryCheck{true, "", "", std::move(answer.names)};
  if (answer.kind == EngineAnswer::Kind::refused) return QueryCheck{false, answer.rule, explained(answer), {}};
  return Error(Code::unavailable, "query engine: " + answer.message);
}

Result<jobs::ResultTable> EngineProcess::run(std::string_view sql, const std::vector<TableView>& tables, const Protection& protection,
                                             const std::vector<Asked>& earlier, ByteView noise_seed) {
  EngineRequest request = request_of(EngineRequest::Operation::run, sql, protection, noise_seed);
  std::vector<int> files;
  for (const TableView& table : tables) request.tables.push_back(engine_table(table, files));
  const Status added = add_earlier(request, tables, earlier, files);
  auto answered = added.ok() ? ask(request, files) : Result<EngineAnswer>(added.error());
  for (auto* list : {&request.tables, &request.earlier_tables}) {
    for (wire::EngineTable& table : *list) wipe(table.rows);
  }
  if (request.noise) wipe(request.noise->seed);
  REDOUBT_TRY(EngineAnswer answer, std::move(answered));
  if (answer.kind == EngineAnswer::Kind::result) return jobs::ResultTable{std::move(answer.names), std::move(answer.rows)};
  if (answer.kind == EngineAnswer::Kind::refused) return Error(Code::refused, "rule " + answer.rule + ": " + explained(answer));
  if (answer.kind == EngineAnswer::Kind::withheld) return Error(Code::refused, "rule " + answer.rule + ": withheld for what was asked earlier");
  return Error(Code::unavailable, "query engine: " + answer.message);
}

Status EngineProcess::load(const TableView& table) {
  EngineRequest request{EngineRequest::Operation::load, "", std::string(name_of(jobs::PrivacyLevel::aggregate_only)), 2, {}};
  std::vector<int> files;
  request.tables.push_back(engine_table(table, files));
  auto answered = ask(request, files);
  wipe(request.tables.front().rows);
  REDOUBT_TRY(const EngineAnswer answer, std::move(answered));
  if (answer.kind == EngineAnswer::Kind::loaded) return {};
  return Error(Code::malformed, answer.message);
}

}  // namespace redoubt::cleanroom
