// Goal: a composite is trusted only when its hardware, its binding, its quote and its policy all agree, freshness comes from the TPM quote
// alone, and each requirement of the section decides by itself. Method: composites under test keys with a policy that names their
// values; one thing changed at a time.
#include <gtest/gtest.h>

#include "common/attest/appraise/appraisal.h"
#include "tests/support/evidence_azure.h"
#include "tests/support/expect.h"

namespace redoubt::appraise {
namespace {

using azure::Hardware;
using attest::CheckId;
using test::AzureSample;
using Ids = std::set<std::string>;

struct AzureScene {
  explicit AzureScene(Hardware hardware) : sample(hardware) {
    challenge.statement = to_bytes(as_bytes("statement of this session"));
    challenge.claims.emplace().workload = "cleanroom";
    challenge.contract = challenge.claims->contract;
    sample.quote.nonce = to_bytes(crypto::sha256(challenge.statement).view());
    policy = {.name = "azure", .workload = "cleanroom", .programs = {}, .accept_host_asserted = false, .accept_software_tpm = false, .platforms = {}};
    AzurePolicy& section = policy.platforms.azure.emplace();
    section.ak_certificate_required = true;
    section.secure_boot_required = true;
    const crypto::RootPin pin = sample.ak_roots.front();
    section.ak_roots = {{pin.certificate, std::string(pin.name), pin.spki}};
    section.pcrs.emplace();
    for (const auto& [pcr, value] : sample.quote.pcrs) std::ranges::copy(value, (*section.pcrs)[pcr].array().begin());
    remake();
    if (hardware == Hardware::snp) {
      SnpPolicy& snp = section.snp.emplace();
      snp.products = {"milan"};
      snp.keys = {"VCEK"};
      snp.roots = {{crypto::sha256(sample.snp.ark), "test ARK", Hash32(sample.snp.anchors.front().ark.array())}};
    } else {
      TdxPolicy& tdx = section.tdx.emplace();
      tdx.tcb.statuses = {"UpToDate"};
      tdx.require_sept_ve_disable = false;
      tdx.tcb.roots = {{crypto::sha256(sample.tdx->root()), "test root", sample.tdx->pin()}};
    }
  }

  void remake() {
    sample.remake();
    endorsements.amd = {{sample.snp.leaf, sample.snp.intermediate, sample.snp.ark, sample.snp.crl}};
    endorsements.intel = {sample.tdx->collateral()};
  }
  Result<Appraisal> judge() const {
    const std::string format = sample.hardware == Hardware::snp ? "azure-snp" : "azure-tdx";
    return appraise({format, sample.raw.encode()}, endorsements, challenge, OrDie(Policy::parse(policy.canonical())), now());
  }
  Instant now() const { return sample.hardware == Hardware::snp ? sample.snp.now : sample.tdx->issue_date.plus_seconds(1); }
  Ids failures() const {
    const Appraisal appraisal = OrDie(judge());
    Ids ids;
    for (const attest::Check& check : appraisal.checks) {
      if (check.outcome == attest::Outcome::failed) ids.emplace(id_text(check.id));
    }
    EXPECT_EQ(ids.empty(), appraisal.accepted().ok());
    return ids;
  }

  AzureSample sample;
  Endorsements endorsements;
  Challenge challenge;
  Policy policy;
};

constexpr Hardware kBoth[] = {Hardware::snp, Hardware::tdx};

TEST(AppraiseAzure, ACompositeThatFitsItsPolicyIsTrusted) {
  for (const Hardware hardware : kBoth) {
    const AzureScene scene(hardware);
    const Appraisal appraisal = OrDie(scene.judge());
    for (const attest::Check& check : appraisal.checks) {
      EXPECT_NE(check.outcome, attest::Outcome::failed) << id_text(check.id) << ": expected " << check.expected << ", found " << check.found;
    }
    EXPECT_OK(appraisal.accepted());
    EXPECT_FALSE(appraisal.host_asserted);
    EXPECT_EQ(appraisal.pcrs.size(), 8U);
    EXPECT_EQ(appraisal.measured.at("claim_graph").array()->size(), 6U);
    EXPECT_TRUE(appraisal.validity.contains(scene.now()));
    EXPECT_EQ(appraisal.find(CheckId::n15)->outcome, attest::Outcome::passed);
  }
}

TEST(AppraiseAzure, FreshnessIsTheQuotesAndNotTheReports) {
  for (const Hardware hardware : kBoth) {
    AzureScene other(hardware);
    other.challenge.statement.push_back(std::byte{0});
    EXPECT_EQ(other.failures(), Ids{"M2"});
    // What REPORT_DATA holds is not the answer to a challenge.
    AzureScene confused(hardware);
    confused.challenge.report_data = to_bytes(crypto::sha256(as_bytes(confused.sample.runtime)).view());
    EXPECT_EQ(confused.failures(), Ids{"M2"});
    AzureScene unasked(hardware);
    unasked.challenge = {};
    unasked.challenge.unchallenged = true;
    unasked.policy.workload = "any";
    const Appraisal appraisal = OrDie(unasked.judge());
    EXPECT_OK(appraisal.accepted());
    EXPECT_EQ(appraisal.status, Tier::warning);
    EXPECT_EQ(appraisal.find(CheckId::m2)->outcome, attest::Outcome::not_applicable);
  }
}

TEST(AppraiseAzure, EachRequirementOfTheSectionDecides) {
  for (const Hardware hardware : kBoth) {
    AzureScene pcr(hardware);
    (*pcr.policy.platforms.azure->pcrs)[7].array()[0] ^= std::byte{1};
    EXPECT_EQ(pcr.failures(), Ids{"reference.pcrs"});
    AzureScene absent(hardware);
    absent.policy.platforms.azure->pcrs->emplace(14, crypto::Sha256Digest());
    EXPECT_EQ(absent.failures(), (Ids{"M4", "N15"}));
    AzureScene off(hardware);
    off.sample.runtime = test::runtime_data(test::test_signer(test::SignerKind::rsa2048, "azure ak"), false);
    off.remake();
    EXPECT_EQ(off.failures(), Ids{"L5"});
    off.policy.platforms.azure->secure_boot_required = false;
    EXPECT_EQ(off.failures(), Ids{});
    AzureScene roots(hardware);
    roots.policy.platforms.azure->ak_roots.reset();  // the vendor's
    EXPECT_EQ(roots.failures(), Ids{"M6"});
    roots.policy.platforms.azure->ak_certificate_required = false;
    EXPECT_EQ(roots.failures(), Ids{});
    const Appraisal lowered = OrDie(roots.judge());
    EXPECT_EQ(lowered.status, Tier::warning);
    EXPECT_TRUE(std::ranges::any_of(lowered.remarks, [](const std::string& one) { return one.find("not bound to an anchor") != std::string::npos; }));
  }
}

TEST(AppraiseAzure, ARevokedCertificateOfTheKeyIsRefusedEvenWhereNoneIsNeeded) {
  constexpr long kSerial = 77;  // of every certificate that signer_certificate makes
  for (const Hardware hardware : kBoth) {
    AzureScene scene(hardware);
    const Interval window{scene.now().plus_seconds(-60), scene.now().plus_seconds(60)};
    const auto m6 = [&] { return OrDie(scene.judge()).find(CheckId::m6)->found; };
    EXPECT_NE(m6().find("revocation not known: no valid list of CN=tpm test CA"), std::string::npos) << m6();
    scene.endorsements.tpm_crls = {test::tpm_crl(false, {kSerial}, window)};
    for (const bool needed : {true, false}) {
      scene.policy.platforms.azure->ak_certificate_required = needed;
      EXPECT_EQ(scene.failures(), Ids{"M6"});
      EXPECT_ERROR(OrDie(scene.judge()).accepted(), Code::chain, "revoked by the list");
    }
    // A list that is over still says what was revoked; one that revokes nothing covers the leaf, and not the intermediate.
    scene.endorsements.tpm_crls = {test::tpm_crl(false, {kSerial}, {scene.now().plus_seconds(-60), scene.now().plus_seconds(-1)})};
    EXPECT_EQ(scene.failures(), Ids{"M6"});
    scene.endorsements.tpm_crls = {test::tpm_crl(false, {}, window)};
    EXPECT_EQ(scene.failures(), Ids{});
    scene.policy.platforms.azure->require_revocation_lists = true;
    EXPECT_EQ(scene.failures(), Ids{"M6"});
    scene.endorsements.tpm_crls.push_back(test::tpm_crl(true, {}, window));
    EXPECT_EQ(scene.failures(), Ids{});
    EXPECT_TRUE(m6().ends_with(", not revoked")) << m6();
    // Of a certificate that leads nowhere no list is asked: it vouches for nothing, and says so.
    scene.policy.platforms.azure->ak_roots.reset();
    EXPECT_EQ(scene.failures(), Ids{});
    EXPECT_EQ(OrDie(scene.judge()).status, Tier::warning);
  }
}

TEST(AppraiseAzure, TheHardwaresPartIsJudgedByItsOwnSection) {
  AzureScene snp(Hardware::snp);
  snp.policy.platforms.azure->snp->products = {"turin"};
  EXPECT_EQ(snp.failures(), Ids{"N9"});
  snp.policy.platforms.azure->snp.reset();
  EXPECT_ERROR(snp.judge(), Code::policy, "SEV-SNP");
  // A section for bare reports does not speak of composites, nor the other way round.
  snp.policy.platforms.snp.emplace().products = {"milan"};
  snp.policy.platforms.snp->keys = {"VCEK"};
  EXPECT_ERROR(snp.judge(), Code::policy, "SEV-SNP");
  AzureScene vendor(Hardware::snp);
  vendor.policy.platforms.azure->snp->roots.reset();
  EXPECT_TRUE(vendor.failures().contains("N4"));
  EXPECT_TRUE(vendor.failures().contains("N15"));  // without an authentic report nothing vouches for the runtime data
  AzureScene tdx(Hardware::tdx);
  tdx.policy.platforms.azure->tdx->mrtd = {crypto::sha384(as_bytes("another"))};
  EXPECT_EQ(tdx.failures(), Ids{"P2"});
  tdx.policy.platforms.azure->tdx->mrtd.reset();
  tdx.endorsements.intel.clear();
  const Appraisal without = OrDie(tdx.judge());
  EXPECT_ERROR(without.accepted(), Code::policy, "a mandatory check was not made");
  EXPECT_EQ(without.find(CheckId::n15)->outcome, attest::Outcome::not_applicable);
  EXPECT_TRUE(without.measured.empty());
  EXPECT_TRUE(without.pcrs.empty());
  // A broken edge besides is told, whatever is missing.
  tdx.sample.raw.pcrs[4].array()[9] ^= std::byte{1};
  EXPECT_EQ(tdx.failures(), (Ids{"M4", "N15"}));
  AzureScene crossed(Hardware::tdx);
  const auto policy = crossed.policy;
  crossed.policy.platforms.azure->snp = AzureScene(Hardware::snp).policy.platforms.azure->snp;
  EXPECT_ERROR(appraise({"azure-snp", crossed.sample.raw.encode()}, crossed.endorsements, crossed.challenge, crossed.policy, crossed.now()), Code::malformed,
               "expected a composite of SEV-SNP");
}

TEST(AppraiseAzure, APartOfAnotherMachineIsRefusedByItsCheck) {
  for (const Hardware hardware : kBoth) {
    AzureScene forged(hardware);
    const test::Signer& liar = test::test_signer(test::SignerKind::rsa2048, "azure liar");
    const Bytes report = hardware == Hardware::snp ? forged.sample.snp.report : Bytes(azure::HclReport::kTdReportSize);
    forged.sample.raw.hcl_report = test::hcl_report(hardware, report, as_bytes(test::runtime_data(liar)));
    forged.sample.raw.signature = test::tpm_sign(liar, tpm::kAlgRsassa, tpm::kAlgSha256, forged.sample.raw.attest);
    const std::string report_check = hardware == Hardware::snp ? "N14" : "P3";
    EXPECT_EQ(forged.failures(), (Ids{"M5", "N15", report_check}));
    const Appraisal appraisal = OrDie(forged.judge());
    EXPECT_TRUE(appraisal.pcrs.empty());
    EXPECT_TRUE(appraisal.measured.empty());
    AzureScene quote(hardware);
    quote.sample.raw.signature = test::tpm_sign(liar, tpm::kAlgRsassa, tpm::kAlgSha256, quote.sample.raw.attest);
    EXPECT_EQ(quote.failures(), (Ids{"M3", "N15"}));
    AzureScene values(hardware);
    values.sample.raw.pcrs[4].array()[9] ^= std::byte{1};
    EXPECT_EQ(values.failures(), (Ids{"M4", "N15"}));
  }
}

TEST(AppraiseAzure, WhatCannotBeReadIsAnErrorAndNotAVerdict) {
  const AzureScene scene(Hardware::snp);
  EXPECT_ERROR(appraise({"azure-snp", Bytes(10)}, scene.endorsements, scene.challenge, scene.policy, scene.now()), Code::malformed, "parsing evidence");
  EXPECT_ERROR(appraise({"azure-tdx", scene.sample.raw.encode()}, scene.endorsements, scene.challenge, scene.policy, scene.now()), Code::policy, "TDX");
}

}  // namespace
}  // namespace redoubt::appraise
