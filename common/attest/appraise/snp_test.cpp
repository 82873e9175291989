// Goal: SEV-SNP Evidence is trusted exactly when its section of the policy says so. Method: a report and certificates under test roots;
// one requirement, one value or one endorsement changed at a time; the checks that fail are told exactly.
#include <gtest/gtest.h>

#include "tests/support/appraisal_scene.h"

namespace redoubt::appraise {
namespace {

using attest::CheckId;
using test::CheckIds;
using test::Scene;
using test::SnpSample;

Hash48 other_snp_hash() { return crypto::sha384(as_bytes("other")); }
Hash32 other_snp_digest() { return crypto::sha256(as_bytes("other")); }

// changed: the scene of a sample whose report has these bytes at this place.
Scene changed(std::size_t at, std::initializer_list<unsigned> bytes, amd::Product product = amd::Product::milan) {
  SnpSample sample(product);
  for (const unsigned byte : bytes) sample.report[at++] = static_cast<std::byte>(byte);
  return test::snp_scene(sample);
}

TEST(AppraiseSnp, AffirmsAGuestThatItsPolicyNames) {
  for (const amd::Product product : {amd::Product::milan, amd::Product::genoa, amd::Product::turin}) {
    const Appraisal result = test::snp_scene(SnpSample(product)).verdict();
    EXPECT_EQ(test::failed_ids(result), CheckIds{});
    EXPECT_EQ(result.status, Tier::affirming);
  }
}

TEST(AppraiseSnp, EachRequirementOfThePolicyDecides) {
  using P = PlatformPolicies;
  test::expect_requirements(
      test::snp_scene(),
      {{"products", [](P& p) { p.snp->products = {"genoa", "turin"}; }, {"N9"}, "product genoa, turin", "product milan"},
       {"keys", [](P& p) { p.snp->keys = {"VLEK"}; }, {"N9"}, "signing key VLEK", "signing key VCEK"},
       {"smt", [](P& p) { p.snp->accept_smt = false; }, {"N9"}, "SMT off", "SMT on"},
       {"single_socket", [](P& p) { p.snp->require_single_socket = true; }, {"N9"}, "single socket on", "single socket off"},
       {"chips", [](P& p) { p.snp->chips = {ReportBytes64()}; }, {"N9"}, "chip 0000", "chip 0205"},
       {"minimum boot loader", [](P& p) { p.snp->minimum_tcb->boot_loader = 5; }, {"N8"}, "reported TCB", "boot loader 4 below 5"},
       {"minimum tee", [](P& p) { p.snp->minimum_tcb->tee = 2; }, {"N8"}, "reported TCB", "tee 1 below 2"},
       {"minimum snp", [](P& p) { p.snp->minimum_tcb->snp = 25; }, {"N8"}, "reported TCB", "snp 24 below 25"},
       {"minimum microcode", [](P& p) { p.snp->minimum_tcb->microcode = 220; }, {"N8"}, "reported TCB", "microcode 219 below 220"},
       {"minimum fmc", [](P& p) { p.snp->minimum_tcb->fmc = 1; }, {"N8"}, "reported TCB", "fmc 0 below 1"},
       {"launch microcode", [](P& p) { p.snp->minimum_launch_tcb->microcode = 220; }, {"N8"}, "launch TCB", "microcode 219 below 220"},
       {"minimum_guest_svn", [](P& p) { p.snp->minimum_guest_svn = 3; }, {"N11"}, "guest SVN >= 3", "guest SVN 2"},
       {"measurement", [](P& p) { p.snp->measurement = {other_snp_hash()}; }, {"N11"}, other_snp_hash().hex(), "measurement 8081"},
       {"id_key", [](P& p) { p.snp->id_key = {other_snp_hash()}; }, {"N11"}, other_snp_hash().hex(), "id key 0000"},
       {"author_key", [](P& p) { p.snp->author_key = {other_snp_hash()}; }, {"N11"}, other_snp_hash().hex(), "author key 0000"},
       {"author_key off", [](P& p) { p.snp->author_key = {Hash48()}; }, {"N11"}, "author key enabled", "author key not enabled"},
       {"host_data", [](P& p) { p.snp->host_data = other_snp_digest(); }, {"N11"}, other_snp_digest().hex(), "host data c0c1"},
       {"mitigations", [](P& p) { p.snp->required_mitigations = 1; }, {"N12"}, "0x1", "not in this version"},
       {"roots", [](P& p) { p.snp->roots->at(0).spki = other_snp_digest(); }, {"N13", "N4"}, "", ""},
       {"vendor roots", [](P& p) { p.snp->roots.reset(); }, {"N13", "N4"}, "", ""}});
}

TEST(AppraiseSnp, TheSectionMustBeThere) { test::expect_section(test::snp_scene(), "SEV-SNP Evidence"); }
TEST(AppraiseSnp, ChallengeAndClaimsAreTheRelyingPartysOwn) { test::expect_bound(test::snp_scene(), "N14"); }
TEST(AppraiseSnp, WithoutAChallengeItIsAWarning) { test::expect_unchallenged(test::snp_scene()); }

TEST(AppraiseSnp, DebugIsRefusedUnlessThePolicySaysDebug) {
  const Scene debug = changed(0x0a, {0x0b});  // bits 16, 17 and 19
  EXPECT_EQ(debug.failures(), CheckIds{"N9"});
  EXPECT_ERROR(debug.verdict().accepted(), Code::policy, "expected debug off, found debug on");
  const Scene lenient = with_policy(debug, [](PlatformPolicies& p) {
    p.snp->measurement.reset();
    p.snp->chips.reset();
  });
  EXPECT_EQ(lenient.failures(), CheckIds{"N9"});
  EXPECT_EQ(with_policy(debug, [](PlatformPolicies& p) { p.snp->accept_debug = true; }).failures(), CheckIds{});
}

TEST(AppraiseSnp, WhatTheGuestsOwnerAllowedDecides) {
  const Scene migration = changed(0x0a, {0x07});
  EXPECT_EQ(migration.failures(), CheckIds{"N9"});
  EXPECT_EQ(with_policy(migration, [](PlatformPolicies& p) { p.snp->accept_migration_agent = true; }).failures(), CheckIds{});
  const Scene single = changed(0x0a, {0x13});
  EXPECT_EQ(with_policy(single, [](PlatformPolicies& p) { p.snp->require_single_socket = true; }).failures(), CheckIds{});
  EXPECT_EQ(changed(0x0a, {0x01}).failures(), CheckIds{"N1"});  // bit 17 must be one
  EXPECT_EQ(changed(0x0b, {0x04}).failures(), CheckIds{"N1"});  // bit 26 must be zero
  const Scene aliases = changed(0x40, {0x05});
  EXPECT_EQ(aliases.failures(), CheckIds{"N9"});
  EXPECT_EQ(with_policy(aliases, [](PlatformPolicies& p) { p.snp->require_alias_check = false; }).failures(), CheckIds{});
}

TEST(AppraiseSnp, PrivilegeLevelsAboveTheLimitAreRefused) {
  const Scene vmpl = changed(0x30, {2});
  EXPECT_EQ(vmpl.failures(), CheckIds{"N10"});
  EXPECT_EQ(vmpl.verdict().find(CheckId::n10)->found, "VMPL 2");
  EXPECT_EQ(with_policy(vmpl, [](PlatformPolicies& p) { p.snp->maximum_vmpl = 1; }).failures(), CheckIds{"N10"});
  EXPECT_EQ(with_policy(vmpl, [](PlatformPolicies& p) { p.snp->maximum_vmpl = 2; }).failures(), CheckIds{});
}

TEST(AppraiseSnp, ProvisionalFirmwareIsRefusedUnlessThePolicySaysSo) {
  const Scene provisional = changed(0x1e8, {30});
  EXPECT_EQ(provisional.failures(), CheckIds{"N11"});
  EXPECT_EQ(with_policy(provisional, [](PlatformPolicies& p) { p.snp->accept_provisional_firmware = true; }).failures(), CheckIds{});
}

TEST(AppraiseSnp, AReportAboveTheCommittedVersionIsRefused) {
  EXPECT_EQ(changed(0x1e0, {3}).failures(), CheckIds{"N8"});  // committed boot loader below the reported one
}

TEST(AppraiseSnp, MitigationsMustStandInBothVectors) {
  const Scene turin = test::snp_scene(SnpSample(amd::Product::turin));
  EXPECT_EQ(with_policy(turin, [](PlatformPolicies& p) { p.snp->required_mitigations = 0x3f; }).failures(), CheckIds{});
  EXPECT_EQ(with_policy(turin, [](PlatformPolicies& p) { p.snp->required_mitigations = 0x40; }).failures(), CheckIds{"N12"});
  EXPECT_EQ(with_policy(turin, [](PlatformPolicies& p) { p.snp->required_mitigations = 0x80; }).failures(), CheckIds{"N12"});
}

TEST(AppraiseSnp, AMaskedChipIsTakenOnlyWhereThePolicySaysSo) {
  // A VLEK names no chip: a policy with chips refuses it, whatever it says of masked ones.
  SnpSample vlek(amd::Product::milan, amd::KeyKind::vlek);
  std::fill_n(vlek.report.begin() + 0x1a0, 64, std::byte{0});
  const Scene scene = test::snp_scene(vlek);
  EXPECT_EQ(scene.failures(), CheckIds{"N9"});
  EXPECT_EQ(with_policy(scene, [](PlatformPolicies& p) { p.snp->chips.reset(); }).failures(), CheckIds{});
  // A VCEK is of one chip, so that the chip is known even where the report masks it.
  SnpSample masked;
  const ReportBytes64 chip = OrDie(ReportBytes64::from(ByteView(masked.report).subspan(0x1a0, 64), "chip"));
  std::fill_n(masked.report.begin() + 0x1a0, 64, std::byte{0});
  EXPECT_EQ(with_policy(test::snp_scene(masked), [&](PlatformPolicies& p) { p.snp->chips = {chip}; }).failures(), CheckIds{});
}

TEST(AppraiseSnp, ARevocationListIsAskedForOrItsAbsenceRemarked) {
  Scene scene = test::snp_scene();
  scene.endorsements.amd[0].crl.clear();
  EXPECT_EQ(scene.failures(), CheckIds{"N13"});
  scene.policy.platforms.snp->require_revocation_list = false;
  EXPECT_EQ(scene.failures(), CheckIds{});
  EXPECT_EQ(scene.verdict().status, Tier::warning);
  scene.endorsements.amd[0].crl = test::snp_authority(amd::Product::milan).crl({Bytes{std::byte{0}}}, test::kSnpListWindow);
  EXPECT_EQ(scene.failures(), CheckIds{"N13"});
}

TEST(AppraiseSnp, NobodyHidesARevocationByAddingCertificatesWithoutTheList) {
  Scene scene = test::snp_scene();
  scene.policy.platforms.snp->require_revocation_list = false;
  AmdCertificates without = scene.endorsements.amd[0];
  without.crl.clear();
  AmdCertificates revoked = without;
  revoked.crl = test::snp_authority(amd::Product::milan).crl({Bytes{std::byte{0}}}, test::kSnpListWindow);
  for (const bool first : {true, false}) {
    scene.endorsements.amd = first ? std::vector{revoked, without} : std::vector{without, revoked};
    EXPECT_EQ(scene.failures(), CheckIds{"N13"}) << first;
  }
  // And a set with a good list counts before one without, whatever their order.
  AmdCertificates good = without;
  good.crl = test::snp_authority(amd::Product::milan).crl({}, test::kSnpListWindow);
  scene.endorsements.amd = {without, good};
  EXPECT_EQ(scene.verdict().status, Tier::affirming);
}

TEST(AppraiseSnp, CertificatesOfAnotherKeyDoNotSpeakForTheReport) {
  Scene scene = test::snp_scene();
  const SnpSample other(amd::Product::genoa);
  scene.endorsements.amd.insert(scene.endorsements.amd.begin(), {other.leaf, other.intermediate, other.ark, {}});
  EXPECT_EQ(scene.failures(), CheckIds{});
  scene.endorsements.amd.pop_back();
  EXPECT_FALSE(scene.failures().empty());
  scene.endorsements.amd.clear();
  // Without any: a verdict in which each check that needs them was not made, and no pass.
  const Appraisal alone = OrDie(scene.appraise());
  EXPECT_EQ(alone.status, Tier::contraindicated);
  EXPECT_EQ(alone.checks.size(), 16U);
  EXPECT_EQ(alone.find(CheckId::n1)->outcome, attest::Outcome::passed);
  EXPECT_EQ(alone.find(CheckId::n3)->outcome, attest::Outcome::not_applicable);
  EXPECT_EQ(alone.find(CheckId::n3)->expected, "no certificates of the key that signed: VCEK or VLEK, ASK or ASVK, ARK");
  EXPECT_ERROR(alone.accepted(), Code::policy, "a mandatory check was not made");
  EXPECT_TRUE(alone.measured.empty());
  scene.evidence.bytes[0x34] = std::byte{2};  // the algorithm: judged all the same
  EXPECT_ERROR(OrDie(scene.appraise()).accepted(), Code::malformed, "N1");
}

TEST(AppraiseSnp, AProofObjectChangesNothingInTheResult) {
  const Scene scene = test::snp_scene();
  const auto& certificates = scene.endorsements.amd[0];
  const std::vector<amd::Anchor> anchors{test::snp_authority(amd::Product::milan).anchor()};
  const auto chain = OrDie(amd::verify_chain(certificates.intermediate, certificates.ark, anchors, scene.now));
  Scene proven = scene;
  proven.endorsements.verified_vcek = std::make_shared<const amd::VerifiedVcek>(OrDie(amd::verify_vcek(certificates.leaf, chain, scene.now)));
  EXPECT_EQ(proven.ear(), scene.ear());
  const auto vendor = [](PlatformPolicies& p) { p.snp->roots.reset(); };
  EXPECT_EQ(with_policy(proven, vendor).failures(), with_policy(scene, vendor).failures());
}

}  // namespace
}  // namespace redoubt::appraise
