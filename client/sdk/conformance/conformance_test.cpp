// Goal: a list of cases is judged entry by entry, and a verdict that is not the expected one is told. Method: a folder of cases made
// here, of tokens under a key set of our own and of Nitro documents that no vendor signed, with right and wrong expectations; then
// every shared file, where not one entry may fail.
#include "client/sdk/conformance/conformance.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/evidence_nitro.h"
#include "tests/support/evidence_token.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::conformance {
namespace {

constexpr std::string_view kHeader = R"({"alg":"RS256","kid":"k1","typ":"JWT"})";

struct Ran {
  Summary summary;
  std::map<std::string, Verdict> verdicts;
};

Ran judged(const std::filesystem::path& file) {
  Ran ran;
  ran.summary = OrDie(run(file, [&](const Verdict& verdict) { ran.verdicts.emplace(verdict.id, verdict); }));
  return ran;
}

// A folder with a token of a debug image, the key set that signed it, and a Nitro document under a root of our own.
class ConformanceTest : public testing::Test {
 protected:
  ConformanceTest() {
    const test::Signer& signer = test::test_signer(test::SignerKind::rsa2048, "conformance");
    const std::string payload = test::edited(test::confidential_space_payload(), "disabled-since-boot", "enabled");
    write("debug.jwt", test::make_token(kHeader, payload, "RS256", signer) + "\n");
    const std::string bare = test::edited(payload, R"("eat_nonce":["first nonce of the sample","second nonce of the sample"],)", "");
    write("no-nonce.jwt", test::make_token(kHeader, bare, "RS256", signer));
    write("keys.json", test::jwk_set(signer, "k1", "RS256"));
    write("document.cose", std::string(as_text(test::NitroSample().encode())));
  }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }
  // cases: written as cases.json, with the expectation of the token and of the document.
  Ran cases(const std::string& token_expects, const std::string& document_expects) const {
    const std::string times = R"("at":"2026-09-21T13:50:00Z","window":["2026-09-21T14:13:20Z","2026-09-21T15:13:20Z"])";
    const std::string token = test::edited(times, "13:50", "14:30") + R"(,"keys":"keys.json","token":")";
    write("cases.json", R"([{"id":"debug",)" + token + R"(debug.jwt","expect":)" + token_expects + R"(},{"id":"bare",)" + token +
                            R"(no-nonce.jwt","expect":{"eat_nonce":null}},{"id":"document","file":"document.cose","module_id":"m",)" + times +
                            R"(,"expect":)" + document_expects + R"(},{"id":"nothing"},{"id":"gpu","arch":"HOPPER","report":"r","leaf":"l","expect":{"signature":true}}])");
    return judged(path("cases.json"));
  }

 private:
  test::TempDir folder_;
};

TEST_F(ConformanceTest, RightExpectationsPassAndWhatIsNotJudgedIsCountedApart) {
  const Ran ran = cases(R"({"authentic":true,"accept_under_strict_policy":false,"dbgstat":"enabled","alg":"RS256"})", R"("reject")");
  EXPECT_EQ(ran.summary.passed, 3U);
  EXPECT_EQ(ran.summary.failed, 0U);
  EXPECT_EQ(ran.summary.skipped, 2U);
  EXPECT_EQ(ran.verdicts.at("gpu").skipped, "its platform is not built");
  EXPECT_EQ(json::canonical(verdict_json(ran.verdicts.at("document"))),
            R"({"expected":{"verdict":"reject"},"got":{"verdict":"reject"},"id":"document","ok":true})");
  const json::Value skipped = verdict_json(ran.verdicts.at("nothing"));
  EXPECT_TRUE(skipped.object()->at("ok").is_null());
  EXPECT_EQ(*skipped.object()->at("skipped").string(), "nothing is expected of it");
}

TEST_F(ConformanceTest, AWrongExpectationIsNotOk) {
  const Ran ran = cases(R"({"authentic":true,"dbgstat":"disabled-since-boot"})", R"("accept")");
  EXPECT_EQ(ran.summary.failed, 2U);
  EXPECT_EQ(ran.summary.passed, 1U);
  EXPECT_EQ(*ran.verdicts.at("debug").ok, false);
  EXPECT_EQ(json::canonical(ran.verdicts.at("debug").got), R"({"authentic":true,"dbgstat":"enabled"})");
  EXPECT_EQ(*ran.verdicts.at("document").ok, false);
  // A key that nobody can answer is not left out of the comparison.
  EXPECT_EQ(*cases(R"({"authentic":true,"colour":"green"})", R"("reject")").verdicts.at("debug").ok, false);
}

TEST_F(ConformanceTest, EditsAreAppliedAndWhatCannotBeAppliedIsNoRefusal) {
  cases(R"({"authentic":true})", R"("reject")");
  write("negative.json", R"([{"id":"flipped","base":"debug","edits":[{"op":"xor","offset":200,"value":1}],"expect":"reject"},)"
                         R"({"id":"as it is","base":"debug","edits":[],"expect":"reject"},)"
                         R"({"id":"outside","base":"debug","edits":[{"op":"xor","offset":2000000,"value":1}],"expect":"reject"},)"
                         R"({"id":"no such file","base":"debug","override":{"token":"absent.jwt"},"expect":"reject"},)"
                         R"({"id":"late","base":"debug","at":"2026-09-21T15:13:20Z","expect":"reject"},)"
                         R"({"id":"orphan","base":"no such case","expect":"reject"}])");
  const Ran ran = judged(path("negative.json"));
  EXPECT_TRUE(*ran.verdicts.at("flipped").ok);
  EXPECT_TRUE(*ran.verdicts.at("late").ok);
  for (const char* wrong : {"as it is", "outside", "no such file"}) EXPECT_FALSE(*ran.verdicts.at(wrong).ok) << wrong;
  EXPECT_FALSE(ran.verdicts.at("orphan").ok.has_value());
}

TEST_F(ConformanceTest, EachFormOfEditIsAppliedAndAnotherFormIsSkippedWithItsReason) {
  cases(R"({"authentic":true})", R"("reject")");
  const auto entry = [](const std::string& id, const std::string& form) { return R"({"id":")" + id + R"(","base":"debug",)" + form + R"("expect":"reject"},)"; };
  write("negative.json",
        "[" + entry("one edit", R"("edit":{"op":"xor","offset":200,"value":1},)") + entry("cut", R"("edits":[{"op":"truncate","length":300}],)") +
            entry("appended", R"("edits":[{"op":"append","hex":"2e2e"}],)") + entry("set", R"("edits":[{"op":"set","offset":200,"hex":"2b2b"}],)") +
            entry("the keys", R"("edits":[{"file":"keys.json","op":"truncate","length":2}],)") +
            entry("the keys by member", R"("edits":[{"file":"keys","op":"truncate","length":2}],)") +
            entry("swapped", R"("swap":{"token":"document.cose"},)") + entry("undone", R"("edits":[{"op":"xor","offset":200,"value":1},{"op":"xor","offset":200,"value":1}],)") +
            entry("rotated", R"("edits":[{"op":"rotate","by":1}],)") + entry("prose", R"("edit":"another key in the token",)") +
            entry("prose in a list", R"("edits":["another key in the token"],)") + entry("prose of a swap", R"("swap":"the keys of another",)") +
            entry("nothing", "") + R"({"id":"last","base":"debug","at":"2026-09-21T15:13:20Z","expect":"reject"}])");
  const Ran ran = judged(path("negative.json"));
  for (const char* refused : {"one edit", "cut", "appended", "set", "the keys", "the keys by member", "swapped", "last"}) {
    EXPECT_EQ(ran.verdicts.at(refused).ok, std::optional(true)) << refused << json::canonical(ran.verdicts.at(refused).got);
  }
  EXPECT_EQ(ran.verdicts.at("undone").ok, std::optional(false));
  EXPECT_EQ(ran.verdicts.at("rotated").skipped, R"(its edit has no form that is known here: {"by":1,"op":"rotate"})");
  for (const char* prose : {"prose", "prose in a list", "prose of a swap", "nothing"}) {
    EXPECT_FALSE(ran.verdicts.at(prose).ok.has_value()) << prose;
    EXPECT_EQ(ran.verdicts.at(prose).skipped, "its edit is prose that has no recipe here") << prose;
  }
  EXPECT_EQ(ran.summary.skipped, 5U);
}

TEST_F(ConformanceTest, ForgeriesInProseAreMadeAndRefusedByTheirCheck) {
  cases(R"({"authentic":true})", R"("reject")");
  std::string list;
  for (const char* id : {"alg-none", "alg-hs256-with-public-key", "kid-unknown", "two-signatures", "payload-edited", "signature-truncated", "padding-added",
                         "expired", "not-yet-valid", "issuer-trailing-slash", "audience-other", "nonce-missing", "nonce-other", "jku-header",
                         "duplicate-claim", "dbgstat-debug", "x5c-own-root", "no such forgery"}) {
    list += std::string(list.empty() ? "" : ",") + R"({"id":")" + id + R"(","how":"in prose","expect":"reject"})";
  }
  write("negative.json", "[" + list + "]");
  const Ran ran = judged(path("negative.json"));
  EXPECT_EQ(ran.summary.passed, 16U);
  EXPECT_EQ(ran.summary.skipped, 2U);
  for (const auto& [id, verdict] : ran.verdicts) EXPECT_NE(verdict.ok, std::optional(false)) << id << json::canonical(verdict.got);

  // Without a genuine token to begin with, nothing is shown: here the key set is another's.
  write("keys.json", test::jwk_set(test::test_signer(test::SignerKind::rsa2048, "another"), "k1", "RS256"));
  const Ran other = judged(path("negative.json"));
  EXPECT_EQ(other.summary.passed, 0U);
  EXPECT_EQ(other.summary.failed, 16U);
}

TEST_F(ConformanceTest, APairOfCollateralWithoutItsCasesFails) {
  cases(R"({"authentic":true})", R"("reject")");
  write("collateral_choice.json", R"({"description":"d","pairs":[{"quote":"q","at":"2026-01-01T00:00:00Z","case_with_higher_evaluation_number":"a",)"
                                  R"("case_with_lower_evaluation_number":"b","evaluation_number":2,"expect":"in prose"}]})");
  const Ran ran = judged(path("collateral_choice.json"));
  EXPECT_EQ(ran.summary.failed, 1U);
  EXPECT_TRUE(ran.verdicts.contains("q@2026-01-01T00:00:00Z"));
}

TEST_F(ConformanceTest, WhatIsNoListOfCasesIsAnError) {
  write("text.json", "\"text\"");
  write("cut.json", "[{\"id\":");
  EXPECT_ERROR(run(path("text.json"), [](const Verdict&) {}), Code::malformed, "expected a list of cases");
  EXPECT_ERROR(run(path("cut.json"), [](const Verdict&) {}), Code::malformed, "cut.json");
  EXPECT_ERROR(run(path("absent.json"), [](const Verdict&) {}), Code::not_found, "absent.json");
}

TEST(SharedConformance, NoSharedEntryFails) {
  REDOUBT_REQUIRE_SHARED();
  std::size_t files = 0;
  Summary all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*test::shared_dir() / "vectors")) {
    // Beside the lists of cases lie documents that are no list (json-schema, collateral).
    const bool listed = entry.path().parent_path().parent_path().filename() == "vectors";
    if (!listed || entry.path().extension() != ".json") continue;
    const Summary one = OrDie(run(entry.path(), [&](const Verdict& verdict) {
      EXPECT_NE(verdict.ok, std::optional(false)) << entry.path() << json::canonical(verdict_json(verdict));
    }));
    ++files;
    all.passed += one.passed;
    all.skipped += one.skipped;
  }
  EXPECT_GE(files, 10U);
  EXPECT_GE(all.passed, 450U);
  RecordProperty("passed", static_cast<int>(all.passed));
  RecordProperty("skipped", static_cast<int>(all.skipped));
}

}  // namespace
}  // namespace redoubt::conformance
