// query check: the verdict on a text before anybody is asked to vote on it, without hub, room or data.
#include <array>
#include <istream>
#include <ostream>

#include "client/cli/commands.h"
#include "client/cli/schema_files.h"
#include "client/sdk/files.h"
#include "client/sdk/query_check.h"

namespace redoubt::cli {
namespace {

constexpr std::size_t kMaxSql = 64 * 1024;

struct CheckOptions {
  std::vector<std::string> schemas;
  std::string level = "aggregate_only", sql;
  int k = 10;
};

// read_sql: a file, or standard input for "-"; without the line ends behind it, as `query submit` proposes it.
Result<std::string> read_sql(Session& session, const std::string& file) {
  std::string text;
  if (file == "-") {
    std::array<char, 4096> part{};
    while (text.size() <= kMaxSql && (session.world().in.read(part.data(), part.size()) || session.world().in.gcount() > 0)) {
      text.append(part.data(), static_cast<std::size_t>(session.world().in.gcount()));
    }
    if (text.size() > kMaxSql) return Error(Code::malformed, "standard input: expected at most 65536 bytes");
  } else {
    REDOUBT_TRY(text, sdk::read_file(file, kMaxSql));
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

// line_of: one line of the text, from 1; empty when there is none.
std::string_view line_of(std::string_view text, std::uint64_t number) {
  for (; number > 1; --number) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// print_place: the line with a caret below the column, which counts bytes; the caret stands after as many characters.
void print_place(std::ostream& out, std::string_view sql, std::uint64_t line, std::uint64_t column) {
  const std::string_view text = line_of(sql, line);
  if (line == 0 || column == 0 || column > text.size() + 1) return;
  std::size_t characters = 0;
  for (const char c : text.substr(0, column - 1)) characters += (static_cast<unsigned char>(c) & 0xc0) == 0x80 ? 0 : 1;
  out << '\n' << shown(text) << '\n' << std::string(characters, ' ') << "^\n";
}

void print_verdict(Session& session, const std::string& sql, const sdk::QueryVerdict& verdict) {
  std::ostream& out = session.out();
  if (verdict.accepted) {
    std::string datasets;
    for (const std::string& name : verdict.datasets) datasets += (datasets.empty() ? "" : ", ") + shown(name);
    print_table(out, {{"verdict", "datasets"}, {{"accepted", datasets.empty() ? "none" : datasets}}});
    return;
  }
  const std::string place = verdict.line == 0 ? "" : std::to_string(verdict.line) + ":" + std::to_string(verdict.column);
  print_table(out, {{"verdict", "rule", "place", "reason"}, {{"refused", verdict.rule, place, shown(verdict.message)}}});
  print_place(out, sql, verdict.line, verdict.column);
  if (!verdict.suggestion.empty()) out << "\nsuggestion: " << shown(verdict.suggestion, true) << '\n';
}

json::Value verdict_json(const sdk::QueryVerdict& verdict) {
  if (verdict.accepted) {
    json::Array datasets;
    for (const std::string& name : verdict.datasets) datasets.emplace_back(name);
    return json::Object{{"datasets", std::move(datasets)}, {"verdict", "accepted"}};
  }
  return json::Object{{"column", static_cast<std::int64_t>(verdict.column)}, {"line", static_cast<std::int64_t>(verdict.line)},
                      {"message", verdict.message},                          {"rule", verdict.rule},
                      {"suggestion", verdict.suggestion},                    {"verdict", "refused"}};
}

Status check(Session& session, const CheckOptions& options) {
  session.next("give schemas as `redoubt dataset put --schema` takes them: --schema NAME=FILE, or one file with all of them");
  sdk::QueryToCheck query{"", {}, options.level, options.k};
  REDOUBT_TRY(query.datasets, read_schema_files(options.schemas));
  session.next("give the text with --sql FILE, or - for standard input");
  REDOUBT_TRY(query.sql, read_sql(session, options.sql));
  session.next("see that redoubt-cleanroom-engine stands beside this program and runs here");
  REDOUBT_TRY(const auto verdict, sdk::check_query(session.world().programs / "redoubt-cleanroom-engine", query));
  if (session.json()) {
    print_json(session.out(), verdict_json(verdict));
  } else {
    print_verdict(session, query.sql, verdict);
  }
  if (verdict.accepted) return {};
  session.next("change the query; the rules are in docs/specs/query-rules.md");
  return Error(Code::refused, "rule " + verdict.rule + ": " + shown(verdict.message));
}

}  // namespace

void add_query_check_command(Commands& commands, CLI::App* query) {
  const auto options = std::make_shared<CheckOptions>();
  CLI::App* verb = add_verb(commands, query, "check", "judge a query by the rules, offline: no hub, no room, no data",
                            {"redoubt query check --schema hospital=hospital.json --schema laboratory=laboratory.json --sql query.sql",
                             "redoubt query check --schema study.json --level k_anonymized --k 20 --sql -"},
                            [&session = commands.session, options] { return check(session, *options); });
  verb->add_option("--schema", options->schemas, "NAME=FILE with the schema of one dataset, or a FILE {\"datasets\": {NAME: schema}}; may be repeated")
      ->required();
  verb->add_option("--level", options->level, "privacy level; default: aggregate_only")
      ->check(CLI::IsMember({"none", "k_anonymized", "aggregate_only", "differential_privacy"}));
  verb->add_option("--k", options->k, "smallest number of units behind a row; default: 10")->check(CLI::Range(2, 1'000'000));
  verb->add_option("--sql", options->sql, "file with the text of the query, - for standard input")->required();
}

}  // namespace redoubt::cli
