// Goal: beside the room it is told what a text reads, what refuses it, and how much is withheld, entry by entry. Method: the real engine
// program over a table that a script makes; one engine that is none.
#include "client/corpus/beside.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt::corpus {
namespace {

const std::string kEngine = std::string(REDOUBT_PROGRAM_DIR) + "/redoubt-cleanroom-engine";
// 30 people at a, 12 at b, 4 at c; every tenth has no note, every seventh an empty one.
const std::string kScript =
    "CREATE TABLE visits AS SELECT i AS person, CASE WHEN i <= 30 THEN 'a' WHEN i <= 42 THEN 'b' ELSE 'c' END AS place, "
    "CASE WHEN i % 10 = 0 THEN NULL WHEN i % 7 = 0 THEN '' ELSE 'x,\"' || i END AS note FROM range(1, 47) t(i)";

const Beside::Interrupted kNever = [] { return false; };

sdk::DatasetColumns columns() {
  return {{"visits",
           {{"person", "BIGINT", jobs::ColumnRole::unit, "", ""},
            {"place", "VARCHAR", jobs::ColumnRole::attribute, "", ""},
            {"note", "VARCHAR", jobs::ColumnRole::attribute, "", ""}}}};
}

Entry entry(std::string sql, std::string level = "aggregate_only", int k = 10) { return {"e", std::move(level), std::move(sql), k, Expect::none, {}, {}, ""}; }

TEST(Beside, SaysWhatIsReadWhatRefusesAndWhatIsWithheld) {
  const Beside beside = OrDie(Beside::make(kEngine, kScript, columns(), kNever));
  EXPECT_TRUE(beside.tables().at("visits").starts_with("person,place,note\n1,a,\"x,\"\"1\"\n")) << beside.tables().at("visits").substr(0, 60);
  const Entry entries[] = {entry("SELECT place, count(*) FROM visits GROUP BY place"),
                           entry("SELECT count(*) FROM visits"),
                           entry("SELECT place, count(*) FROM visits GROUP BY place", "aggregate_only", 4),
                           entry("SELECT place, max(note) FROM visits GROUP BY place"),
                           entry("SELECT count(*) FROM nothing", "none"),
                           entry("SELECT 1 AS one", "none"),
                           entry("SELECT count(*) FROM visits", "unheard of"),
                           entry("SELECT count(*) FROM visits WHERE note IS NULL", "none")};
  std::vector<const Entry*> all;
  for (const Entry& one : entries) all.push_back(&one);
  const auto found = beside.examine(all, kNever);
  ASSERT_EQ(found.size(), 8U);
  EXPECT_EQ(found[0].datasets, std::vector<std::string>{"visits"});
  EXPECT_EQ(found[0].withheld, 2U);  // c by T1, b by T2
  EXPECT_EQ(found[1].withheld, 0U);
  EXPECT_EQ(found[2].withheld, 0U);
  EXPECT_EQ(found[3].rule, "A2");
  EXPECT_FALSE(found[3].withheld);
  EXPECT_EQ(found[4].rule, "G2");
  EXPECT_TRUE(found[5].told);
  EXPECT_TRUE(found[5].datasets.empty());
  EXPECT_FALSE(found[6].told);
  EXPECT_EQ(found[7].withheld, 0U);
}

TEST(Beside, NamesTheRuleThatRefusesForWhatWasAskedBefore) {
  const Beside beside = OrDie(Beside::make(kEngine, kScript, columns(), kNever));
  const Entry total = entry("SELECT count(*) FROM visits");
  const Entry part = entry("SELECT count(*) FROM visits WHERE place <> 'c'");
  const Entry groups = entry("SELECT place, count(*) FROM visits WHERE place <> 'c' GROUP BY place");
  const Entry* const before[] = {&total};
  EXPECT_EQ(OrDie(beside.why_unanswered(part, before)), "T4");
  EXPECT_EQ(OrDie(beside.why_unanswered(groups, before)), "T5");
}

TEST(Beside, NoAnswerThatNeitherARuleNorTheQueryItselfExplainsIsNoRefusal) {
  const Beside beside = OrDie(Beside::make(kEngine, kScript, columns(), kNever));
  const Entry total = entry("SELECT count(*) FROM visits");
  const Entry part = entry("SELECT count(*) FROM visits WHERE place <> 'c'");
  const Entry* const before[] = {&total};
  constexpr std::string_view none = "not answered, and no rule explains it";
  EXPECT_ERROR(beside.why_unanswered(part, {}), Code::unavailable, none);
  EXPECT_ERROR(beside.why_unanswered(total, before), Code::unavailable, none);
  EXPECT_ERROR(beside.why_unanswered(entry("SELECT place FROM visits", "none"), {}), Code::unavailable, none);
  // The engine beside the room must be given noise, or it would fail at this level whatever is asked.
  EXPECT_ERROR(beside.why_unanswered(entry("SELECT count(*) FROM visits", "differential_privacy"), {}), Code::unavailable, none);
  EXPECT_EQ(OrDie(beside.why_unanswered(entry("SELECT CAST(place AS INTEGER) FROM visits", "none"), {})), "");
  EXPECT_EQ(OrDie(beside.why_unanswered(entry("SELECT a.person FROM visits a, visits b, visits c, visits d", "none"), {})), "");
}

TEST(Beside, OnceInterruptedItAsksTheEngineNothingMore) {
  sdk::DatasetColumns two = columns();
  two["visits2"] = two["visits"];
  const std::string script = kScript + "; CREATE TABLE visits2 AS SELECT * FROM visits";
  std::size_t asked = 0;
  const auto at = [&asked](std::size_t time) { return [&asked, time] { return ++asked == time; }; };
  EXPECT_ERROR(Beside::make(kEngine, script, two, at(1)), Code::unavailable, "interrupted");
  EXPECT_EQ(asked, 1U);
  asked = 0;
  EXPECT_ERROR(Beside::make(kEngine, script, two, at(2)), Code::unavailable, "interrupted");
  EXPECT_EQ(asked, 2U);
  asked = 0;
  const Beside beside = OrDie(Beside::make(kEngine, script, two, at(3)));
  const Entry total = entry("SELECT count(*) FROM visits");
  const Entry* const all[] = {&total, &total};
  for (const Examined& one : beside.examine(all, [] { return true; })) EXPECT_FALSE(one.told);
  for (const Examined& one : beside.examine(all, kNever)) EXPECT_TRUE(one.told);
}

TEST(Beside, AScriptThatMakesOtherTablesOrNoneIsRefused) {
  EXPECT_ERROR(Beside::make(kEngine, "CREATE TABLE others (person BIGINT)", columns(), kNever), Code::malformed, "making visits");
  EXPECT_ERROR(Beside::make(kEngine, "CREATE TABLE visits (person BIGINT)", columns(), kNever), Code::malformed, "making visits");
  EXPECT_ERROR(Beside::make(kEngine, "junk", columns(), kNever), Code::malformed, "making visits");
  EXPECT_ERROR(Beside::make(kEngine, "CREATE TABLE visits AS SELECT * FROM read_csv('/etc/passwd')", columns(), kNever), Code::malformed, "making visits");
  EXPECT_ERROR(Beside::make("/nonexistent", kScript, columns(), kNever), Code::missing_dependency, "no program");
  EXPECT_ERROR(Beside::make("/bin/cat", kScript, columns(), kNever), Code::unavailable, "");
  EXPECT_ERROR(Beside::make(kEngine, kScript, {}, kNever), Code::usage, "schema");
}

}  // namespace
}  // namespace redoubt::corpus
