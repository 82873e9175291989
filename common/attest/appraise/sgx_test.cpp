// Goal: SGX Evidence is trusted exactly when its section of the policy says so. Method: a quote and collateral under test roots; one
// requirement of the policy, one value of the Evidence or one endorsement changed at a time; the checks that fail are told exactly.
#include <gtest/gtest.h>

#include "tests/support/appraisal_scene.h"

namespace redoubt::appraise {
namespace {

using attest::CheckId;
using test::CheckIds;
using test::DcapMaker;
using test::Scene;

Hash32 other_sgx_hash() { return crypto::sha256(as_bytes("other")); }

TEST(AppraiseSgx, AffirmsAnEnclaveThatItsPolicyNames) {
  const Appraisal result = test::sgx_scene().verdict();
  EXPECT_EQ(test::failed_ids(result), CheckIds{});
  EXPECT_EQ(result.status, Tier::affirming);
  EXPECT_EQ(result.hardware, 2);
  EXPECT_FALSE(result.host_asserted);
  EXPECT_EQ(*result.measured.at("tcb_status").string(), "UpToDate");
  EXPECT_EQ(result.find(CheckId::t7)->outcome, attest::Outcome::not_applicable);
}

TEST(AppraiseSgx, EachRequirementOfThePolicyDecides) {
  using P = PlatformPolicies;
  test::expect_requirements(
      test::sgx_scene(),
      {{"statuses", [](P& p) { p.sgx->tcb.statuses = {"SWHardeningNeeded"}; }, {"T6"}, "SWHardeningNeeded", "UpToDate"},
       {"minimum_level_date", [](P& p) { p.sgx->tcb.minimum_level_date = p.sgx->tcb.minimum_level_date->plus_seconds(1); }, {"T6"},
        "2025-05-14T00:00:01Z or later", "2025-05-14T00:00:00Z"},
       {"advisories", [](P& p) { p.sgx->tcb.advisories = {"INTEL-SA-09999"}; }, {"T8"}, "only INTEL-SA-09999", "INTEL-SA-01000"},
       {"no advisories", [](P& p) { p.sgx->tcb.advisories.emplace().clear(); }, {"T8"}, "only none", "INTEL-SA-01000"},
       {"any advisories", [](P& p) { p.sgx->tcb.advisories.reset(); }, {}, "", ""},
       {"minimum_evaluation_number", [](P& p) { p.sgx->tcb.minimum_evaluation_number = 20; }, {"C7"}, "20", "19"},
       // A number that 32 bits cannot hold is not cut to a small one.
       {"a huge number", [](P& p) { p.sgx->tcb.minimum_evaluation_number = (std::uint64_t{1} << 32) + 1; }, {"C7"}, "4294967295", "19"},
       {"roots", [](P& p) { p.sgx->tcb.roots->at(0).spki = other_sgx_hash(); }, {"C1", "S4"}, "", ""},
       {"vendor roots", [](P& p) { p.sgx->tcb.roots.reset(); }, {"C1", "S4"}, "", ""},
       {"mrenclave", [](P& p) { p.sgx->mrenclave = {other_sgx_hash()}; }, {"P1"}, "MRENCLAVE " + other_sgx_hash().hex(), "MRENCLAVE 1516"},
       {"mrsigner", [](P& p) { p.sgx->signers->at(0).mrsigner = other_sgx_hash(); }, {"P1"}, "signer " + other_sgx_hash().hex(), "signer 1c1d"},
       {"product", [](P& p) { p.sgx->signers->at(0).product = 1; }, {"P1"}, "product 1 svn >= 7", "product 4660 svn 7"},
       {"svn", [](P& p) { p.sgx->signers->at(0).minimum_svn = 8; }, {"P1"}, "svn >= 8", "svn 7"},
       {"one of two", [](P& p) { p.sgx->signers->insert(p.sgx->signers->begin(), SgxSigner{other_sgx_hash(), 0, 0}); }, {}, "", ""}});
}

TEST(AppraiseSgx, TheSectionMustBeThere) { test::expect_section(test::sgx_scene(), "SGX Evidence"); }
TEST(AppraiseSgx, ChallengeAndClaimsAreTheRelyingPartysOwn) { test::expect_bound(test::sgx_scene(), "P3"); }
TEST(AppraiseSgx, WithoutAChallengeItIsAWarning) { test::expect_unchallenged(test::sgx_scene()); }

// attributes: a scene whose enclave has these flags; the policy stays that of the default maker.
Scene with_flags(std::uint64_t flags) {
  DcapMaker maker(3, DcapMaker::kSgx);
  test::put(maker.body, 48, test::little(flags, 8));
  return test::dcap_scene(maker);
}

TEST(AppraiseSgx, DebugIsRefusedUnlessThePolicySaysDebug) {
  Scene debug = with_flags(0x07);
  EXPECT_EQ(debug.failures(), CheckIds{"P1"});
  EXPECT_ERROR(debug.verdict().accepted(), Code::policy, "expected debug off, found debug on");
  // Asking for nothing else does not ask for debug.
  Scene lenient = with_policy(debug, [](PlatformPolicies& p) {
    p.sgx->mrenclave.reset();
    p.sgx->signers.reset();
  });
  EXPECT_EQ(lenient.failures(), CheckIds{"P1"});
  EXPECT_EQ(with_policy(debug, [](PlatformPolicies& p) { p.sgx->accept_debug = true; }).failures(), CheckIds{});
}

TEST(AppraiseSgx, AttributesThatNoEnclaveOfOursHasAreRefused) {
  for (const std::uint64_t flags : {0x04ULL, 0x01ULL, 0x15ULL, 0x25ULL, 0x0dULL, 0x8000000000000005ULL}) {
    EXPECT_EQ(with_flags(flags).failures(), CheckIds{"P1"}) << std::hex << flags;
  }
  DcapMaker maker(3, DcapMaker::kSgx);
  maker.body[100] = std::byte{1};  // reserved
  EXPECT_EQ(test::dcap_scene(maker).failures(), CheckIds{"P1"});
}

Scene with_status(const std::string& status) {
  DcapMaker maker(3, DcapMaker::kSgx);
  maker.tcb_status = status;
  return test::dcap_scene(maker);
}

TEST(AppraiseSgx, EachTcbStatusIsTakenOnlyWhereThePolicyListsIt) {
  for (const std::string status : {"SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate",
                                   "OutOfDateConfigurationNeeded"}) {
    Scene scene = with_status(status);
    EXPECT_EQ(scene.failures(), CheckIds{"T6"}) << status;
    EXPECT_ERROR(scene.verdict().accepted(), Code::tcb, "expected UpToDate") << status;
    scene.policy.platforms.sgx->tcb.statuses.push_back(status);
    const Appraisal result = scene.verdict();
    EXPECT_EQ(test::failed_ids(result), CheckIds{}) << status;
    EXPECT_EQ(result.status, Tier::warning) << status;
    EXPECT_GT(result.hardware, 2) << status;
  }
}

TEST(AppraiseSgx, ARevokedPlatformIsNeverTakenWhateverTheListSays) {
  Scene scene = with_status("Revoked");
  scene.policy.platforms.sgx->tcb.statuses = {"UpToDate", "Revoked", "NotSupported"};
  scene.policy.platforms.sgx->tcb.grace_days = 100000;
  EXPECT_EQ(scene.failures(), CheckIds{"T1"});
  EXPECT_ERROR(Policy::parse(scene.policy.canonical()), Code::malformed, "expected one of UpToDate");
}

TEST(AppraiseSgx, GraceCoversAPlatformThatIsOnlyOutOfDateAndEnds) {
  const Instant end = OrDie(Instant::parse("2025-05-14T00:00:00Z")).plus_seconds(400 * 86400);  // 2026-06-18
  Scene scene = with_status("OutOfDate");
  scene.policy.platforms.sgx->tcb.grace_days = 400;
  const Appraisal result = scene.verdict();
  EXPECT_EQ(test::failed_ids(result), CheckIds{});
  EXPECT_EQ(result.status, Tier::warning);
  EXPECT_EQ(result.validity.end, end);
  scene.now = end;
  EXPECT_EQ(scene.failures(), CheckIds{});
  scene.now = end.plus_seconds(1);
  EXPECT_EQ(scene.failures(), CheckIds{"T6"});
  // Only for OutOfDate, and only as far as the minimum date of the level allows.
  Scene configuration = with_status("OutOfDateConfigurationNeeded");
  configuration.policy.platforms.sgx->tcb.grace_days = 400;
  EXPECT_EQ(configuration.failures(), CheckIds{"T6"});
  scene.now = end;
  scene.policy.platforms.sgx->tcb.minimum_level_date = OrDie(Instant::parse("2025-06-01T00:00:00Z"));
  EXPECT_EQ(scene.failures(), CheckIds{"T6"});
  // A grace beyond all time is no error of arithmetic.
  scene.policy.platforms.sgx->tcb.minimum_level_date.reset();
  scene.policy.platforms.sgx->tcb.grace_days = std::uint64_t{1} << 52;
  EXPECT_EQ(scene.failures(), CheckIds{});
}

TEST(AppraiseSgx, RevokedKeysAndForeignPlatformsAreRefused) {
  const auto changed = [](auto change) {
    DcapMaker maker(3, DcapMaker::kSgx);
    change(maker);
    return test::dcap_scene(maker).failures();
  };
  EXPECT_EQ(changed([](DcapMaker& m) { m.revoked = {m.pck_serial}; }), CheckIds{"C6"});
  EXPECT_EQ(changed([](DcapMaker& m) { m.fmspc = "90C06F000001"; }), CheckIds{"C5"});
  EXPECT_EQ(changed([](DcapMaker& m) { m.pce_id = "0001"; }), CheckIds{"C5"});
  EXPECT_EQ(changed([](DcapMaker& m) { m.next_update = m.now.plus_seconds(-1); }), (CheckIds{"C3", "C6"}));
  EXPECT_EQ(changed([](DcapMaker& m) { m.qe_report[128] ^= std::byte{1}; }), CheckIds{"T5"});
}

TEST(AppraiseSgx, WithoutCollateralNothingIsTrusted) {
  Scene scene = test::sgx_scene();
  scene.endorsements.intel.clear();
  const Appraisal result = scene.verdict();
  EXPECT_EQ(result.status, Tier::contraindicated);
  EXPECT_FALSE(result.accepted().ok());
  EXPECT_TRUE(result.measured.empty());
}

TEST(AppraiseSgx, OfSeveralCollateralsTheNewestDecides) {
  DcapMaker maker(3, DcapMaker::kSgx);
  Scene scene = test::dcap_scene(maker);
  const auto old = maker.collateral();
  maker.evaluation_number = 20;
  maker.tcb_status = "OutOfDate";
  for (const bool first : {false, true}) {
    scene.endorsements.intel = first ? std::vector{maker.collateral(), old} : std::vector{old, maker.collateral()};
    EXPECT_EQ(scene.failures(), CheckIds{"T6"}) << first;
  }
  // Collateral of another platform beside it changes nothing.
  maker.fmspc = "90C06F000001";
  scene.endorsements.intel = {maker.collateral(), old};
  EXPECT_EQ(scene.failures(), CheckIds{});
}

TEST(AppraiseSgx, ProofObjectsChangeNothingInTheResult) {
  DcapMaker maker(3, DcapMaker::kSgx);
  const Scene scene = test::dcap_scene(maker);
  const auto parsed = OrDie(dcap::parse(scene.evidence.bytes));
  const endorse::RootPin pin = maker.pin();
  const auto raw = maker.collateral();
  const auto outcome = dcap::authenticate(parsed, {.roots = std::span(&pin, 1), .now = maker.now, .raw_collateral = &raw});
  ASSERT_TRUE(outcome.chain && outcome.collateral);
  Scene proven = scene;
  proven.endorsements.verified_pck = std::make_shared<const dcap::VerifiedPckChain>(*outcome.chain);
  EXPECT_EQ(proven.ear(), scene.ear());
  proven.endorsements.intel.clear();
  proven.endorsements.verified_intel = {outcome.collateral};
  EXPECT_EQ(proven.ear(), scene.ear());
  // A proof that was made under other roots or for another time counts for nothing.
  EXPECT_EQ(with_policy(proven, [](PlatformPolicies& p) { p.sgx->tcb.roots.reset(); }).ear(),
            with_policy(scene, [](PlatformPolicies& p) { p.sgx->tcb.roots.reset(); }).ear());
  proven.now = maker.next_update.plus_seconds(1);
  Scene late = scene;
  late.now = proven.now;
  EXPECT_EQ(proven.ear(), late.ear());
  EXPECT_EQ(late.failures(), (CheckIds{"C3", "C6"}));
}

TEST(AppraiseSgx, AQuoteOfATrustDomainIsNotOne) {
  Scene scene = test::sgx_scene();
  scene.evidence.bytes = test::tdx_scene().evidence.bytes;
  EXPECT_ERROR(scene.appraise(), Code::malformed, "expected a quote of SGX, found one of TDX");
}

}  // namespace
}  // namespace redoubt::appraise
