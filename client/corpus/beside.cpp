#include "client/corpus/beside.h"

#include <algorithm>
#include <charconv>

#include "client/sdk/dataset_sealer.h"
#include "client/sdk/query.h"
#include "engines/process/engine_conversation.h"

namespace redoubt::corpus {
namespace {

using wire::EngineAnswer;
using wire::EngineRequest;

constexpr std::chrono::seconds kTimeout{120};

jobs::Manifest manifest_of(const std::string& name, const std::vector<jobs::ManifestColumn>& columns, std::uint64_t rows) {
  return {name, 1, "corpus", ContractDigest(), columns, rows, 0, receipt::TreeHash()};
}

// csv_cell: an empty field is NULL, a quoted empty one the empty text (RFC 4180 as datasets are read).
std::string csv_cell(const std::optional<std::string>& cell) {
  if (!cell) return {};
  if (!cell->empty() && cell->find_first_of("\",\r\n") == std::string::npos) return *cell;
  std::string out = "\"";
  for (const char c : *cell) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string csv_of(const EngineAnswer& answer) {
  std::string csv;
  for (std::size_t c = 0; c < answer.names.size(); ++c) csv += (c == 0 ? "" : ",") + answer.names[c];
  for (const auto& row : answer.rows) {
    csv += "\n";
    for (std::size_t c = 0; c < row.size(); ++c) csv += (c == 0 ? "" : ",") + csv_cell(row[c]);
  }
  return csv;
}

std::vector<std::string> split(const std::string& names) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < names.size();) {
    const std::size_t end = std::min(names.find(',', at), names.size());
    out.push_back(names.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

Examined read_examined(const std::vector<std::optional<std::string>>& row) {
  Examined out;
  out.told = !row[3] || row[1];  // what it reads is known even where its run failed
  out.rule = row[0].value_or("");
  out.datasets = split(row[1].value_or(""));
  if (!row[2]) return out;
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(row[2]->data(), row[2]->data() + row[2]->size(), count);
  if (error == std::errc() && end == row[2]->data() + row[2]->size()) out.withheld = count;
  return out;
}

wire::EarlierQuery asked(const Entry& entry, std::size_t tables) {
  wire::EarlierQuery query{entry.sql, entry.level, static_cast<std::uint64_t>(entry.k), {}};
  for (std::uint64_t table = 0; table < tables; ++table) query.tables.push_back(table);
  return query;
}

// default_noise: as a proposal asks for that names none. The tables are test data, so the seed need not be a secret.
wire::EngineNoise default_noise() {
  const jobs::Noise noise{{std::string(sdk::kDefaultEpsilon), std::string(sdk::kDefaultDelta)}};
  return {noise.loss.epsilon, noise.loss.delta, static_cast<std::uint64_t>(noise.groups), static_cast<std::uint64_t>(noise.rows), Bytes(32)};
}

// of_the_query: an engine's failure that comes from the text and the rows and would come again. Time, memory and a sandbox are of the machine:
// they end honest queries as well as attacks.
bool of_the_query(std::string_view message) {
  return message == "refused: statement stopped: a computation failed while running" || message.starts_with("unavailable: result: more than ");
}

}  // namespace

Result<Beside> Beside::make(const std::filesystem::path& engine, const std::string& script, const sdk::DatasetColumns& columns,
                            const Interrupted& interrupted) {
  std::error_code error;
  if (!std::filesystem::exists(engine, error)) return Error(Code::missing_dependency, "no program " + engine.string());
  if (columns.empty() || columns.size() > EngineRequest::kMaxTables) return Error(Code::usage, "schema: expected 1 to 64 datasets");
  Beside out;
  out.engine_ = engine.string();
  out.columns_ = columns;
  for (const auto& [name, table] : columns) {
    REDOUBT_TRY(const auto schema, jobs::Manifest::parse(manifest_of(name, table, 1).canonical()).context("schema of " + name));
    EngineRequest request{EngineRequest::Operation::script, script, "none", 2, {{schema.canonical(), {}}}};
    if (interrupted()) return Error(Code::unavailable, "interrupted");
    REDOUBT_TRY(const EngineAnswer answer, engines::ask_engine(out.engine_, request, kTimeout));
    if (answer.kind != EngineAnswer::Kind::result) return Error(Code::malformed, "fixture: making " + name + ": " + answer.message);
    std::string csv = csv_of(answer);
    const jobs::Manifest whole = manifest_of(name, table, answer.rows.size());
    REDOUBT_TRY(const table::Encoded file, sdk::table_file_of(name, table, as_bytes(csv)).context("fixture: " + name));
    out.loaded_.push_back({whole.canonical(), to_bytes(file.file.reveal())});
    out.tables_.emplace(name, std::move(csv));
  }
  return out;
}

wire::EngineRequest Beside::request() const { return {EngineRequest::Operation::examine, "", "none", 2, loaded_}; }

Status Beside::examine_into(std::span<const Entry* const> entries, std::span<Examined> out) const {
  EngineRequest request = this->request();
  for (const Entry* entry : entries) request.earlier.push_back(asked(*entry, loaded_.size()));
  REDOUBT_TRY(const EngineAnswer answer, engines::ask_engine(engine_, request, kTimeout));
  if (answer.kind != EngineAnswer::Kind::result) return Error(Code::unavailable, "query engine: " + answer.message);
  if (answer.names.size() != EngineRequest::kExamined.size() || answer.rows.size() != entries.size()) {
    return Error(Code::unavailable, "query engine: expected a row for each query");
  }
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = read_examined(answer.rows[i]);
  return {};
}

std::vector<Examined> Beside::examine(std::span<const Entry* const> entries, const Interrupted& interrupted) const {
  std::vector<Examined> out(entries.size());
  // Halves, until those that are left over are the ones that cannot be told.
  const auto part = [&](const auto& self, std::size_t from, std::size_t count) -> void {
    if (count == 0 || interrupted() || examine_into(entries.subspan(from, count), std::span(out).subspan(from, count)).ok() || count == 1) return;
    self(self, from, count / 2);
    self(self, from + count / 2, count - count / 2);
  };
  part(part, 0, entries.size());
  return out;
}

Result<std::string> Beside::why_unanswered(const Entry& entry, std::span<const Entry* const> before) const {
  EngineRequest request = this->request();
  request.operation = EngineRequest::Operation::run;
  request.sql = entry.sql;
  request.level = entry.level;
  request.k = static_cast<std::uint64_t>(entry.k);
  if (entry.level == name_of(jobs::PrivacyLevel::differential_privacy)) request.noise = default_noise();
  for (const Entry* earlier : before) request.earlier.push_back(asked(*earlier, loaded_.size()));
  const auto answer = engines::ask_engine(engine_, request, kTimeout);
  if (answer.ok() && answer->kind == EngineAnswer::Kind::withheld) return answer->rule;
  if (answer.ok() && answer->kind == EngineAnswer::Kind::failed && of_the_query(answer->message)) return std::string();
  return Error(Code::unavailable, "not answered, and no rule explains it");
}

}  // namespace redoubt::corpus
