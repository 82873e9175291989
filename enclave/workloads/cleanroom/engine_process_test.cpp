// Goal: the engine process answers, and when it is killed, lies or hangs, one request fails and the caller goes on. Method: the real
// engine program over DuckDB; then other programs in its place: one that ends, one that babbles, one that never answers.
#include "enclave/workloads/cleanroom/engine_process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "common/jobs/cleanroom/ballot.h"
#include "enclave/runtime/sandbox/sandbox.h"
#include "enclave/workloads/cleanroom/table_memory.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/stride.h"
#include "tests/support/table_files.h"

namespace redoubt::cleanroom {
namespace {

constexpr std::string_view kPatients = "patient_id,diagnosis\n1,benign\n2,benign\n3,benign\n4,malignant\n5,malignant\n6,malignant\n";

jobs::Manifest manifest(std::uint64_t rows = 6) {
  return {"hospital", 1, "hospital", ContractDigest(),
          {{"patient_id", "BIGINT", jobs::ColumnRole::unit, "", ""}, {"diagnosis", "VARCHAR", jobs::ColumnRole::attribute, "", ""}},
          rows, 0, receipt::TreeHash()};
}

const SecretBytes& file_of_six() {
  static const SecretBytes file = test::table_file(kPatients, manifest());
  return file;
}

EngineProcess engine(std::string program = std::string(REDOUBT_PROGRAM_DIR) + "/redoubt-cleanroom-engine") {
  return EngineProcess({std::move(program), std::string(jobs::kRuleSet), std::chrono::milliseconds(20'000)});
}

TEST(EngineProcess, ChecksLoadsAndRunsInDuckDb) {
  EngineProcess process = engine();
  const jobs::Manifest table = manifest();
  const std::string sql = "SELECT diagnosis, count(*) AS n FROM hospital GROUP BY diagnosis ORDER BY diagnosis";
  const QueryCheck check = OrDie(process.check(sql, {&table}, {jobs::PrivacyLevel::aggregate_only, 3}));
  EXPECT_TRUE(check.accepted) << check.message;
  EXPECT_EQ(check.datasets, std::vector<std::string>{"hospital"});
  EXPECT_OK(process.load({&table, file_of_six().reveal()}));
  const jobs::ResultTable result = OrDie(process.run(sql, {{&table, file_of_six().reveal()}}, {jobs::PrivacyLevel::aggregate_only, 3}, {}, {}));
  EXPECT_EQ(result.columns, (std::vector<std::string>{"diagnosis", "n"}));
  ASSERT_EQ(result.rows.size(), 2U);
  EXPECT_EQ(result.rows[0][0], "benign");
  EXPECT_EQ(result.rows[1][1], "3");
}

TEST(EngineProcess, RefusesByRuleAndWithoutLookingAtData) {
  EngineProcess process = engine();
  const jobs::Manifest table = manifest();
  for (const char* sql : {"SELECT * FROM hospital", "SELECT count(*) FROM read_text('/etc/hostname')", "DROP TABLE hospital",
                          "SELECT max(diagnosis) FROM hospital", "SELECT count(*) FROM hospital WHERE patient_id = 3"}) {
    const QueryCheck check = OrDie(process.check(sql, {&table}, {jobs::PrivacyLevel::aggregate_only, 3}));
    EXPECT_FALSE(check.accepted) << sql;
    EXPECT_FALSE(check.rule.empty());
    EXPECT_ERROR(process.run(sql, {{&table, file_of_six().reveal()}}, {jobs::PrivacyLevel::aggregate_only, 3}, {}, {}), Code::refused, "rule " + check.rule);
  }
}

TEST(EngineProcess, RefusesRowsThatDoNotFitTheManifest) {
  EngineProcess process = engine();
  const jobs::Manifest table = manifest();
  const jobs::Manifest longer = manifest(7);
  EXPECT_ERROR(process.load({&longer, file_of_six().reveal()}), Code::malformed, "expected 7 rows, found 6");
  EXPECT_ERROR(process.load({&table, as_bytes(kPatients)}), Code::malformed, "no table file");
  EXPECT_ERROR(process.load({&table, file_of_six().reveal().first(file_of_six().size() - 1)}), Code::malformed, "group 1, column 2");
  EXPECT_OK(process.load({&table, file_of_six().reveal()}));
}

TableMemory sealed_memory(ByteView bytes) {
  TableMemory memory = OrDie(TableMemory::create(bytes.size()));
  std::ranges::copy(bytes, memory.next(bytes.size()).begin());
  EXPECT_OK(memory.seal());
  return memory;
}

TEST(EngineProcess, TakesATableAsSealedMemoryAsItTakesItsRows) {
  EngineProcess process = engine();
  const jobs::Manifest table = manifest();
  const TableMemory memory = sealed_memory(file_of_six().reveal()), cut = sealed_memory(file_of_six().reveal().first(file_of_six().size() - 1));
  TableView view{&table, memory.view(), memory.file()};
  EXPECT_ERROR(process.load({&table, cut.view(), cut.file()}), Code::malformed, "group 1, column 2");
  EXPECT_OK(process.load(view));
  view.checked_before = true;
  const std::string sql = "SELECT diagnosis, count(*) AS n FROM hospital GROUP BY diagnosis ORDER BY diagnosis";
  const Protection protection{jobs::PrivacyLevel::aggregate_only, 3};
  EXPECT_EQ(OrDie(process.run(sql, {view}, protection, {}, {})).rows, OrDie(process.run(sql, {{&table, file_of_six().reveal()}}, protection, {}, {})).rows);
  // Earlier queries bring tables of their own; each is handed over once.
  jobs::Manifest older = manifest();
  older.version = 2;
  const Asked before{sql, jobs::PrivacyLevel::aggregate_only, 3, {{&older, memory.view(), memory.file(), true}}};
  EXPECT_OK(process.run(sql, {view}, protection, {before}, {}));
}

// Whether a query is answered tells nothing of a row on which something in it fails: two tables that differ in one row have one verdict.
TEST(EngineProcess, OneRowMoreOnWhichSomethingFailsChangesNoVerdict) {
  jobs::Manifest table = manifest(40);
  table.columns.push_back({"age", "BIGINT", jobs::ColumnRole::attribute, "", ""});
  table.columns.push_back({"ratio", "DOUBLE", jobs::ColumnRole::attribute, "", ""});
  const auto csv_with = [](const char* last) {
    std::string csv = "patient_id,diagnosis,age,ratio\n";
    for (int i = 0; i < 39; ++i) csv += std::to_string(i) + "," + std::to_string(i % 2) + "," + std::to_string(i) + ",0.5\n";
    return csv + last + "\n";
  };
  const std::string calm = csv_with("40,1,7,0.5"), wild = csv_with("40,x,9223372036854775807,1e308");
  const std::string big = "(CASE WHEN patient_id IN (SELECT patient_id FROM hospital WHERE age > 20) THEN 9223372036854775807 ELSE 0 END)";
  const std::vector<std::string> texts{
      "SELECT count(*) AS n FROM hospital WHERE " + big + " + age > 0 OR age < 100",
      "SELECT count(*) AS n FROM hospital WHERE age + (SELECT 1) > 0 OR age < 100",
      "SELECT count(*) AS n FROM hospital WHERE diagnosis = 1 OR diagnosis = 0 OR age < 100",
      "SELECT count(*) FILTER (WHERE diagnosis = 1) AS a, count(*) FILTER (WHERE diagnosis = 0) AS b FROM hospital",
      "SELECT count(*) AS n FROM hospital WHERE diagnosis IN (0, 1, 2, 3, 4, 5, 6, 7, 8, 9) OR age < 100",
      "SELECT count(*) AS n FROM (SELECT patient_id, row_number() OVER (PARTITION BY patient_id ORDER BY age) * age * 3 AS x FROM hospital) WHERE x IS NULL OR x > -1",
      "SELECT count(*) AS n FROM (SELECT patient_id, sum(age::HUGEINT * 9223372036854775807) AS x, var_pop(ratio) AS v FROM hospital GROUP BY patient_id)",
      "SELECT count(CASE WHEN age > 1000 THEN 'x' END) AS few, count(*) AS n FROM hospital"};
  const SecretBytes seed = SecretBytes::copy_of(Bytes(32, std::byte{9}));
  for (const std::string& csv : {calm, wild}) {
    const SecretBytes file = test::table_file(csv, table);
    EngineProcess process = engine();
    // Each run is a process: every text at every level in ./test.sh --full; otherwise every text at one level, each level with several.
    std::size_t number = 0;
    for (const std::string& text : texts) {
      for (const auto level : {jobs::PrivacyLevel::aggregate_only, jobs::PrivacyLevel::k_anonymized, jobs::PrivacyLevel::differential_privacy}) {
        if (const std::size_t at = number++; at % 3 != at / 3 % 3 && test::stride(3) != 1) continue;
        const bool noisy = level == jobs::PrivacyLevel::differential_privacy;
        const auto noise = noisy ? std::optional(jobs::Noise{{"1", "0.000001"}, 1, 1}) : std::nullopt;
        const auto result = process.run(text, {{&table, file.reveal()}}, {level, 3, noise}, {}, noisy ? seed.reveal() : ByteView());
        EXPECT_TRUE(result.ok()) << text << ": " << result.error().message();
      }
    }
  }
}

TEST(EngineProcess, EveryKindOfAcceptedQueryRunsInsideTheSandbox) {
  // What the engine asks of the kernel depends on the query; a call that the sandbox forbids would end it here.
  jobs::Manifest table = manifest(20'000);
  table.columns.push_back({"age", "INTEGER", jobs::ColumnRole::attribute, "", ""});
  table.columns.push_back({"cost", "DECIMAL(9,2)", jobs::ColumnRole::attribute, "", ""});
  table.columns.push_back({"ratio", "DOUBLE", jobs::ColumnRole::attribute, "", ""});
  table.columns.push_back({"ok", "BOOLEAN", jobs::ColumnRole::attribute, "", ""});
  table.columns.push_back({"day", "DATE", jobs::ColumnRole::attribute, "", ""});
  std::string csv = "patient_id,diagnosis,age,cost,ratio,ok,day\n";
  for (int i = 0; i < 20'000; ++i) {
    const std::string n = std::to_string(i % 10);
    csv += std::to_string(i) + ",kind " + n + "," + std::to_string(i % 90) + "," + std::to_string(i % 1000) + ".25,0." + n + "5," +
           (i % 2 == 0 ? "true" : "false") + ",2024-0" + std::to_string(1 + i % 9) + "-1" + n + "\n";
  }
  const SecretBytes file = test::table_file(csv, table);
  EngineProcess process = engine();
  for (const char* sql : {
           "SELECT count(*), count(DISTINCT patient_id), count(diagnosis), count_if(ok) FROM hospital",
           "SELECT diagnosis, sum(cost), avg(age), median(cost), quantile_cont(cost, 0.25), stddev(ratio) FROM hospital GROUP BY diagnosis ORDER BY 2 DESC LIMIT 3",
           "SELECT corr(age, cost), covar_pop(age, ratio), regr_slope(age, cost), regr_r2(age, cost), var_samp(ratio) FROM hospital",
           "SELECT upper(diagnosis), count(*) FROM hospital WHERE diagnosis LIKE '%1' OR diagnosis ILIKE 'KIND 2' GROUP BY 1",
           "SELECT regexp_matches(diagnosis, '^kind [0-4]$'), count(*) FROM hospital GROUP BY 1",
           "SELECT date_trunc('month', day), count(*) FROM hospital GROUP BY 1 ORDER BY 1",
           "SELECT strftime(day, '%A %Y'), count(*) FROM hospital GROUP BY 1",
           "SELECT monthname(day), dayofweek(day), count(*) FROM hospital GROUP BY 1, 2",
           "SELECT year(day), month(day + to_days(40)), count(*) FROM hospital GROUP BY 1, 2",
           "SELECT date_diff('day', DATE '2024-01-01', day) // 30, count(*) FROM hospital GROUP BY 1",
           "SELECT CAST(age AS DOUBLE) / 0, ln(age + 1) > 2, count(*) FROM hospital GROUP BY 1, 2",
           "SELECT CAST(day AS TIMESTAMP) < TIMESTAMP '2024-05-01 00:00:00', count(*) FROM hospital GROUP BY 1",
           "SELECT split_part(diagnosis, ' ', 2), count(*) FILTER (WHERE age > 30) FROM hospital GROUP BY 1 HAVING count(*) > 10",
           "SELECT TRY_CAST(diagnosis AS INTEGER), sum(cost::TINYINT) FROM hospital GROUP BY 1",
       }) {
    const auto result = process.run(sql, {{&table, file.reveal()}}, {jobs::PrivacyLevel::aggregate_only, 3}, {}, {});
    if (result.ok()) continue;
    ADD_FAILURE() << sql << ": " << result.error().message();
  }
}

EngineProcess captured(std::string sandbox = "") {
  return EngineProcess({std::string(REDOUBT_TEST_PROGRAM_DIR) + "/captured_engine", "r", std::chrono::milliseconds(20'000), std::move(sandbox)});
}

TEST(EngineProcess, ACapturedEngineIsEndedByItsSandboxAndTheNextRequestIsAnswered) {
  if (runtime::kInsecureSanitizedBuild) GTEST_SKIP() << "a sanitizer's build has no sandbox";
  EngineProcess process = captured();
  const auto act = [&](const char* name) { return process.check(name, {}, {jobs::PrivacyLevel::aggregate_only, 3}); };
  ASSERT_OK(act("answer"));
  for (const char* name : {"open", "create", "socket", "connect", "fork", "execve", "ptrace", "kill", "standard error", "abort"}) {
    EXPECT_ERROR(act(name), Code::unavailable, "ended by its sandbox");
    const auto next = act("answer");
    EXPECT_OK(next) << "after " << name;
  }
  EXPECT_ERROR(act("memory"), Code::unavailable, "ended");
  EXPECT_OK(act("answer"));
  const jobs::Manifest table = manifest();
  EXPECT_OK(engine().load({&table, file_of_six().reveal()}));
}

TEST(EngineProcess, ACapturedEngineCannotChangeATable) {
  if (runtime::kInsecureSanitizedBuild) GTEST_SKIP() << "a sanitizer's build has no sandbox";
  const jobs::Manifest table = manifest();
  const TableMemory memory = sealed_memory(file_of_six().reveal());
  EngineProcess process = captured();
  // It overwrites what it was handed, and says so; that was a copy of its own.
  const auto answer = process.run("change tables", {{&table, memory.view(), memory.file()}}, {jobs::PrivacyLevel::aggregate_only, 3}, {}, {});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().message(), "query engine: ");
  EXPECT_TRUE(equal(memory.view(), file_of_six().reveal()));
}

TEST(StartedEngine, IsWorthAskingAsLongAsItWaits) {
  const auto real = OrDie(engines::StartedEngine::start(std::string(REDOUBT_PROGRAM_DIR) + "/redoubt-cleanroom-engine"));
  EXPECT_TRUE(real.waiting());
  const auto ended = OrDie(engines::StartedEngine::start("/bin/true"));
  for (int i = 0; i < 1000 && ended.waiting(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(ended.waiting());
}

std::size_t lines_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>(), '\n'));
}

TEST(EngineStarter, StartsOneAheadAndAnotherWhereThatOneEnded) {
  const test::TempDir temporary;
  const std::filesystem::path folder = temporary.path(), lines = folder / "lines", closed = folder / "closed";
  const auto program = [&](const char* name, const std::string& end) {
    const std::filesystem::path path = folder / name;
    std::ofstream(path) << "#!/bin/sh\necho started >> " << lines.string() << "\n" << end << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path.string();
  };
  const auto wait_for = [&](const std::filesystem::path& file, std::size_t count) {
    for (int i = 0; i < 1000 && lines_in(file) < count; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return lines_in(file);
  };
  {
    engines::EngineStarter starter(program("waits", "read line"));
    EXPECT_EQ(lines_in(lines), 0U);
    starter.prepare();
    ASSERT_EQ(wait_for(lines, 1), 1U);
    starter.prepare();
    const auto taken = starter.take();
    EXPECT_OK(taken);
    EXPECT_EQ(lines_in(lines), 1U) << "the one that waited";
    starter.prepare();
    EXPECT_EQ(wait_for(lines, 2), 2U);
  }
  engines::EngineStarter starter(program("ends", "exec 1>&-\necho closed >> " + closed.string()));
  starter.prepare();
  ASSERT_EQ(wait_for(closed, 1), 1U);
  ASSERT_EQ(lines_in(lines), 3U);
  const auto taken = starter.take();
  EXPECT_OK(taken);
  EXPECT_EQ(wait_for(lines, 4), 4U);
}

// A connection of the room that a waiting engine kept open would not end when the room closes it: a TPM that serves one at a time would serve nobody.
TEST(StartedEngine, HoldsNothingOpenOfWhoeverStartedIt) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);  // as libraries make them: any program that is started gets them
  {
    const auto waits = OrDie(engines::StartedEngine::start(std::string(REDOUBT_PROGRAM_DIR) + "/redoubt-cleanroom-engine"));
    close(ends[1]);
    pollfd closed{ends[0], POLLIN, 0};
    EXPECT_EQ(poll(&closed, 1, 10'000), 1);
    EXPECT_TRUE(waits.waiting());
  }
  close(ends[0]);
}

TEST(EngineProcess, TheRealEngineStatesItsSandboxAndAnotherStatementIsNotTaken) {
  const std::string stated = OrDie(engine().probe());
  if (runtime::kInsecureSanitizedBuild) {
    EXPECT_TRUE(stated.starts_with("insecure: ")) << stated;
  } else {
    EXPECT_TRUE(stated == "seccomp, no landlock" || stated.starts_with("seccomp, landlock ")) << stated;
  }
  EXPECT_EQ(OrDie(engine().probe()), stated);
  const auto ask = [](std::string sandbox) {
    return captured(std::move(sandbox)).check("answer", {}, {jobs::PrivacyLevel::aggregate_only, 3});
  };
  EXPECT_OK(ask(stated));
  EXPECT_ERROR(ask("seccomp, landlock 1000"), Code::unavailable, "another sandbox");
  EXPECT_ERROR(EngineProcess({"/bin/true", "r"}).probe(), Code::unavailable, "");
}

TEST(EngineProcess, ADeadBabblingOrAbsentEngineFailsOneRequest) {
  const jobs::Manifest table = manifest();
  const auto ask = [&](const char* program) {
    return engine(program).check("SELECT 1", {&table}, {jobs::PrivacyLevel::aggregate_only, 3});
  };
  EXPECT_ERROR(ask("/bin/false"), Code::unavailable, "ended without an answer");
  EXPECT_ERROR(ask("/bin/true"), Code::unavailable, "query engine: redoubt/engine/answer/2");
  EXPECT_ERROR(ask("/bin/cat"), Code::unavailable, "redoubt/engine/answer/2");  // echoes the request
  EXPECT_ERROR(ask("/nonexistent"), Code::unavailable, "");
}

TEST(EngineProcess, AnEngineThatNeverAnswersIsKilled) {
  const jobs::Manifest table = manifest();
  EngineProcess process({"/usr/bin/yes", "r", std::chrono::milliseconds(20'000)});  // answers without end
  EXPECT_ERROR(process.check("SELECT 1", {&table}, {jobs::PrivacyLevel::aggregate_only, 3}), Code::unavailable, "above the limit");
  EngineProcess silent({"/bin/cat", "r", std::chrono::milliseconds(0)});
  EXPECT_ERROR(silent.check("SELECT 1", {&table}, {jobs::PrivacyLevel::aggregate_only, 3}), Code::unavailable, "no answer in time");
}

}  // namespace
}  // namespace redoubt::cleanroom
