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
constexpr long kSerial = 77;  // of every certificate that signer_certificate makes

struct Scene {
  Scene() {
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
  Scene scene;
  EXPECT_EQ(scene.failures(), Ids{});
  EXPECT_EQ(scene.judge().find(CheckId::i2)->found, "1 violations");
  scene.policy.platforms.tpm->accept_ima_violations = false;
  EXPECT_EQ(scene.failures(), Ids{"I2"});
}

TEST(AppraiseCertifiedTpm, ARevokedCertificateIsRefusedAndAnAbsentListIsSaidOrRefusedAsThePolicyAsks) {
  Scene scene;
  EXPECT_NE(scene.judge().find(CheckId::m6)->found.find("revocation not known: no valid list of CN=tpm test CA"), std::string::npos);
  scene.endorsements.tpm_crls = {test::tpm_crl(false, {kSerial}, kWindow)};
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

TEST(AppraiseCertifiedTpm, ACertificateWithoutAUsageIsTakenOnlyUnderTheAnchorThatThePolicyNamesForIt) {
  Scene scene;
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
