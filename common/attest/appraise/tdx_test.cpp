// Goal: TDX Evidence is trusted exactly when its section of the policy says so. Method: as in sgx_test.cpp, for trust domains.
#include <gtest/gtest.h>

#include "tests/support/appraisal_scene.h"

namespace redoubt::appraise {
namespace {

using attest::CheckId;
using test::CheckIds;
using test::DcapMaker;
using test::Scene;

Hash48 other_tdx_hash() { return crypto::sha384(as_bytes("other")); }

TEST(AppraiseTdx, AffirmsATrustDomainThatItsPolicyNames) {
  for (const std::uint16_t type : {DcapMaker::kTd10, DcapMaker::kTd15}) {
    Scene scene = test::dcap_scene(DcapMaker(type == DcapMaker::kTd10 ? 4 : 5, type));
    scene.policy.platforms.tdx->accept_service_td = type == DcapMaker::kTd15;
    const Appraisal result = scene.verdict();
    EXPECT_EQ(test::failed_ids(result), CheckIds{});
    EXPECT_EQ(result.status, Tier::affirming);
    EXPECT_EQ(result.find(CheckId::t7)->outcome, attest::Outcome::passed);
  }
}

TEST(AppraiseTdx, EachRequirementOfThePolicyDecides) {
  using P = PlatformPolicies;
  const std::string wanted = other_tdx_hash().hex();
  test::expect_requirements(
      test::tdx_scene(),
      {{"statuses", [](P& p) { p.tdx->tcb.statuses = {"OutOfDate"}; }, {"T6"}, "OutOfDate", "UpToDate"},
       {"minimum_level_date", [](P& p) { p.tdx->tcb.minimum_level_date = p.tdx->tcb.minimum_level_date->plus_seconds(1); }, {"T6"},
        "2025-05-14T00:00:01Z or later", "2025-05-14T00:00:00Z"},
       {"advisories", [](P& p) { p.tdx->tcb.advisories.emplace().clear(); }, {"T8"}, "only none", "INTEL-SA-01000"},
       {"minimum_evaluation_number", [](P& p) { p.tdx->tcb.minimum_evaluation_number = 20; }, {"C7"}, "20", "19"},
       {"vendor roots", [](P& p) { p.tdx->tcb.roots.reset(); }, {"C1", "S4"}, "", ""},
       {"service_td", [](P& p) { p.tdx->accept_service_td = false; }, {"P2"}, "service TD none", "service TD 4d4e"},
       {"mrtd", [](P& p) { p.tdx->mrtd = {other_tdx_hash()}; }, {"P2"}, "MRTD " + wanted, "MRTD 0e0f"},
       {"rtmr0", [](P& p) { p.tdx->rtmrs->at(0) = other_tdx_hash(); }, {"P2"}, "RTMR0 " + wanted, "RTMR0 2a2b"},
       {"rtmr1", [](P& p) { p.tdx->rtmrs->at(1) = other_tdx_hash(); }, {"P2"}, "RTMR1 " + wanted, "RTMR1 3132"},
       {"rtmr2", [](P& p) { p.tdx->rtmrs->at(2) = other_tdx_hash(); }, {"P2"}, "RTMR2 " + wanted, "RTMR2 3839"},
       {"rtmr3", [](P& p) { p.tdx->rtmrs->at(3) = other_tdx_hash(); }, {"P2"}, "RTMR3 " + wanted, "RTMR3 3f40"},
       {"no such rtmr", [](P& p) { p.tdx->rtmrs->emplace(4, other_tdx_hash()); }, {"P2"}, "RTMR4 " + wanted, "no such register"},
       {"mr_config_id", [](P& p) { p.tdx->mr_config_id = other_tdx_hash(); }, {"P2"}, "MRCONFIGID " + wanted, "MRCONFIGID 1516"},
       {"mr_owner", [](P& p) { p.tdx->mr_owner = other_tdx_hash(); }, {"P2"}, "MROWNER " + wanted, "MROWNER 1c1d"},
       {"mr_owner_config", [](P& p) { p.tdx->mr_owner_config = other_tdx_hash(); }, {"P2"}, "MROWNERCONFIG " + wanted, "MROWNERCONFIG 2324"},
       {"two differences", [](P& p) { p.tdx->rtmrs->at(1) = p.tdx->rtmrs->at(3) = other_tdx_hash(); }, {"P2"}, ", RTMR3 " + wanted, ", RTMR3 3f40"}});
}

TEST(AppraiseTdx, TheSectionMustBeThere) { test::expect_section(test::tdx_scene(), "TDX Evidence"); }
TEST(AppraiseTdx, ChallengeAndClaimsAreTheRelyingPartysOwn) { test::expect_bound(test::tdx_scene(), "P3"); }
TEST(AppraiseTdx, WithoutAChallengeItIsAWarning) { test::expect_unchallenged(test::tdx_scene()); }

Scene with_attributes(std::uint64_t bits) {
  DcapMaker maker(5, DcapMaker::kTd15);
  test::put(maker.body, 120, test::little(bits, 8));
  return test::dcap_scene(maker);
}

constexpr std::uint64_t kSept = 0x10000000;

TEST(AppraiseTdx, DebugIsRefusedUnlessThePolicySaysDebug) {
  for (const std::uint64_t bits : {kSept | 1U, kSept | 0x10U, kSept | 0x20U, kSept | 0x40U}) {  // the first byte: under debug
    Scene debug = with_attributes(bits);
    EXPECT_EQ(debug.failures(), CheckIds{"P2"}) << std::hex << bits;
    EXPECT_ERROR(debug.verdict().accepted(), Code::policy, "debug off") << std::hex << bits;
    const Scene lenient = with_policy(debug, [](PlatformPolicies& p) {
      p.tdx->mrtd.reset();
      p.tdx->rtmrs.reset();
    });
    EXPECT_EQ(lenient.failures(), CheckIds{"P2"}) << std::hex << bits;
    EXPECT_EQ(with_policy(debug, [](PlatformPolicies& p) { p.tdx->accept_debug = true; }).failures(), CheckIds{}) << std::hex << bits;
  }
}

TEST(AppraiseTdx, AttributesDecideOneByOne) {
  const Scene migratable = with_attributes(kSept | 0x20000000U);
  EXPECT_EQ(migratable.failures(), CheckIds{"P2"});
  EXPECT_EQ(with_policy(migratable, [](PlatformPolicies& p) { p.tdx->accept_migratable = true; }).failures(), CheckIds{});
  const Scene sept = with_attributes(0);
  EXPECT_EQ(sept.failures(), CheckIds{"P2"});
  EXPECT_EQ(with_policy(sept, [](PlatformPolicies& p) { p.tdx->require_sept_ve_disable = false; }).failures(), CheckIds{});
  EXPECT_EQ(with_attributes(kSept | (std::uint64_t{1} << 40U)).failures(), CheckIds{"P2"});  // reserved
}

TEST(AppraiseTdx, AStaleModuleUnderANewLevelIsTakenOnlyWhereThePolicyListsRelaunch) {
  DcapMaker maker(5, DcapMaker::kTd15);
  maker.old_module_level = true;
  maker.body[0] = std::byte{4};  // the module at launch was older; tee_tcb_svn2 says that a new one runs now
  Scene scene = test::dcap_scene(maker);
  const CheckIds failed = scene.failures();
  EXPECT_EQ(failed, (CheckIds{"T6", "T7"}));
  EXPECT_NE(scene.verdict().find(CheckId::t7)->found.find("TDRelaunchAdvised"), std::string::npos);
  scene.policy.platforms.tdx->tcb = {.statuses = {"UpToDate", "TDRelaunchAdvised"}, .advisories = {}, .minimum_evaluation_number = {},
                                     .minimum_level_date = {}, .roots = scene.policy.platforms.tdx->tcb.roots};
  EXPECT_EQ(scene.failures(), CheckIds{});
  EXPECT_EQ(scene.verdict().status, Tier::warning);
}

TEST(AppraiseTdx, AForeignModuleIsRefused) {
  const auto changed = [](auto change) {
    DcapMaker maker(5, DcapMaker::kTd15);
    change(maker);
    return test::dcap_scene(maker).failures();
  };
  EXPECT_EQ(changed([](DcapMaker& m) { m.body[64] ^= std::byte{1}; }), CheckIds{"T3"});   // MRSIGNERSEAM
  EXPECT_EQ(changed([](DcapMaker& m) { m.body[112] ^= std::byte{1}; }), CheckIds{"T3"});  // SEAMATTRIBUTES
  const CheckIds version = changed([](DcapMaker& m) { m.body[1] = std::byte{9}; });       // a module that Intel does not know
  EXPECT_FALSE(version.empty());
}

TEST(AppraiseTdx, ProofObjectsChangeNothingInTheResult) {
  DcapMaker maker(5, DcapMaker::kTd15);
  const Scene scene = test::dcap_scene(maker);
  const auto parsed = OrDie(dcap::parse(scene.evidence.bytes));
  const endorse::RootPin pin = maker.pin();
  const auto raw = maker.collateral();
  const auto outcome = dcap::authenticate(parsed, {.roots = std::span(&pin, 1), .now = maker.now, .raw_collateral = &raw});
  ASSERT_TRUE(outcome.chain && outcome.collateral);
  Scene proven = scene;
  proven.endorsements.intel.clear();
  proven.endorsements.verified_intel = {outcome.collateral};
  proven.endorsements.verified_pck = std::make_shared<const dcap::VerifiedPckChain>(*outcome.chain);
  EXPECT_EQ(proven.ear(), scene.ear());
}

TEST(AppraiseTdx, AQuoteOfAnEnclaveIsNotOne) {
  Scene scene = test::tdx_scene();
  scene.evidence.bytes = test::sgx_scene().evidence.bytes;
  EXPECT_ERROR(scene.appraise(), Code::malformed, "expected a quote of TDX, found one of SGX");
}

}  // namespace
}  // namespace redoubt::appraise
