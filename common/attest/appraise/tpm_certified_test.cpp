// Goal: what a policy says of IMA violations, of revocation lists and of AK certificates without a usage decides, and nothing is taken
// by absence. Method: Evidence of a certified attestation key with an IMA list, made here, under a policy that names its root; one key of
// the policy or one piece of Evidence changed at a time.
#include <gtest/gtest.h>

#include "common/attest/appraise/appraisal.h"
#include "tests/support/evidence_ima.h"
#include "tests/support/evidence_tpm.h"
#include "tests/support/expect.h"

namespace redoubt::appraise {
namespace {

using attest::CheckId;
using Ids = std::set<std::string>;

constexpr Interval kWindow{Instant(1796000000), Instant(1797000000)};
constexpr long kSignerSerial = 77;  // of every certificate that signer_certificate makes

struct CertifiedScene {
  CertifiedScene() {
    auto entries = test::ima_entries();
    entries[2].violation = true;
    for (std::size_t i = 0; i < 4; ++i) append(sample.raw.ima_log, test::ima_binary(entries[i]));
    const auto list = OrDie(ima::List::parse_binary(sample.raw.ima_log));
    sample.quote.pcrs[10] = to_bytes(ima::replay(list, eventlog::kSha256).view());
    sample.remake();
    policy = {.name = "certified", .workload = "any", .programs = std::nullopt, .accept_host_asserted = true, .accept_software_tpm = false, .platforms = {}};
    TpmPolicy& tpm = policy.platforms.tpm.emplace();
    tpm.anchors = {{crypto::sha256(test::tpm_test_root()), "test root", false}};
    tpm.accept_ima_violations = true;
    endorsements.tpm_roots = sample.roots;
  }
  Appraisal judge() const {
    Challenge challenge;
    challenge.report_data = sample.expected_nonce;
    return OrDie(appraise({"tpm", sample.raw.encode()}, endorsements, challenge, OrDie(Policy::parse(policy.canonical())), sample.now));
  }
  Ids failures() const {
    const Appraisal appraisal = judge();
    Ids ids;
    for (const attest::Check& check : appraisal.checks) {
      if (check.outcome == attest::Outcome::failed) ids.emplace(id_text(check.id));
    }
    EXPECT_EQ(ids.empty(), appraisal.accepted().ok());
    return ids;
  }

  test::TpmSample sample;
  Policy policy;
  Endorsements endorsements;
};

TEST(AppraiseCertifiedTpm, ImaViolationsAreTakenOnlyByAPolicyThatSaysSo) {
  CertifiedScene scene;
  EXPECT_EQ(scene.failures(), Ids{});
  EXPECT_EQ(scene.judge().find(CheckId::i2)->found, "1 violations");
  scene.policy.platforms.tpm->accept_ima_violations = false;
  EXPECT_EQ(scene.failures(), Ids{"I2"});
}

TEST(AppraiseCertifiedTpm, ARevokedCertificateIsRefusedAndAnAbsentListIsSaidOrRefusedAsThePolicyAsks) {
  CertifiedScene scene;
  EXPECT_NE(scene.judge().find(CheckId::m6)->found.find("revocation not known: no valid list of CN=tpm test CA"), std::string::npos);
  scene.endorsements.tpm_crls = {test::tpm_crl(false, {kSignerSerial}, kWindow)};
  EXPECT_EQ(scene.failures(), Ids{"M6"});
  EXPECT_ERROR(scene.judge().accepted(), Code::chain, "revoked by the list");
  scene.endorsements.tpm_crls = {test::tpm_crl(false, {}, kWindow)};
  EXPECT_EQ(scene.failures(), Ids{});
  scene.policy.platforms.tpm->require_revocation_lists = true;
  EXPECT_EQ(scene.failures(), Ids{"M6"});  // the root's is not there
  scene.endorsements.tpm_crls.push_back(test::tpm_crl(true, {}, kWindow));
  EXPECT_EQ(scene.failures(), Ids{});
  EXPECT_TRUE(scene.judge().find(CheckId::m6)->found.ends_with(", not revoked"));
}

// A quote over `bank` of a certified key, under a policy that names its root and Reference Values that it is given.
struct WideScene {
  explicit WideScene(std::uint16_t bank) : sample(tpm::kAlgRsassa, tpm::kAlgSha256, bank) {
    policy = {.name = "wide", .workload = "any", .programs = std::nullopt, .accept_host_asserted = false, .accept_software_tpm = false, .platforms = {}};
    policy.platforms.tpm.emplace().anchors = {{crypto::sha256(test::tpm_test_root()), "test root", false}};
    endorsements.tpm_roots = sample.roots;
  }
  Appraisal judge() const {
    Challenge challenge;
    challenge.report_data = sample.expected_nonce;
    return OrDie(appraise({"tpm", sample.raw.encode()}, endorsements, challenge, OrDie(Policy::parse(policy.canonical())), sample.now));
  }
  Ids failures() const {
    Ids ids;
    for (const attest::Check& check : judge().checks) {
      if (check.outcome == attest::Outcome::failed) ids.emplace(id_text(check.id));
    }
    return ids;
  }

  test::TpmSample sample;
  Policy policy;
  Endorsements endorsements;
};

TEST(AppraiseCertifiedTpm, ReferenceValuesAreThoseOfTheBankThatIsQuoted) {
  const auto values = []<class F>(std::uint16_t bank, std::optional<std::map<int, F>>& out) {
    out.emplace();
    for (const auto& [pcr, value] : test::tpm_values(bank)) out->emplace(pcr, OrDie(F::from(value, "value")));
  };
  for (const std::uint16_t bank : {tpm::kAlgSha256, tpm::kAlgSha384, tpm::kAlgSha512}) {
    SCOPED_TRACE(tpm::algorithm_text(bank));
    WideScene scene(bank);
    TpmPolicy& section = *scene.policy.platforms.tpm;
    EXPECT_EQ(scene.failures(), Ids{"policy.host_asserted"});  // nothing is known of any bank: the host's word
    values(tpm::kAlgSha384, section.pcrs_sha384);
    values(tpm::kAlgSha512, section.pcrs_sha512);
    // SHA-256 is "any" so far, which is no way round the others.
    EXPECT_EQ(scene.failures(), bank == tpm::kAlgSha256 ? Ids{"reference.pcrs"} : Ids{});
    values(tpm::kAlgSha256, section.pcrs);
    EXPECT_EQ(scene.failures(), Ids{});
    const Appraisal whole = scene.judge();
    EXPECT_FALSE(whole.host_asserted);
    EXPECT_EQ(whole.status, Tier::affirming);
    EXPECT_EQ(whole.find(CheckId::reference_pcrs)->found, "8 PCRs");
    EXPECT_EQ(whole.measured.contains("pcrs"), bank != tpm::kAlgSha256);

    // One value differs; one that is not quoted; the bank is not among those that are known.
    const auto each = [&](const auto& change) {
      WideScene copy = scene;
      TpmPolicy& p = *copy.policy.platforms.tpm;
      bank == tpm::kAlgSha256 ? change(p.pcrs) : bank == tpm::kAlgSha384 ? change(p.pcrs_sha384) : change(p.pcrs_sha512);
      return copy;
    };
    const WideScene other = each([](auto& known) { known->at(7).array()[31] ^= std::byte{1}; });
    EXPECT_EQ(other.failures(), Ids{"reference.pcrs"});
    EXPECT_TRUE(other.judge().find(CheckId::reference_pcrs)->found.starts_with("PCR 7 "));
    EXPECT_EQ(each([](auto& known) { (*known)[9] = known->at(0); }).judge().find(CheckId::reference_pcrs)->found, "PCR 9 not quoted");
    const WideScene unknown = each([](auto& known) { known.reset(); });
    EXPECT_EQ(unknown.failures(), Ids{"reference.pcrs"});
    EXPECT_EQ(unknown.judge().find(CheckId::reference_pcrs)->found, "one over " + tpm::algorithm_text(bank));
    EXPECT_TRUE(unknown.judge().host_asserted);
  }
}

TEST(AppraiseCertifiedTpm, APolicyThatNamesNoAuthorityMakesEveryCheckAndAcceptsNothing) {
  CertifiedScene scene;
  const std::size_t count = scene.judge().checks.size();
  scene.policy.platforms.tpm->anchors.clear();
  const Appraisal appraisal = scene.judge();
  EXPECT_EQ(scene.failures(), Ids{"M6"});
  EXPECT_EQ(appraisal.checks.size(), count);
  EXPECT_EQ(appraisal.status, Tier::contraindicated);
  EXPECT_TRUE(std::ranges::any_of(appraisal.remarks, [](const std::string& one) { return one.starts_with("the policy names no authority of TPM keys"); }));
  EXPECT_TRUE(appraisal.pcrs.empty());
}

TEST(AppraiseCertifiedTpm, ACertificateWithoutAUsageIsTakenOnlyUnderTheAnchorThatThePolicyNamesForIt) {
  CertifiedScene scene;
  scene.sample.leaf.extensions.clear();
  scene.sample.remake();
  EXPECT_EQ(scene.failures(), Ids{"M6"});
  EXPECT_NE(scene.judge().find(CheckId::m6)->found.find("expected the extended usage 2.23.133.8.3"), std::string::npos);
  TpmPolicy& tpm = *scene.policy.platforms.tpm;
  tpm.anchors.push_back({crypto::sha256(as_bytes("another root")), "another", false, true});
  EXPECT_EQ(scene.failures(), Ids{"M6"});
  tpm.anchors.front().ak_without_usage = true;
  EXPECT_EQ(scene.failures(), Ids{});
}

}  // namespace
}  // namespace redoubt::appraise
