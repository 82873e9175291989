// Goal: whoever has files and no protocol hears of a TPM's key what there is to say: that nobody whom the policy names vouches for it, and that
// its authority has taken it back. Method: the recorded boot under the built-in policy; composites of Azure with a list among the files.
#include <gtest/gtest.h>

#include <algorithm>

#include "common/attest/verifier/verifier_test_samples.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::verifier {
namespace {

// The built-in policy speaks of TPMs: all checks are made and shown, and without an authority that it names nothing is accepted.
TEST(VerifierTpmKeys, StrictMakesEveryCheckOfATpmAndAcceptsNone) {
  const test::TpmVerifier verifier("good");
  const crypto::Certificate root = test::tpm_roots().at(0);
  for (const bool bring_root : {false, true}) {
    const std::vector<NamedFile> files = bring_root ? std::vector<NamedFile>{{"root", to_bytes(root.der())}} : std::vector<NamedFile>{};
    const auto appraisal = OrDie(verify(test::tpm_evidence("good").encode(), files, std::nullopt, verifier.nonce, verifier.now));
    EXPECT_EQ(failed_of(appraisal), (std::set<std::string>{"M5", "M6"}));
    EXPECT_EQ(appraisal.checks.size(), 22U);
    EXPECT_EQ(appraisal.status, appraise::Tier::contraindicated);
    EXPECT_TRUE(std::ranges::any_of(appraisal.remarks, [](const std::string& one) { return one.starts_with("the policy names no authority of TPM keys"); }));
    for (const attest::CheckId id : {attest::CheckId::m1, attest::CheckId::m2, attest::CheckId::m3, attest::CheckId::m4, attest::CheckId::l2, attest::CheckId::i3}) {
      EXPECT_EQ(appraisal.find(id)->outcome, attest::Outcome::passed) << attest::id_text(id);
    }
  }
}

TEST(VerifierTpmKeys, AListInTheHeapRevokesTheCertificateOfAnAzureKey) {
  for (const azure::Hardware hardware : kAzureHardware) {
    const AzureScene scene(hardware);
    const Interval window{scene.now().plus_seconds(-60), scene.now().plus_seconds(60)};
    const auto judge = [&](const std::vector<long>& revoked) {
      std::vector<NamedFile> files = scene.files();
      files.push_back({"list", test::tpm_crl(false, revoked, window)});
      return OrDie(verify(scene.bytes(), files, scene.policy(), sample_nonce(), scene.now()));
    };
    EXPECT_EQ(failed_of(judge({77})), std::set<std::string>{"M6"});  // the serial of every certificate that signer_certificate makes
    EXPECT_EQ(failed_of(judge({78})), std::set<std::string>{});
  }
}

}  // namespace
}  // namespace redoubt::verifier
