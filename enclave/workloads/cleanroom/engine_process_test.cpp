// Goal: the engine process answers, and when it is killed, lies or hangs, one request fails and the caller goes on. Method: the real
// engine program over DuckDB; then other programs in its place: one that ends, one that babbles, one that never answers.
#include "enclave/workloads/cleanroom/engine_process.h"

#include <gtest/gtest.h>

#include "common/jobs/cleanroom/ballot.h"
#include "tests/support/expect.h"

namespace redoubt::cleanroom {
namespace {

constexpr std::string_view kCsv = "patient_id,diagnosis\n1,benign\n2,benign\n3,benign\n4,malignant\n5,malignant\n6,malignant\n";

jobs::Manifest manifest(std::uint64_t rows = 6) {
  return {"hospital", 1, "hospital", ContractDigest(),
          {{"patient_id", "BIGINT", jobs::ColumnRole::unit, "", ""}, {"diagnosis", "VARCHAR", jobs::ColumnRole::attribute, "", ""}},
          rows, 0, receipt::TreeHash()};
}

EngineProcess engine(std::string program = std::string(REDOUBT_PROGRAM_DIR) + "/redoubt-cleanroom-engine") {
  return EngineProcess({std::move(program), std::string(jobs::kRuleSet), std::chrono::milliseconds(20'000)});
}

TEST(EngineProcess, ChecksLoadsAndRunsInDuckDb) {
  EngineProcess process = engine();
  const jobs::Manifest table = manifest();
  const std::string sql = "SELECT diagnosis, count(*) AS n FROM hospital GROUP BY diagnosis ORDER BY diagnosis";
  const QueryCheck check = OrDie(process.check(sql, {&table}, jobs::PrivacyLevel::aggregate_only, 3));
  EXPECT_TRUE(check.accepted) << check.message;
  EXPECT_EQ(check.datasets, std::vector<std::string>{"hospital"});
  EXPECT_OK(process.load({&table, as_bytes(kCsv)}));
  const jobs::ResultTable result = OrDie(process.run(sql, {{&table, as_bytes(kCsv)}}, jobs::PrivacyLevel::aggregate_only, 3));
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
    const QueryCheck check = OrDie(process.check(sql, {&table}, jobs::PrivacyLevel::aggregate_only, 3));
    EXPECT_FALSE(check.accepted) << sql;
    EXPECT_FALSE(check.rule.empty());
    EXPECT_ERROR(process.run(sql, {{&table, as_bytes(kCsv)}}, jobs::PrivacyLevel::aggregate_only, 3), Code::refused, "rule " + check.rule);
  }
}

TEST(EngineProcess, RefusesRowsThatDoNotFitTheManifest) {
  EngineProcess process = engine();
  const jobs::Manifest table = manifest();
  const jobs::Manifest longer = manifest(7);
  EXPECT_ERROR(process.load({&longer, as_bytes(kCsv)}), Code::malformed, "expected 7 rows, found 6");
  EXPECT_ERROR(process.load({&table, as_bytes("patient_id,diagnosis\nseven,benign\n")}), Code::malformed, "row 1");
  EXPECT_ERROR(process.load({&table, as_bytes("patient_id\n1\n")}), Code::malformed, "");
  EXPECT_OK(process.load({&table, as_bytes(kCsv)}));
}

TEST(EngineProcess, ADeadBabblingOrAbsentEngineFailsOneRequest) {
  const jobs::Manifest table = manifest();
  const auto ask = [&](const char* program) {
    return engine(program).check("SELECT 1", {&table}, jobs::PrivacyLevel::aggregate_only, 3);
  };
  EXPECT_ERROR(ask("/bin/false"), Code::unavailable, "ended without an answer");
  EXPECT_ERROR(ask("/bin/true"), Code::unavailable, "query engine: redoubt/engine/answer/1");
  EXPECT_ERROR(ask("/bin/cat"), Code::unavailable, "redoubt/engine/answer/1");  // echoes the request
  EXPECT_ERROR(ask("/nonexistent"), Code::unavailable, "");
}

TEST(EngineProcess, AnEngineThatNeverAnswersIsKilled) {
  const jobs::Manifest table = manifest();
  EngineProcess process({"/usr/bin/yes", "r", std::chrono::milliseconds(20'000)});  // answers without end
  EXPECT_ERROR(process.check("SELECT 1", {&table}, jobs::PrivacyLevel::aggregate_only, 3), Code::unavailable, "above the limit");
  EngineProcess silent({"/bin/cat", "r", std::chrono::milliseconds(0)});
  EXPECT_ERROR(silent.check("SELECT 1", {&table}, jobs::PrivacyLevel::aggregate_only, 3), Code::unavailable, "no answer in time");
}

}  // namespace
}  // namespace redoubt::cleanroom
