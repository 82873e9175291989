// Goal: what explain proposes turns the check, and nothing less does; where no policy helps, it says so. Method: each requirement of
// a policy made to refuse sound Evidence by itself and together with others; Evidence that no policy can accept.
#include "common/attest/verifier/explain.h"

#include "common/attest/verifier/verifier_test_samples.h"

namespace redoubt::verifier {
namespace {

using Lines = std::vector<std::string>;

class ExplainTest : public testing::Test {
 protected:
  ExplainTest() : maker_(dcap_maker(4, test::DcapMaker::kTd10)), policy_(with_root(maker_.pin())) {}

  Explained explained() { return OrDie(explain(maker_.quote(), files_of(maker_.collateral()), policy_, sample_nonce(), maker_.now)); }
  // only: the change for the one check that failed.
  Lines only(std::string_view id) {
    const Explained all = explained();
    EXPECT_EQ(all.failed.size(), 1U);
    if (all.failed.size() != 1) return {};
    EXPECT_EQ(attest::id_text(all.failed[0].check.id), id);
    EXPECT_EQ(all.failed[0].rule, attest::title(all.failed[0].check.id));
    return all.failed[0].change;
  }

  test::DcapMaker maker_;
  appraise::Policy policy_;
};

TEST_F(ExplainTest, NothingIsExplainedWhereNothingFailed) { EXPECT_TRUE(explained().failed.empty()); }

TEST_F(ExplainTest, AStatusIsAddedToThoseThatAreAccepted) {
  maker_.tcb_status = "OutOfDate";
  EXPECT_EQ(only("T6"), Lines{R"(platforms.tdx.tcb.statuses: ["UpToDate"] -> ["UpToDate","OutOfDate"])"});
  maker_.tcb_status = "Revoked";  // no policy takes that
  for (const Explanation& one : explained().failed) EXPECT_TRUE(one.change.empty()) << attest::id_text(one.check.id);
}

TEST_F(ExplainTest, AMinimumIsDropped) {
  policy_.platforms.tdx->tcb.minimum_evaluation_number = 20;
  EXPECT_EQ(only("C7"), Lines{R"(platforms.tdx.tcb.minimum_evaluation_number: 20 -> "any")"});
}

TEST_F(ExplainTest, OfSeveralRequirementsOfACheckThoseThatDifferAreNamedAndNoOthers) {
  policy_.platforms.tdx->mrtd = {appraise::Hash48()};
  const std::string mrtd = hex_encode(ByteView(maker_.body).subspan(136, 48));
  const std::string zero(96, '0');
  EXPECT_EQ(only("P2"), Lines{"platforms.tdx.mrtd: [\"" + zero + "\"] -> [\"" + zero + "\",\"" + mrtd + "\"]"});
  policy_.platforms.tdx->rtmrs = {{0, OrDie(appraise::Hash48::from(ByteView(maker_.body).subspan(328, 48), "rtmr"))}, {3, appraise::Hash48()}};
  const Lines both = only("P2");
  ASSERT_EQ(both.size(), 2U);
  EXPECT_TRUE(both[0].starts_with("platforms.tdx.mrtd:")) << both[0];
  EXPECT_TRUE(both[1].starts_with("platforms.tdx.rtmrs.3: \"" + zero)) << both[1];
}

TEST_F(ExplainTest, DebugIsNamedAsTheRequirementItIs) {
  test::put(maker_.body, 120, test::little(0x10000001, 8));
  EXPECT_EQ(only("P2"), Lines{R"(platforms.tdx.debug: "refused" -> "accepted")"});
}

TEST_F(ExplainTest, NoPolicyAcceptsAForeignRootAWrongNonceOrABrokenSignature) {
  const Explained foreign = OrDie(explain(maker_.quote(), files_of(maker_.collateral()), std::nullopt, sample_nonce(), maker_.now));
  EXPECT_FALSE(foreign.failed.empty());
  for (const Explanation& one : foreign.failed) EXPECT_TRUE(one.change.empty()) << attest::id_text(one.check.id);
  const Explained nonce = OrDie(explain(maker_.quote(), files_of(maker_.collateral()), policy_, Bytes(32, std::byte{1}), maker_.now));
  ASSERT_EQ(nonce.failed.size(), 1U);
  EXPECT_TRUE(nonce.failed[0].change.empty());
  Bytes quote = maker_.quote();
  quote[100] ^= std::byte{1};
  const Explained broken = OrDie(explain(quote, files_of(maker_.collateral()), policy_, sample_nonce(), maker_.now));
  EXPECT_FALSE(broken.failed.empty());
  for (const Explanation& one : broken.failed) EXPECT_TRUE(one.change.empty()) << attest::id_text(one.check.id);
}

TEST(ExplainSnp, EachRequirementIsFoundByItself) {
  const test::SnpSample sample;
  const appraise::Policy base = with_root(crypto::Sha256Digest(sample.authority->anchor().ark.array()));
  const auto change = [&](auto&& tighten) -> std::string {
    appraise::Policy policy = base;
    tighten(*policy.platforms.snp);
    const Explained out = OrDie(explain(sample.report, files_of(sample), policy, std::nullopt, sample.now));
    if (out.failed.size() != 1 || out.failed[0].change.size() != 1) return std::to_string(out.failed.size()) + " failed";
    return out.failed[0].change[0].substr(0, out.failed[0].change[0].find(':'));
  };
  EXPECT_EQ(change([](auto& p) { p.products = {"turin"}; }), "platforms.snp.products");
  EXPECT_EQ(change([](auto& p) { p.keys = {"VLEK"}; }), "platforms.snp.keys");
  EXPECT_EQ(change([](auto& p) { p.measurement = {appraise::Hash48()}; }), "platforms.snp.measurement");
  EXPECT_EQ(change([](auto& p) { p.host_data = appraise::Hash32(); }), "platforms.snp.host_data");
  EXPECT_EQ(change([](auto& p) { p.minimum_guest_svn = 4000; }), "platforms.snp.minimum_guest_svn");
  EXPECT_EQ(change([](auto& p) { p.require_revocation_list = true; }), "platforms.snp.revocation_list");
}

TEST(ExplainNitro, AgeAndPcrsAreWidenedToWhatWasFound) {
  const test::NitroSample sample;
  appraise::Policy policy = strict_policy();
  policy.platforms.nitro->roots = {{sample.root().certificate, "test", sample.root().spki}};
  policy.platforms.nitro->maximum_age_seconds = 5;
  const Instant now = test::kNitroTime.plus_seconds(40);
  const Explained age = OrDie(explain(sample.encode(), {}, policy, std::nullopt, now));
  ASSERT_EQ(age.failed.size(), 1U);
  ASSERT_EQ(age.failed[0].change.size(), 1U);
  EXPECT_TRUE(age.failed[0].change[0].starts_with("platforms.nitro.maximum_age_seconds: 5 -> ")) << age.failed[0].change[0];
}

TEST(ExplainAzure, RequirementsOfTheCompositeAndOfItsHardwareAreNamedInTheirSection) {
  const auto change = [](const AzureScene& scene, auto&& tighten) -> std::string {
    appraise::Policy policy = scene.policy();
    tighten(*policy.platforms.azure);
    const Explained out = OrDie(explain(scene.bytes(), scene.files(), policy, sample_nonce(), scene.now()));
    if (out.failed.size() != 1 || out.failed[0].change.size() != 1) return std::to_string(out.failed.size()) + " failed";
    return out.failed[0].change[0].substr(0, out.failed[0].change[0].find(':'));
  };
  AzureScene snp(azure::Hardware::snp);
  const AzureScene tdx(azure::Hardware::tdx);
  EXPECT_EQ(change(snp, [](auto& p) { p.snp->measurement = {appraise::Hash48()}; }), "platforms.azure.snp.measurement");
  EXPECT_EQ(change(tdx, [](auto& p) { p.tdx->mrtd = {appraise::Hash48()}; }), "platforms.azure.tdx.mrtd");
  EXPECT_EQ(change(tdx, [](auto& p) { p.pcrs = {{7, crypto::Sha256Digest()}}; }), "platforms.azure.pcrs.7");
  snp.sample.runtime = test::runtime_data(test::test_signer(test::SignerKind::rsa2048, "azure ak"), false);
  snp.sample.remake();
  EXPECT_EQ(change(snp, [](auto&) {}), "platforms.azure.secure_boot");
  const auto of_the_vendor = [](auto& p) {
    p.ak_certificate_required = true;
    p.ak_roots.reset();
  };
  EXPECT_EQ(change(tdx, of_the_vendor), "platforms.azure.ak_certificate");
}

TEST(ExplainTpm, ReferenceValuesAreNamedInTheBankThatWasQuoted) {
  const test::TpmSample sample(tpm::kAlgRsassa, tpm::kAlgSha256, tpm::kAlgSha384);
  appraise::Policy policy = strict_policy();
  appraise::TpmPolicy& section = *policy.platforms.tpm;
  section.anchors = {{crypto::sha256(test::tpm_test_root()), "test root", false}};
  section.secure_boot_required = false;
  section.pcrs_sha384.emplace();
  for (const auto& [pcr, value] : sample.quote.pcrs) section.pcrs_sha384->emplace(pcr, OrDie(appraise::Hash48::from(value, "value")));
  const auto change = [&](const auto& tighten) -> Lines {
    appraise::Policy tighter = policy;
    tighten(*tighter.platforms.tpm);
    const Explained out = OrDie(explain(sample.raw.encode(), std::vector<NamedFile>{{"root", test::tpm_test_root()}}, tighter, sample.expected_nonce, sample.now));
    if (out.failed.empty()) return {};
    EXPECT_EQ(out.failed.size(), 1U);
    EXPECT_EQ(attest::id_text(out.failed[0].check.id), "reference.pcrs");
    return out.failed[0].change;
  };
  EXPECT_EQ(change([](auto&) {}), Lines{});
  const std::string right = hex_encode(sample.quote.pcrs.at(7)), wrong = appraise::Hash48().hex();
  EXPECT_EQ(change([](auto& p) { p.pcrs_sha384->at(7) = appraise::Hash48(); }), Lines{"platforms.tpm.pcrs_sha384.7: \"" + wrong + "\" -> \"" + right + "\""});
}

TEST(ExplainToken, ClaimsAreNamed) {
  const std::vector<NamedFile> keys{{"k", to_bytes(test::jwk_set(token_signer(), "k1", "RS256"))}};
  appraise::Policy policy = strict_policy();
  policy.platforms.token->hardware_models = {"GCP_AMD_SEV"};
  const Explained out = OrDie(explain(to_bytes(token_text("n")), keys, policy, std::nullopt, Instant(1790000100)));
  ASSERT_EQ(out.failed.size(), 1U);
  EXPECT_EQ(out.failed[0].change, Lines{R"(platforms.token.hardware_models: ["GCP_AMD_SEV"] -> ["GCP_AMD_SEV","GCP_INTEL_TDX"])"});
}

}  // namespace
}  // namespace redoubt::verifier
