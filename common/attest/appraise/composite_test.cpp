// Goal: parts of one machine are worth what they are worth together, and a part of another machine is never taken for one of this. Method: a
// trust domain with its event log, and a hardware report with a TPM, joined as their owners join them; then each part swapped for that
// of another machine, each binding left out, each claim missing.
#include "common/attest/appraise/composite.h"

#include <gtest/gtest.h>

#include "tests/support/appraisal_scene.h"
#include "tests/support/dcap_vectors.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::appraise {
namespace {

using test::DcapMaker;
using test::Scene;

// --- a trust domain and the log whose replay gave these registers -------------------------------------------------------
Part log_of(const Scene& domain) {
  Part log{"log", std::nullopt};
  const Appraisal appraisal = domain.verdict();
  for (const char* name : {"rtmr0", "rtmr1", "rtmr2", "rtmr3"}) log.claims.emplace(name, appraisal.measured.at(name));
  return log;
}

Composite domain_with_log() {
  const Scene domain = test::tdx_scene();
  Composite composite{{{"td", domain.verdict()}, log_of(domain)}, {}, {"log"}};
  for (const char* name : {"rtmr0", "rtmr1", "rtmr2", "rtmr3"}) composite.bindings.push_back({"td", name, "log", name});
  return composite;
}

CompositeAppraisal judged(const Composite& composite) { return OrDie(appraise_composite(composite)); }

TEST(Composite, ALogThatReplaysToTheRegistersIsTheTrustDomains) {
  const Composite composite = domain_with_log();
  const CompositeAppraisal result = judged(composite);
  EXPECT_OK(result.accepted());
  EXPECT_EQ(result.status, Tier::affirming);
  EXPECT_TRUE(result.remarks.empty());
  EXPECT_TRUE(result.parts[1].bound);
  EXPECT_EQ(result.validity.end, composite.parts[0].appraisal->validity.end);
}

TEST(Composite, ALogOfAnotherTrustDomainIsRefusedWithBothValues) {
  DcapMaker maker(5, DcapMaker::kTd15);
  maker.body[376] ^= std::byte{1};  // RTMR1
  const Scene other = test::dcap_scene(maker);
  Composite composite = domain_with_log();
  const std::string own = *composite.parts[1].claims.at("rtmr1").string();
  composite.parts[1] = log_of(other);
  const CompositeAppraisal result = judged(composite);
  EXPECT_EQ(result.status, Tier::contraindicated);
  EXPECT_FALSE(result.parts[1].bound);
  EXPECT_EQ(result.bindings[1].found, own);
  EXPECT_EQ(result.bindings[1].expected, *composite.parts[1].claims.at("rtmr1").string());
  // Three registers that fit do not make good the one that does not.
  EXPECT_TRUE(result.bindings[0].holds && result.bindings[2].holds && result.bindings[3].holds);
  EXPECT_ERROR(result.accepted(), Code::binding, "td.rtmr1 equal to log.rtmr1");
  composite.required.clear();
  EXPECT_EQ(judged(composite).status, Tier::warning);  // it was not asked for: the domain stands alone
}

TEST(Composite, APartWithoutABindingLowersTheWhole) {
  Composite composite = domain_with_log();
  composite.bindings.clear();
  EXPECT_EQ(judged(composite).status, Tier::contraindicated);
  composite.required.clear();
  const CompositeAppraisal result = judged(composite);
  EXPECT_EQ(result.status, Tier::warning);
  ASSERT_EQ(result.remarks.size(), 1U);
  EXPECT_NE(result.remarks[0].find("log is not bound to td"), std::string::npos);
}

TEST(Composite, AClaimThatIsNotThereBindsNothing) {
  Composite composite = domain_with_log();
  composite.parts[1].claims.erase("rtmr2");
  EXPECT_EQ(judged(composite).bindings[2].expected, "absent");
  EXPECT_EQ(judged(composite).status, Tier::contraindicated);
  composite = domain_with_log();
  composite.parts[0].appraisal->measured.erase("rtmr2");
  EXPECT_EQ(judged(composite).bindings[2].found, "absent");
  EXPECT_EQ(judged(composite).status, Tier::contraindicated);
  // Absent on both sides is not equal.
  composite.parts[1].claims.erase("rtmr2");
  EXPECT_EQ(judged(composite).status, Tier::contraindicated);
  composite.parts[1].claims["rtmr2"] = "not hexadecimal";
  EXPECT_EQ(judged(composite).status, Tier::contraindicated);
}

TEST(Composite, WhatIsNotAuthenticBindsNothing) {
  Scene domain = test::tdx_scene();
  Composite composite = domain_with_log();
  domain.policy.platforms.tdx->tcb.roots.reset();
  composite.parts[0].appraisal = domain.verdict();
  const CompositeAppraisal result = judged(composite);
  EXPECT_EQ(result.status, Tier::contraindicated);
  for (const BindingCheck& one : result.bindings) EXPECT_FALSE(one.holds);
}

TEST(Composite, ARequiredPartThatWasNotGivenIsARefusal) {
  Composite composite = domain_with_log();
  composite.required.emplace_back("gpu");
  EXPECT_EQ(judged(composite).status, Tier::contraindicated);
  EXPECT_ERROR(judged(composite).accepted(), Code::policy, "part gpu is required and was not given");
}

// genuine_domain: a quote of the shared vectors with its collateral, judged under the production root.
Appraisal genuine_domain(std::string_view id) {
  const json::Value cases = test::intel_dcap_json("cases.json");
  const auto one = std::ranges::find_if(*cases.array(), [&](const json::Value& item) { return test::text_of(item, "id") == id; });
  const test::DcapCase genuine = test::genuine_case(*one);
  Scene scene{{"tdx", genuine.quote}, {}, {}, test::scene_policy(), genuine.now};
  scene.endorsements.intel = {*genuine.collateral};
  scene.challenge.unchallenged = true;
  scene.policy.workload = "any";
  scene.policy.platforms.tdx.emplace().tcb.statuses = {"UpToDate"};
  return scene.verdict();
}

TEST(Composite, AGenuineLogBelongsToItsQuoteAndAnEditedOneDoesNot) {
  REDOUBT_REQUIRE_SHARED();
  const Appraisal domain = genuine_domain("tdx-v4-00806f-google-cos113@20250604T0951-e17");
  ASSERT_OK(domain.accepted());
  const auto with_log = [&](std::string_view file) {
    const Bytes table = test::read_file(*test::shared_dir() / "vectors" / "tdx-eventlog" / file);
    const Part log = OrDie(rtmr_log_part("log", OrDie(eventlog::EventLog::parse_ccel(table))));
    return judged({{{"td", domain}, log}, rtmr_bindings("td", log), {"log"}});
  };
  EXPECT_OK(with_log("gcp-cos113.bin").accepted());
  EXPECT_ERROR(with_log("gcp-cos113-duplicate-separator.bin").accepted(), Code::binding, "td.rtmr0 equal to log.rtmr0: expected a4de2df2");
  EXPECT_FALSE(with_log("dstack-ccel.bin").accepted().ok());  // of another machine
}

// --- a hardware report whose report data hold the digest of the TPM's attestation key ----------------------------------
const Instant kBoot = OrDie(Instant::parse("2026-12-01T00:00:00Z"));

Appraisal tpm_of(std::string_view set) {
  Policy policy = test::scene_policy();
  policy.accept_host_asserted = true;
  policy.accept_software_tpm = true;
  policy.platforms.tpm.emplace().anchors = {{test::tpm_roots().at(0).digest(), "local CA of the capture", false}};
  Endorsements endorsements;
  endorsements.tpm_roots = test::tpm_roots();
  endorsements.enrolments = {test::tpm_enrolment(test::tpm_evidence(set), test::tpm_enroller())};
  endorsements.self = test::tpm_enroller().public_key();
  Challenge challenge;
  challenge.claims.emplace().workload = "cleanroom";
  challenge.report_data = test::read_file(test::tpm_vector(set, "nonce.bin"));
  return OrDie(appraise({"tpm", test::tpm_evidence(set).encode()}, endorsements, challenge, policy, kBoot));
}

// hardware_for: a report that commits to the key of this TPM.
Appraisal hardware_for(const Appraisal& tpm) {
  Bytes report_data = to_bytes(crypto::sha256(OrDie(hex_decode(*tpm.measured.at("attestation_key").string()))).view());
  report_data.resize(64);
  test::SnpSample sample;
  Scene scene = test::snp_scene(sample);
  std::ranges::copy(report_data, sample.report.begin() + 0x50);
  sample.resign();
  scene.evidence.bytes = sample.report;
  scene.endorsements.amd = {{sample.leaf, sample.intermediate, sample.ark, {}}};
  scene.policy.platforms.snp->require_revocation_list = false;
  scene.challenge.report_data = report_data;
  scene.now = kBoot;
  return scene.verdict();
}

Composite machine(const Appraisal& hardware, const Appraisal& tpm) {
  return {{{"hardware", hardware}, {"tpm", tpm}}, {{"hardware", "report_data", "tpm", "attestation_key", BindingForm::sha256}}, {"tpm"}};
}

TEST(Composite, ATpmIsTheMachinesWhoseReportHoldsItsKey) {
  const Appraisal tpm = tpm_of("good");
  ASSERT_OK(tpm.accepted());
  const Appraisal hardware = hardware_for(tpm);
  ASSERT_OK(hardware.accepted());
  const CompositeAppraisal result = judged(machine(hardware, tpm));
  EXPECT_OK(result.accepted());
  EXPECT_EQ(result.status, Tier::warning);  // each part has its remark
  EXPECT_TRUE(result.parts[1].bound);
  EXPECT_EQ(result.validity.end, std::min(hardware.validity.end, tpm.validity.end));
}

TEST(Composite, ATpmOfAnotherMachineIsRefused) {
  const Appraisal tpm = tpm_of("good");
  const Appraisal other = tpm_of("other-image");
  ASSERT_OK(other.accepted());  // good by itself
  ASSERT_NE(*other.measured.at("attestation_key").string(), *tpm.measured.at("attestation_key").string());
  Composite swapped = machine(hardware_for(tpm), other);
  EXPECT_ERROR(judged(swapped).accepted(), Code::binding, "hardware.report_data holding SHA-256 of tpm.attestation_key");
  swapped.required.clear();
  EXPECT_EQ(judged(swapped).status, Tier::warning);
  EXPECT_FALSE(judged(swapped).parts[1].bound);
  // And the other way round: the report of another machine.
  EXPECT_ERROR(judged(machine(hardware_for(other), tpm)).accepted(), Code::binding, "expected");
}

TEST(Composite, APartIsBoundOnlyThroughPartsThatAreThemselvesBoundAndTrusted) {
  const Appraisal tpm = tpm_of("good");
  Composite composite = machine(hardware_for(tpm), tpm);
  composite.parts.push_back({"boot log", std::nullopt, {{"key", tpm.measured.at("attestation_key")}}});
  composite.bindings.push_back({"tpm", "attestation_key", "boot log", "key"});
  composite.required.emplace_back("boot log");
  EXPECT_OK(judged(composite).accepted());
  Composite loose = composite;
  loose.bindings.erase(loose.bindings.begin());  // the TPM hangs in the air, and the log with it
  loose.required.clear();
  EXPECT_FALSE(judged(loose).parts[2].bound);
  // Two parts that vouch for each other alone are not bound.
  loose.bindings.push_back({"boot log", "key", "tpm", "attestation_key"});
  EXPECT_FALSE(judged(loose).parts[1].bound);
  EXPECT_FALSE(judged(loose).parts[2].bound);
  // A part that contradicts the root is not of its machine, whatever else binds it.
  Composite contradicting = composite;
  contradicting.bindings.push_back({"tpm", "attestation_key", "hardware", "report_data"});
  EXPECT_FALSE(judged(contradicting).parts[1].bound);
  EXPECT_FALSE(judged(contradicting).accepted().ok());
  // A part that is not trusted vouches for nobody.
  composite.parts[1].appraisal->status = Tier::contraindicated;
  composite.required = {"boot log"};
  EXPECT_FALSE(judged(composite).parts[2].bound);
  EXPECT_EQ(judged(composite).status, Tier::contraindicated);
}

TEST(Composite, ABadPartLowersTheWholeEvenWhereItIsBound) {
  const Appraisal tpm = tpm_of("good");
  Composite composite = machine(hardware_for(tpm), tpm);
  composite.parts[1].appraisal->status = Tier::contraindicated;
  EXPECT_ERROR(judged(composite).accepted(), Code::policy, "part tpm is not trusted");
  composite.required.clear();
  EXPECT_EQ(judged(composite).status, Tier::warning);
  composite.parts[0].appraisal->status = Tier::contraindicated;  // the root is always required
  EXPECT_EQ(judged(composite).status, Tier::contraindicated);
}

TEST(Composite, ALogOfPcrsIsNoLogOfATrustDomain) {
  eventlog::EventLog log;
  EXPECT_ERROR(rtmr_log_part("log", log), Code::malformed, "RTMRs");
  log.registers = eventlog::Registers::rtmrs;
  EXPECT_ERROR(rtmr_log_part("log", log), Code::malformed, "SHA-384");
  log.banks = {{eventlog::kSha384, 48, 0}};  // no event: registers at zero, the last one not spoken of
  const Part part = OrDie(rtmr_log_part("log", log));
  EXPECT_EQ(part.claims.size(), 3U);
  EXPECT_EQ(*part.claims.at("rtmr1").string(), std::string(96, '0'));
  EXPECT_EQ(rtmr_bindings("td", part).size(), 3U);
}

TEST(Composite, WhatIsNoGraphIsAnError) {
  const Composite good = domain_with_log();
  const auto with = [&](auto change) {
    Composite composite = good;
    change(composite);
    return appraise_composite(composite);
  };
  EXPECT_ERROR(with([](Composite& c) { c.parts.clear(); }), Code::usage, "1 to 16 parts");
  EXPECT_ERROR(with([](Composite& c) { c.parts.resize(17, c.parts[1]); }), Code::usage, "1 to 16 parts");
  EXPECT_ERROR(with([](Composite& c) { c.parts[1].name = "td"; }), Code::usage, "found td twice");
  EXPECT_ERROR(with([](Composite& c) { c.parts[1].name = ""; }), Code::usage, "names");
  EXPECT_ERROR(with([](Composite& c) { std::swap(c.parts[0], c.parts[1]); }), Code::usage, "root that was appraised");
  EXPECT_ERROR(with([](Composite& c) { c.bindings[0].part = "nobody"; }), Code::usage, "bindings of its parts");
  EXPECT_ERROR(with([](Composite& c) { c.bindings[0].by = "nobody"; }), Code::usage, "bindings of its parts");
  EXPECT_ERROR(with([](Composite& c) { c.bindings[0].part = "td"; }), Code::usage, "between two parts");
  EXPECT_ERROR(with([](Composite& c) { c.bindings.resize(65, c.bindings[0]); }), Code::usage, "at most 64");
}

TEST(Composite, TheResultHasASubmoduleForEachPart) {
  Composite composite = domain_with_log();
  composite.required.clear();
  composite.bindings.clear();
  const json::Value result = ear(composite, judged(composite), test::tdx_scene().now);
  EXPECT_EQ(json::canonical(ear(composite, judged(composite), test::tdx_scene().now)), json::canonical(result));
  const json::Object& submodules = *result.object()->at("submods").object();
  ASSERT_EQ(submodules.size(), 2U);
  EXPECT_EQ(*submodules.at("td").object()->at("ear.status").string(), "affirming");
  EXPECT_EQ(*submodules.at("log").object()->at("ear.status").string(), "contraindicated");  // nobody's word
  EXPECT_FALSE(*submodules.at("log").object()->at("redoubt.bound").boolean());
  EXPECT_EQ(*result.object()->at("redoubt.composite").object()->at("status").string(), "warning");
  const Composite whole = domain_with_log();
  const json::Value good = ear(whole, judged(whole), test::tdx_scene().now);
  const json::Object& log = *good.object()->at("submods").object()->at("log").object();
  EXPECT_EQ(*log.at("ear.status").string(), "affirming");
  EXPECT_EQ(log.at("redoubt.bindings").array()->size(), 4U);
}

}  // namespace
}  // namespace redoubt::appraise
