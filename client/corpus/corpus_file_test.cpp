// Goal: a corpus is read as its authors write it, and an entry that cannot be run costs itself alone. Method: whole corpora, entries with one
// thing wrong, texts that are none.
#include "client/corpus/corpus_file.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::corpus {
namespace {

Entry only(const std::string& entry) {
  const Corpus corpus = OrDie(read_corpus(R"({"queries": [)" + entry + "]}", 10));
  EXPECT_EQ(corpus.entries.size(), 1U);
  return corpus.entries.at(0);
}

TEST(CorpusFile, ReadsEntriesAndLeavesWhatItDoesNotKnow) {
  const Corpus corpus = OrDie(read_corpus(R"({"title": "t", "defaults": {"k": 12, "weight": 0.5}, "queries": [
    {"id": "a", "category": "c", "privacy_level": "none", "sql": "SELECT 1", "expect": "allow", "why": "w", "released_rows": 1, "new": [1.5, {}]},
    {"id": "b", "privacy_level": "aggregate_only", "sql": "SELECT 2", "expect": "reject", "why": "T4", "after": ["a"], "k": 20},
    {"id": 7, "privacy_level": "aggregate_only", "sql": "SELECT 3"}]})", 10));
  ASSERT_EQ(corpus.entries.size(), 3U);
  for (const Entry& entry : corpus.entries) EXPECT_EQ(entry.problem, "");
  EXPECT_EQ(corpus.entries[0].expect, Expect::allow);
  EXPECT_EQ(corpus.entries[0].released_rows, 1U);
  EXPECT_EQ(corpus.entries[0].k, 12);
  EXPECT_EQ(corpus.entries[1].after, std::vector<std::size_t>{0});
  EXPECT_EQ(corpus.entries[1].k, 20);
  EXPECT_EQ(corpus.entries[2].id, "7");
  EXPECT_EQ(corpus.entries[2].expect, Expect::none);
  EXPECT_OK(read_corpus(R"([{"id": "a", "privacy_level": "none", "sql": "SELECT 1"}])", 10));
  EXPECT_TRUE(OrDie(read_corpus(R"({"queries": []})", 10)).entries.empty());
}

TEST(CorpusFile, ReadsThePublishedExamples) {
  REDOUBT_REQUIRE_SHARED();
  const Corpus corpus = OrDie(read_corpus(test::read_text(*test::shared_dir() / "cleanroom/sql_examples.json"), 10));
  EXPECT_EQ(corpus.entries.size(), 47U);
  for (const Entry& entry : corpus.entries) EXPECT_EQ(entry.problem, "") << entry.id;
}

TEST(CorpusFile, AnEntryThatCannotBeRunSaysWhy) {
  EXPECT_NE(only("3").problem.find("an object"), std::string::npos);
  EXPECT_NE(only(R"({"id": "a", "privacy_level": "none"})").problem.find("\"sql\""), std::string::npos);
  EXPECT_NE(only(R"({"id": "a", "privacy_level": "none", "sql": ""})").problem.find("sql: "), std::string::npos);
  EXPECT_NE(only(R"({"id": "a", "privacy_level": "none", "sql": ")" + std::string(40'000, 'x') + "\"}").problem.find("sql: "), std::string::npos);
  EXPECT_NE(only(R"({"id": "a", "sql": "SELECT 1"})").problem.find("privacy_level"), std::string::npos);
  EXPECT_NE(only(R"({"id": "a", "privacy_level": "none", "sql": "SELECT 1", "expect": "maybe"})").problem.find("expect"), std::string::npos);
  EXPECT_NE(only(R"({"id": "a", "privacy_level": "none", "sql": "SELECT 1", "after": "b"})").problem.find("after"), std::string::npos);
  EXPECT_NE(only(R"({"id": "a", "privacy_level": "none", "sql": "SELECT 1", "after": ["b"]})").problem.find("no entry \"b\""), std::string::npos);
  EXPECT_NE(only(R"({"id": "a", "privacy_level": "none", "sql": "SELECT 1", "after": ["a"]})").problem.find("no entry \"a\""), std::string::npos);
  const Entry nameless = only(R"({"privacy_level": "none", "sql": "SELECT 1"})");
  EXPECT_EQ(nameless.id, "#1");
  EXPECT_FALSE(nameless.problem.empty());
  const Corpus twice = OrDie(read_corpus(R"([{"id": "a", "privacy_level": "none", "sql": "SELECT 1"}, {"id": "a", "privacy_level": "none", "sql": "SELECT 1"}])", 10));
  EXPECT_TRUE(twice.entries[0].problem.empty());
  EXPECT_NE(twice.entries[1].problem.find("same id"), std::string::npos);
}

TEST(CorpusFile, AMemberThatCannotBeReadIsNotTakenForOneThatIsAbsent) {
  const auto with = [](const std::string& more) { return only(R"({"id": "a", "privacy_level": "none", "sql": "SELECT 1", )" + more + "}"); };
  for (const char* k : {"1", "1001", "-10", "\"20\"", "12.5", "true", "[20]", "{}"}) {
    EXPECT_NE(with(R"("k": )" + std::string(k)).problem.find("k: expected a whole number from 2 to 1000"), std::string::npos) << k;
  }
  for (const char* rows : {"-1", "\"3\"", "1.5", "[]", "false"}) {
    EXPECT_NE(with(R"("released_rows": )" + std::string(rows)).problem.find("released_rows: "), std::string::npos) << rows;
  }
  for (const char* label : {"\"\"", "\"Reject\"", "\"refuse\"", "3", "[\"reject\"]", "true"}) {
    EXPECT_NE(with(R"("expect": )" + std::string(label)).problem.find("expect: "), std::string::npos) << label;
  }
  EXPECT_EQ(with(R"("k": 2, "released_rows": 0, "expect": "allow")").problem, "");
  EXPECT_EQ(with(R"("k": null, "released_rows": null, "expect": null)").problem, "");
}

TEST(CorpusFile, DefaultsThatCannotBeReadSpoilTheEntriesThatNeedThem) {
  for (const char* defaults : {R"({"k": 1})", R"({"k": "12"})", "3"}) {
    const Corpus corpus = OrDie(read_corpus(R"({"defaults": )" + std::string(defaults) + R"(, "queries": [
      {"id": "a", "privacy_level": "none", "sql": "SELECT 1"}, {"id": "b", "privacy_level": "none", "sql": "SELECT 1", "k": 20}]})", 10));
    EXPECT_NE(corpus.entries[0].problem.find("defaults: "), std::string::npos) << defaults;
    EXPECT_EQ(corpus.entries[1].problem, "") << defaults;
    EXPECT_EQ(corpus.entries[1].k, 20);
  }
}

TEST(CorpusFile, ATextThatIsNoCorpusIsRefused) {
  for (const char* text : {"", "junk", "{}", "3", R"({"queries": {}})", R"({"queries": null})", R"({"queries": []} x)"}) {
    EXPECT_ERROR(read_corpus(text, 10), Code::malformed, "") << text;
  }
}

}  // namespace
}  // namespace redoubt::corpus
