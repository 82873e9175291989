// Goal: genuine Evidence of every platform gets, under a strict policy with the vendors' roots, the verdict that its case states.
// Method: each case of the shared vectors through appraise(), at its time, with nobody's challenge; the reason of a refusal must be
// one of those that a strict policy gives.
#include <gtest/gtest.h>

#include "tests/support/appraisal_scene.h"
#include "tests/support/dcap_vectors.h"

namespace redoubt::appraise {
namespace {

using test::CheckIds;
using test::Scene;

class AppraiseVectors : public testing::Test {
 protected:
  void SetUp() override {
    REDOUBT_REQUIRE_SHARED();
  }
  static std::filesystem::path vectors(std::string_view folder) { return *test::shared_dir() / "vectors" / folder; }
  static Scene unchallenged(std::string format, Bytes evidence, Instant now) {
    Scene scene{{std::move(format), std::move(evidence)}, {}, {}, test::scene_policy(), now};
    scene.challenge.unchallenged = true;
    scene.policy.workload = "any";
    return scene;
  }
  // judge: the verdict is the stated one; where it is a refusal, only these checks failed. Returns whether it was accepted.
  static bool judge(const Scene& scene, const json::Value& one, const CheckIds& reasons) {
    const std::string id = *one.object()->at("id").string();
    const bool expected = *one.object()->at("expect").object()->at("accept_under_strict_policy").boolean();
    const Appraisal result = scene.verdict();
    const CheckIds failed = test::failed_ids(result);
    EXPECT_EQ(result.accepted().ok(), expected) << id << ": " << (result.accepted().ok() ? "" : result.accepted().error().message());
    for (const std::string& check : failed) EXPECT_TRUE(reasons.contains(check)) << id << ": " << check;
    EXPECT_EQ(result.status, expected ? Tier::warning : Tier::contraindicated) << id;  // nobody sent a challenge
    return expected;
  }
  static json::Array cases(std::string_view folder) { return *OrDie(json::parse(test::read_text(vectors(folder) / "cases.json"))).array(); }
  // instant_of: RFC 3339; a fraction of a second is cut.
  static Instant instant_of(const std::string& text) { return OrDie(Instant::parse(text.substr(0, 19) + "Z")); }
};

TEST_F(AppraiseVectors, IntelQuotes) {
  std::size_t accepted = 0;
  const json::Value all = test::intel_dcap_json("cases.json");
  for (const json::Value& one : *all.array()) {
    const test::DcapCase genuine = test::genuine_case(one);
    const bool sgx = test::text_of(one, "quote").find("/sgx-") != std::string::npos;
    Scene scene = unchallenged(sgx ? "sgx" : "tdx", genuine.quote, genuine.now);
    scene.endorsements.intel = {*genuine.collateral};
    TcbPolicy tcb;
    tcb.statuses = {"UpToDate"};
    if (sgx) {
      scene.policy.platforms.sgx.emplace().tcb = tcb;
    } else {
      scene.policy.platforms.tdx.emplace().tcb = tcb;
      scene.policy.platforms.tdx->require_sept_ve_disable = false;  // one of 2023 was started without
    }
    accepted += judge(scene, one, {"T1", "T2", "T3", "T4", "T6", "T7", "P1", "P2"}) ? 1U : 0U;
  }
  EXPECT_GT(accepted, 20U);
}

Bytes der_of(const std::filesystem::path& file) { return OrDie(endorse::certificates(test::read_file(file))).at(0); }

TEST_F(AppraiseVectors, AmdReports) {
  std::size_t accepted = 0;
  for (const json::Value& one : cases("amd-snp")) {
    const auto folder = vectors("amd-snp");
    Scene scene = unchallenged("snp", test::read_file(folder / test::text_of(one, "report")), instant_of(test::text_of(one, "at")));
    scene.endorsements.amd = {{der_of(folder / test::text_of(one, "leaf")), der_of(folder / test::text_of(one, "ask")),
                               der_of(folder / test::text_of(one, "ark")), {}}};
    auto& section = scene.policy.platforms.snp.emplace();
    section.products = {"milan", "genoa", "turin"};
    section.keys = {"VCEK"};
    section.accept_provisional_firmware = true;
    accepted += judge(scene, one, {"N9", "N10"}) ? 1U : 0U;
  }
  EXPECT_GT(accepted, 8U);
}

TEST_F(AppraiseVectors, NitroDocuments) {
  std::size_t accepted = 0;
  for (const json::Value& one : cases("aws-nitro")) {
    Scene scene = unchallenged("nitro", test::read_file(vectors("aws-nitro") / test::text_of(one, "file")), instant_of(test::text_of(one, "at")));
    scene.policy.platforms.nitro.emplace().maximum_age_seconds = 300;
    accepted += judge(scene, one, {"A3"}) ? 1U : 0U;
  }
  EXPECT_EQ(accepted, 3U);
}

TEST_F(AppraiseVectors, TokensOfConfidentialSpace) {
  for (const json::Value& one : cases("gcp-confidential-space")) {
    const auto folder = vectors("gcp-confidential-space");
    Scene scene = unchallenged("token", test::read_file(folder / test::text_of(one, "token")), instant_of(test::text_of(one, "at")));
    scene.endorsements.token_keys = OrDie(crypto::parse_jwk_set(test::read_text(folder / test::text_of(one, "keys"))));
    auto& section = scene.policy.platforms.token.emplace();
    section.issuer = "https://confidentialcomputing.googleapis.com";
    section.audience = *one.object()->at("expect").object()->at("aud").string();
    section.software_names = {"CONFIDENTIAL_SPACE"};
    section.accept_overrides = true;
    EXPECT_FALSE(judge(scene, one, {"J3"}));
    section.accept_debug = true;  // a debug image, and otherwise as it should be
    EXPECT_EQ(scene.failures(), CheckIds{}) << test::text_of(one, "id");
  }
}

}  // namespace
}  // namespace redoubt::appraise
