// Goal: every entry about event logs and IMA lists gets the answer that its file expects, and the judge does not answer by heart.
// Method: the shared vector files, none may fail and most must be judged; then copies with one expectation or one byte changed, which
// must fail.
#include <gtest/gtest.h>

#include <fstream>

#include "client/sdk/conformance/conformance.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::conformance {
namespace {

namespace fs = std::filesystem;

struct Judged {
  Summary summary;
  std::vector<Verdict> verdicts;
};

Judged run_file(const fs::path& file) {
  Judged out;
  out.summary = OrDie(run(file, [&](const Verdict& verdict) { out.verdicts.push_back(verdict); }));
  return out;
}

class LogConformance : public testing::TestWithParam<std::tuple<const char*, std::size_t>> {};

TEST_P(LogConformance, NoEntryFails) {
  REDOUBT_REQUIRE_SHARED();
  const auto& [file, least] = GetParam();
  const Judged all = run_file(*test::shared_dir() / "vectors" / file);
  for (const Verdict& verdict : all.verdicts) {
    if (verdict.ok && !*verdict.ok) ADD_FAILURE() << json::pretty(verdict_json(verdict));
  }
  EXPECT_EQ(all.summary.failed, 0U);
  EXPECT_GE(all.summary.passed, least);
  std::printf("%s: passed %zu, failed %zu, skipped %zu\n", file, all.summary.passed, all.summary.failed, all.summary.skipped);
}

INSTANTIATE_TEST_SUITE_P(Files, LogConformance,
                         testing::Values(std::tuple("tpm/eventlogs.json", 16U), std::tuple("tdx-eventlog/cases.json", 6U),
                                         std::tuple("ima/cases.json", 11U)),
                         [](const auto& param) {
                           std::string name = std::get<0>(param.param);
                           std::ranges::replace_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
                           return name;
                         });

void write(const fs::path& file, const std::string& content) {
  std::ofstream out(file, std::ios::binary);
  out << content;
  if (!out.flush()) ADD_FAILURE() << "cannot write " << file;
}

// judged: the one verdict about an entry that a test writes, with its file beside it.
Verdict judged(const json::Object& entry, const std::string& content) {
  test::TempDir folder;
  write(folder.path() / "log", content);
  json::Object with = entry;
  with.insert_or_assign("file", "log");
  write(folder.path() / "cases.json", json::pretty(json::Value(json::Array{with})));
  const Judged all = run_file(folder.path() / "cases.json");
  return all.verdicts.at(0);
}

const std::string kLine = "10 " + std::string(40, '0') + " ima-ng sha1:" + std::string(40, '0') + " /a\n";

TEST(LogConformanceJudge, AnExpectationThatIsNotMetFails) {
  const json::Object right{{"expect", json::Object{{"entries", 1}, {"violations", 1}, {"template_hash_mismatches", 0}}}};
  EXPECT_EQ(judged(right, kLine).ok, true);
  EXPECT_EQ(judged(right, kLine + kLine).ok, false);
  EXPECT_EQ(judged({{"expect", json::Object{{"entries", 1}, {"unheard", 1}}}}, kLine).ok, false);
  EXPECT_EQ(judged({{"expect", json::Object{{"entries", 1}}}}, "not a list").ok, false);
}

TEST(LogConformanceJudge, ARefusalInProseIsMetByARefusalAlone) {
  for (const char* text : {"refuse: malformed line", "digest algorithm unknown: refuse the entries"}) {
    EXPECT_EQ(judged({{"expect", text}}, "not a list").ok, true) << text;
    EXPECT_EQ(judged({{"expect", text}}, kLine).ok, false) << text;
  }
  EXPECT_EQ(judged({{"expect", "three-entry log"}}, kLine).ok, std::nullopt);
  // A file that is not there was refused by nobody.
  test::TempDir folder;
  write(folder.path() / "cases.json", R"([{"file": "absent", "expect": "refuse: malformed line"}])");
  EXPECT_EQ(run_file(folder.path() / "cases.json").verdicts.at(0).ok, false);
}

TEST(LogConformanceJudge, ValuesBesideTheProseAreTheExpectation) {
  REDOUBT_REQUIRE_SHARED();
  const fs::path folder = *test::shared_dir() / "vectors" / "tpm";
  const json::Value all = OrDie(json::parse(test::read_text(folder / "eventlogs.json"), {.max_bytes = 1U << 22, .max_depth = 32}));
  json::Object entry = *all.array()->front().object();
  const std::string log = test::read_text(folder / *entry.at("file").string());
  EXPECT_EQ(judged(entry, log).ok, true);
  json::Object changed = entry;
  changed["events"] = std::int64_t{*entry.at("events").integer() + 1};
  EXPECT_EQ(judged(changed, log).ok, false);
  for (const char* key : {"replayed_pcrs", "expected_pcrs_from_origin_tests"}) {
    json::Object banks = *entry.at(key).object();
    json::Object bank = *banks.begin()->second.object();
    bank.insert_or_assign("23", std::string(40, '0'));
    banks.begin()->second = bank;
    changed = entry;
    changed[key] = banks;
    EXPECT_EQ(judged(changed, log).ok, false) << key;
  }
  EXPECT_EQ(judged(entry, log.substr(0, log.size() - 1)).ok, false);
  entry.erase("expect");
  EXPECT_EQ(judged(entry, log).ok, true);
}

}  // namespace
}  // namespace redoubt::conformance
