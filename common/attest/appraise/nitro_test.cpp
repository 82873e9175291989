// Goal: a Nitro document is trusted exactly when its section of the policy says so. Method: a document under a test root; one
// requirement, one member or one time changed at a time; the checks that fail are told exactly.
#include <gtest/gtest.h>

#include "tests/support/appraisal_scene.h"

namespace redoubt::appraise {
namespace {

using cbor::Value;
using test::CheckIds;
using test::kNitroTime;
using test::NitroSample;
using test::Scene;

Hash48 other_nitro_hash() { return crypto::sha384(as_bytes("other")); }

TEST(AppraiseNitro, AffirmsAnEnclaveThatItsPolicyNames) {
  const Appraisal result = test::nitro_scene().verdict();
  EXPECT_EQ(test::failed_ids(result), CheckIds{});
  EXPECT_EQ(result.status, Tier::affirming);
  EXPECT_FALSE(result.host_asserted);
}

TEST(AppraiseNitro, EachRequirementOfThePolicyDecides) {
  using P = PlatformPolicies;
  test::expect_requirements(
      test::nitro_scene(),
      {{"pcr0", [](P& p) { p.nitro->pcrs->at(0) = other_nitro_hash(); }, {"A3"}, "PCR0 " + other_nitro_hash().hex(), "PCR0 1010"},
       {"pcr4", [](P& p) { p.nitro->pcrs->at(4) = other_nitro_hash(); }, {"A3"}, "PCR4 " + other_nitro_hash().hex(), "PCR4 1414"},
       {"a PCR that was not sent", [](P& p) { p.nitro->pcrs->emplace(16, Hash48()); }, {"A3"}, "PCR16 0000", "PCR16 absent"},
       {"no such PCR", [](P& p) { p.nitro->pcrs->emplace(32, Hash48()); }, {"A3"}, "PCR32 0000", "PCR32 absent"},
       {"any PCR", [](P& p) { p.nitro->pcrs.reset(); }, {}, "", ""},
       {"maximum_age_seconds", [](P& p) { p.nitro->maximum_age_seconds = 59; }, {"A3"}, "time from ", kNitroTime.text()},
       {"an age beyond all time", [](P& p) { p.nitro->maximum_age_seconds = ~std::uint64_t{0}; }, {}, "", ""},
       {"root's key", [](P& p) { p.nitro->roots->at(0).spki = Hash32(); }, {"A2"}, "", ""},
       {"root's certificate", [](P& p) { p.nitro->roots->at(0).certificate = Hash32(); }, {"A2"}, "", ""},
       {"vendor roots", [](P& p) { p.nitro->roots.reset(); }, {"A2"}, "", ""}});
}

TEST(AppraiseNitro, TheSectionMustBeThere) { test::expect_section(test::nitro_scene(), "Nitro Evidence"); }
TEST(AppraiseNitro, ChallengeAndClaimsAreTheRelyingPartysOwn) { test::expect_bound(test::nitro_scene(), "A3"); }
TEST(AppraiseNitro, WithoutAChallengeItIsAWarning) { test::expect_unchallenged(test::nitro_scene()); }

TEST(AppraiseNitro, ADocumentWithoutANonceIsNoAnswerToAChallenge) {
  Scene scene = test::nitro_scene();
  NitroSample sample;
  sample.member("nonce") = Value();
  scene.evidence.bytes = sample.encode();
  scene.policy.platforms.nitro->roots = {{sample.root().certificate, "test root", sample.root().spki}};
  EXPECT_EQ(scene.failures(), CheckIds{"A3"});
  EXPECT_ERROR(scene.verdict().accepted(), Code::freshness, "found nonce absent");
}

TEST(AppraiseNitro, DebugIsRefusedUnlessThePolicySaysDebug) {
  for (int zeroed = 0; zeroed < 3; ++zeroed) {
    NitroSample sample;
    cbor::Map pcrs;
    for (int i = 0; i < 16; ++i) {
      pcrs.emplace_back(Value::unsigned_integer(static_cast<std::uint64_t>(i)), Value::bytes(Bytes(48, i == zeroed ? std::byte{0} : std::byte(0x10 + i))));
    }
    sample.member("pcrs") = Value::map(std::move(pcrs));
    Scene debug = test::nitro_scene(sample);
    debug.policy.platforms.nitro->pcrs.reset();  // asking for no value does not ask for debug
    EXPECT_EQ(debug.failures(), CheckIds{"A3"}) << zeroed;
    EXPECT_ERROR(debug.verdict().accepted(), Code::policy, "expected debug off, found debug on") << zeroed;
    debug.policy.platforms.nitro->accept_debug = true;
    EXPECT_EQ(debug.failures(), CheckIds{}) << zeroed;
  }
}

TEST(AppraiseNitro, ADocumentIsTrustedFromItsTimeToItsMaximumAge) {
  Scene scene = test::nitro_scene();
  const Interval validity = scene.verdict().validity;
  EXPECT_EQ(validity.begin, kNitroTime);
  EXPECT_EQ(validity.end, kNitroTime.plus_seconds(300));
  for (const Instant inside : {validity.begin, validity.end}) {
    scene.now = inside;
    EXPECT_EQ(scene.failures(), CheckIds{});
  }
  for (const Instant outside : {validity.begin.plus_seconds(-1), validity.end.plus_seconds(1)}) {
    scene.now = outside;
    EXPECT_EQ(scene.failures(), CheckIds{"A3"});
    EXPECT_ERROR(scene.verdict().accepted(), Code::freshness, "A3");
  }
}

TEST(AppraiseNitro, ASignatureOverAnotherPayloadGivesNoMeasurements) {
  Scene scene = test::nitro_scene();
  scene.evidence.bytes.back() ^= std::byte{1};
  EXPECT_EQ(scene.failures(), CheckIds{"A2"});
  EXPECT_TRUE(scene.verdict().measured.empty());
}

TEST(AppraiseNitro, AProofObjectChangesNothingInTheResult) {
  const NitroSample sample;
  const Scene scene = test::nitro_scene(sample);
  const crypto::RootPin pin = sample.root();
  const auto chain = OrDie(nitro::verify_instance_chain(sample.cabundle(), std::span(&pin, 1), scene.now));
  Scene proven = scene;
  proven.endorsements.verified_nitro = std::make_shared<const nitro::VerifiedInstanceChain>(chain);
  EXPECT_EQ(proven.ear(), scene.ear());
  const auto vendor = [](PlatformPolicies& p) { p.nitro->roots.reset(); };
  EXPECT_EQ(with_policy(proven, vendor).ear(), with_policy(scene, vendor).ear());
}

}  // namespace
}  // namespace redoubt::appraise
