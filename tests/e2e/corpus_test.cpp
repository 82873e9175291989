// Goal: `redoubt query corpus` puts each entry to a real room and tells what became of it: verdict, rule, rows, shares, exit code. Method: the
// real programs over a small table of ours: attacks refused by their text and by what was asked before, honest queries, one of which has a
// group withheld, entries that cannot be run, and labels that are wrong.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <thread>

#include "common/base/json.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/test_cache.h"
#include "untrusted/launch/process.h"

namespace redoubt {
namespace {

constexpr std::string_view kFixture =
    "CREATE TABLE visits AS SELECT i AS person, CASE WHEN i <= 30 THEN 'a' WHEN i <= 60 THEN 'b' ELSE 'c' END AS place, i % 17 AS score "
    "FROM range(1, 65) t(i);\n";

constexpr std::string_view kSchema = R"({"datasets": {"visits": [{"name": "person", "type": "BIGINT", "role": "unit"},
  {"name": "place", "type": "VARCHAR"}, {"name": "score", "type": "INTEGER", "min": "0", "max": "16"}]}})";

struct Ran {
  int code = -1;
  std::string text;  // standard output and error
  std::map<std::string, json::Value> lines;  // by id
};

class QueryCorpus : public testing::Test {
 protected:
  std::string file(const std::string& name, std::string_view text) {
    const auto path = folder_.path() / name;
    std::ofstream(path) << text;
    return path.string();
  }

  launch::Command command_for(std::string_view corpus, const std::vector<std::string>& more) {
    launch::Command command;
    command.program = std::filesystem::path(REDOUBT_PROGRAM_DIR) / "redoubt";
    command.arguments = {"query", "corpus", file("corpus.json", corpus), "--fixture", file("fixture.sql", kFixture), "--schema", file("schema.json", kSchema)};
    command.arguments.insert(command.arguments.end(), more.begin(), more.end());
    if (std::filesystem::exists(ca_.folder())) command.arguments.insert(command.arguments.end(), {"--tpm-ca", ca_.folder().string()});
    command.environment = {"HOME=" + folder_.path().string()};
    command.output = folder_.path() / "output";
    return command;
  }

  Ran run(std::string_view corpus, const std::vector<std::string>& more = {}) {
    auto process = OrDie(launch::Process::start(command_for(corpus, more)));
    const auto exit = OrDie(process.wait(std::chrono::seconds(240)));
    Ran ran{exit.code, process.output(1U << 20), {}};
    std::istringstream lines(ran.text);
    for (std::string line; std::getline(lines, line);) {
      const auto value = json::parse(line);
      if (!value.ok() || value->object() == nullptr || !value->object()->contains("id")) continue;
      ran.lines.emplace(*value->object()->at("id").string(), *value);
    }
    return ran;
  }

  static std::string text(const Ran& ran, const std::string& id, const std::string& member) {
    const auto line = ran.lines.find(id);
    if (line == ran.lines.end() || !line->second.object()->contains(member)) return "absent";
    const json::Value& value = line->second.object()->at(member);
    return value.string() != nullptr ? *value.string() : json::canonical(value);
  }

  test::TempDir folder_;
  const test::KeptCa ca_{folder_.path() / "lent" / "tpm-ca"};
};

// Process of the kernel's list, as far as it is needed to find a room's engine at work. Where a program runs from is not shown of these
// processes, which nobody may trace, to who is not root; the name is, cut to 15 characters. An engine and its room have the same then.
struct Listed {
  pid_t parent = -1;
  long ticks = 0;  // of processor time
  std::string name;
};
constexpr const char* kRoomOrEngine = "redoubt-cleanro";

Listed listed(pid_t pid) {
  const std::filesystem::path folder = "/proc/" + std::to_string(pid);
  Listed out;
  // Not through a stream: the process may end between opening and reading, which a stream throws on.
  std::string text(4096, '\0');
  const int file = ::open((folder / "stat").c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t size = file < 0 ? -1 : ::read(file, text.data(), text.size());
  if (file >= 0) ::close(file);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  const std::size_t from = text.find('('), to = text.rfind(')');
  if (from == std::string::npos || to == std::string::npos) return out;
  out.name = text.substr(from + 1, to - from - 1);
  std::istringstream rest(text.substr(to + 1));
  std::string state, skipped;
  rest >> state >> out.parent;
  for (int i = 0; i < 9; ++i) rest >> skipped;
  long user = 0, system = 0;
  rest >> user >> system;
  out.ticks = user + system;
  return out;
}

// kill_engines ends each engine of a room below `ancestor` that has computed for half a second: judging a text takes less, so it is a run.
int kill_engines(pid_t ancestor) {
  int killed = 0;
  for (const auto& item : std::filesystem::directory_iterator("/proc")) {
    const std::string name = item.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t pid = std::stoi(name);
    const Listed engine = listed(pid);
    if (engine.name != kRoomOrEngine || engine.ticks < ::sysconf(_SC_CLK_TCK) / 2 || listed(engine.parent).name != kRoomOrEngine) continue;
    pid_t above = engine.parent;
    while (above > 1 && above != ancestor) above = listed(above).parent;
    if (above == ancestor && ::kill(pid, SIGKILL) == 0) ++killed;
  }
  return killed;
}

TEST_F(QueryCorpus, TellsOfEachEntryWhatTheRoomSaid) {
  const Ran ran = run(R"j({"title": "ours", "defaults": {"k": 10}, "queries": [
    {"id": "statement", "category": "x", "privacy_level": "none", "sql": "DROP TABLE visits", "expect": "reject", "why": "G1", "weight": 0.5},
    {"id": "rows", "privacy_level": "aggregate_only", "sql": "SELECT place FROM visits", "expect": "reject", "why": "A1"},
    {"id": "person", "privacy_level": "aggregate_only", "sql": "SELECT count(*) FROM visits WHERE person = 3", "expect": "reject", "why": "S3"},
    {"id": "total", "privacy_level": "aggregate_only", "sql": "SELECT count(*) AS n FROM visits", "expect": "allow", "released_rows": 1},
    {"id": "near", "privacy_level": "aggregate_only", "sql": "SELECT count(*) FROM visits WHERE place <> 'c'", "expect": "reject", "why": "T4", "after": ["total"]},
    {"id": "parts", "privacy_level": "aggregate_only", "sql": "SELECT place, count(*) FROM visits WHERE place <> 'c' GROUP BY place", "expect": "reject",
     "why": "T5", "after": ["total"]},
    {"id": "alone", "privacy_level": "aggregate_only", "sql": "SELECT place, count(*) FROM visits WHERE place <> 'c' GROUP BY place", "expect": "allow",
     "released_rows": 2},
    {"id": "small", "privacy_level": "aggregate_only", "sql": "SELECT place, count(*) FROM visits GROUP BY place", "expect": "allow_suppressed",
     "released_rows": 1},
    {"id": "tuples", "privacy_level": "k_anonymized", "sql": "SELECT place FROM visits WHERE place = 'a'", "expect": "allow", "released_rows": 30},
    {"id": "approved", "privacy_level": "none", "sql": "SELECT person FROM visits WHERE place = 'c' ORDER BY person", "expect": "allow", "released_rows": 4},
    {"id": "noise", "privacy_level": "differential_privacy", "sql": "SELECT count(*) AS n, sum(score) AS s FROM visits", "expect": "allow", "released_rows": 1},
    {"id": "largest", "privacy_level": "differential_privacy", "sql": "SELECT max(score) FROM visits", "expect": "reject", "why": "D2"},
    {"id": "constants", "privacy_level": "none", "sql": "VALUES (1), (2), (3)", "expect": "allow", "released_rows": 3},
    {"id": "unlabelled", "privacy_level": "aggregate_only", "sql": "SELECT avg(score) FROM visits"}]})j");
  EXPECT_EQ(ran.code, 0) << ran.text;
  const std::map<std::string, std::array<std::string, 3>> expected = {
      {"statement", {"reject", "G1", "null"}}, {"rows", {"reject", "A1", "null"}},          {"person", {"reject", "S3", "null"}},
      {"total", {"allow", "null", "1"}},       {"near", {"reject", "T4", "null"}},          {"parts", {"reject", "T5", "null"}},
      {"alone", {"allow", "null", "2"}},       {"small", {"allow_suppressed", "null", "1"}}, {"tuples", {"allow", "null", "30"}},
      {"approved", {"allow", "null", "4"}},    {"constants", {"allow", "null", "3"}},       {"unlabelled", {"allow", "null", "1"}},
      {"noise", {"allow", "null", "1"}},       {"largest", {"reject", "D2", "null"}}};
  EXPECT_EQ(ran.lines.size(), expected.size()) << ran.text;
  for (const auto& [id, members] : expected) {
    EXPECT_EQ(text(ran, id, "verdict"), members[0]) << id << "\n" << ran.text;
    EXPECT_EQ(text(ran, id, "rule"), members[1]) << id;
    EXPECT_EQ(text(ran, id, "released_rows"), members[2]) << id;
    EXPECT_EQ(text(ran, id, "error"), "absent") << id;
  }
  EXPECT_NE(ran.text.find("attacks refused: 6 of 6 (100.0 %)\nhonest accepted: 7 of 7 (100.0 %)\n"), std::string::npos) << ran.text;
}

TEST_F(QueryCorpus, GoesOnAfterEntriesThatCannotBeRunAndCountsThemAsWrong) {
  const Ran ran = run(R"j({"queries": [
    {"id": "bad", "privacy_level": "aggregate_only", "expect": "reject"},
    "no entry",
    {"id": "level", "privacy_level": "somewhat", "sql": "SELECT count(*) FROM visits", "expect": "allow"},
    {"id": "lost", "privacy_level": "aggregate_only", "sql": "SELECT count(*) FROM visits", "expect": "allow", "after": ["nobody"]},
    {"id": "wrong", "privacy_level": "aggregate_only", "sql": "SELECT count(*) FROM visits", "expect": "reject"},
    {"id": "first", "privacy_level": "aggregate_only", "sql": "SELECT * FROM visits", "expect": "reject"},
    {"id": "second", "privacy_level": "aggregate_only", "sql": "SELECT count(*) FROM visits", "expect": "allow", "after": ["first"]},
    {"id": "good", "privacy_level": "aggregate_only", "sql": "SELECT count(*) FROM visits", "expect": "allow"}]})j",
                      {"-o", "json"});
  EXPECT_EQ(ran.code, 5) << ran.text;
  for (const char* id : {"bad", "#2", "level", "lost", "second"}) {
    EXPECT_EQ(text(ran, id, "verdict"), "null") << id << "\n" << ran.text;
    EXPECT_NE(text(ran, id, "error"), "absent") << id;
  }
  EXPECT_EQ(text(ran, "wrong", "verdict"), "allow");
  EXPECT_EQ(text(ran, "good", "verdict"), "allow");
  EXPECT_NE(ran.text.find(R"("attacks":3,"attacks_refused":1)"), std::string::npos) << ran.text;
  EXPECT_NE(ran.text.find(R"("honest":4,"honest_accepted":1)"), std::string::npos) << ran.text;
  EXPECT_NE(ran.text.find("error: 6 of 8 entries did not come out as labelled: bad, #2, level, lost, wrong, second"), std::string::npos) << ran.text;
}

TEST_F(QueryCorpus, AnEngineThatIsKilledRefusesNoAttack) {
  const std::string corpus = R"j({"queries": [
    {"id": "cast", "privacy_level": "none", "sql": "SELECT CAST(place AS INTEGER) FROM visits", "expect": "reject"},
    {"id": "long", "privacy_level": "none", "expect": "reject",
     "sql": "SELECT count(*) FROM visits a, visits b, visits c, visits d, visits e WHERE e.person <= 16 AND (a.score * b.score + c.score * d.score + e.score) % 7 = 3"}]})j";
  auto process = OrDie(launch::Process::start(command_for(corpus, {"--rooms", "1"})));
  int killed = 0;
  for (int i = 0; i < 10'000 && !process.exited(); ++i) {
    killed += kill_engines(process.pid());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const auto exit = OrDie(process.wait(std::chrono::seconds(30)));
  const Ran ran{exit.code, process.output(1U << 20), {}};
  EXPECT_GE(killed, 1) << ran.text;
  EXPECT_EQ(ran.code, 5) << ran.text;
  EXPECT_NE(ran.text.find(R"({"id":"cast","verdict":"reject","rule":null,"released_rows":null})"), std::string::npos) << ran.text;
  EXPECT_NE(ran.text.find(R"({"id":"long","verdict":null,"rule":null,"released_rows":null,"error":"not answered, and no rule explains it"})"), std::string::npos)
      << ran.text;
  EXPECT_NE(ran.text.find("attacks refused: 1 of 2"), std::string::npos) << ran.text;
}

TEST_F(QueryCorpus, LeavesNothingBehindWhenItIsEnded) {
  const auto scratch = folder_.path() / "scratch";
  std::filesystem::create_directory(scratch);
  std::string corpus = R"({"queries": [)";
  for (int i = 0; i < 200; ++i) {
    corpus += std::string(i == 0 ? "" : ",") + R"j({"id": "q)j" + std::to_string(i) + R"j(", "privacy_level": "aggregate_only", "sql": "SELECT count(*) FROM visits"})j";
  }
  auto process = OrDie(launch::Process::start(command_for(corpus + "]}", {"--scratch", scratch.string()})));
  const auto answered = [&] { return process.output(1U << 20).find(R"("id":"q1")") != std::string::npos; };
  for (int i = 0; i < 1000 && !answered() && !process.exited(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ASSERT_TRUE(answered()) << process.output(1U << 20);
  EXPECT_FALSE(std::filesystem::is_empty(scratch));
  ASSERT_EQ(::kill(process.pid(), SIGTERM), 0);
  const auto exit = OrDie(process.wait(std::chrono::seconds(120)));
  EXPECT_EQ(exit.signal, SIGTERM) << exit.text();
  EXPECT_TRUE(std::filesystem::is_empty(scratch));
}

TEST_F(QueryCorpus, SaysWhatIsWrongWithItsFiles) {
  EXPECT_EQ(run("junk").code, 10);
  EXPECT_EQ(run(R"({"queries": []})", {"--schema", "visits=/nonexistent"}).code, 3);
  EXPECT_EQ(run(R"({"queries": []})", {"--fixture", "/nonexistent"}).code, 2);
  const Ran empty = run(R"({"queries": []})");
  EXPECT_EQ(empty.code, 0) << empty.text;
  EXPECT_NE(empty.text.find("warning: no entry has a label"), std::string::npos) << empty.text;
}

}  // namespace
}  // namespace redoubt
