// evidence conformance: files of test vectors, judged entry by entry.
#include <ostream>

#include "client/cli/commands.h"
#include "client/sdk/conformance/conformance.h"

namespace redoubt::cli {
namespace {

json::Value count(std::size_t value) { return static_cast<std::int64_t>(value); }

Status judge_file(Session& session, const std::string& file) {
  const auto report = [&session](const conformance::Verdict& verdict) {
    session.out() << json::canonical(conformance::verdict_json(verdict)) << '\n';
  };
  REDOUBT_TRY(const conformance::Summary summary, conformance::run(file, report));
  session.out() << json::canonical(json::Object{{"failed", count(summary.failed)}, {"passed", count(summary.passed)}, {"skipped", count(summary.skipped)}})
                << '\n';
  if (summary.failed == 0) return {};
  session.next("compare \"expected\" and \"got\" of the lines that say \"ok\":false");
  return Error(Code::refused, "conformance: " + std::to_string(summary.failed) + " entries did not come out as expected");
}

}  // namespace

void add_conformance_command(Commands& commands, CLI::App* evidence) {
  Session& session = commands.session;
  const auto file = std::make_shared<std::string>();
  CLI::App* verb = add_verb(commands, evidence, "conformance", "judge a file of test vectors, one JSON line per case and then the counts (docs/conformance.md)",
                            {"redoubt evidence conformance vectors/intel-dcap/cases.json"},
                            [&session, file] { return judge_file(session, *file); });
  verb->add_option("file", *file, "the JSON file of cases")->required();
}

}  // namespace redoubt::cli
