// Goal: the configuration alone chooses the collector, each kind makes Evidence that appraise() takes for its format, and what belongs to
// another kind is refused. Method: every kind over a fake of its platform, the verifier's own appraise(); detect() over a folder.
#include "enclave/collect/collector.h"

#include <fstream>

#include "enclave/collect/base/posix_file_calls.h"
#include "enclave/collect/tsm/fake_configfs_test.h"
#include "enclave/collect/tsm/table_maker_test.h"
#include "tests/support/dcap_vectors.h"
#include "tests/support/evidence_snp.h"
#include "tests/support/fixed_random.h"
#include "tests/support/swtpm.h"

namespace redoubt::collect {
namespace {

const Bytes kStatement = to_bytes("a statement");

struct Parts {
  PosixFileCalls files;
  test::FixedRandom random{3};
  Result<std::unique_ptr<Collector>> make(const CollectorConfig& config) { return collect::make(config, files, random); }
};

// appraised: the checks that failed, of the platform alone: nothing of claims, measurements or contracts.
appraise::Appraisal appraised(const appraise::Evidence& evidence, const appraise::Endorsements& endorsements, const appraise::Policy& policy, Instant now) {
  appraise::Challenge challenge;
  challenge.statement = kStatement;
  return OrDie(appraise::appraise(evidence, endorsements, challenge, policy, now));
}

appraise::VendorRoot vendor_root(const crypto::Sha256Digest& spki) {
  appraise::VendorRoot root;
  root.name = "test";
  root.spki = appraise::Hash32(spki.array());
  return root;
}

bool passed(const appraise::Appraisal& appraisal, attest::CheckId id) {
  const attest::Check* check = appraisal.find(id);
  return check != nullptr && check->outcome == attest::Outcome::passed;
}

TEST(CollectorTest, OnlyNamesThatAreKnownAreTaken) {
  Parts parts;
  for (const char* kind : {"", "auto", "TPM", "tdx", "snp", "sgx", "nitro"}) {
    EXPECT_ERROR(parts.make({.kind = kind}), Code::usage, "collector: expected one of \"tpm\", \"tsm\", \"gramine\", \"confidential-space\", found \"") << kind;
  }
}

TEST(CollectorTest, OptionsOfAnotherKindAreRefused) {
  Parts parts;
  EXPECT_ERROR(parts.make({.kind = "gramine", .tpm = TpmCollectorOptions()}), Code::usage, "found TPM options, of \"tpm\"");
  EXPECT_ERROR(parts.make({.kind = "gramine", .privilege_level = 0}), Code::usage, "found a privilege level, of \"tsm\"");
  EXPECT_ERROR(parts.make({.kind = "tsm", .audience = "a"}), Code::usage, "found an audience, of \"confidential-space\"");
  EXPECT_ERROR(parts.make({.kind = "tpm", .token_type = TokenType::oidc}), Code::usage, "found a token type, of \"confidential-space\"");
  EXPECT_ERROR(parts.make({.kind = "confidential-space"}), Code::usage, "expected an audience, found none");
  EXPECT_OK(parts.make({.kind = "tsm", .privilege_level = 0}));
  EXPECT_OK(parts.make({.kind = "confidential-space", .audience = "a", .token_type = TokenType::oidc}));
}

// The defaults are the places that each platform documents; none is there where the tests run, or else they would be the machine's own.
TEST(CollectorTest, DefaultsAreThePlatformsOwnPlaces) {
  Parts parts;
  const auto offers = detect();
  for (const auto& [kind, path] : {std::pair{"tsm", "/sys/kernel/config/tsm/report/redoubt-"}, std::pair{"gramine", "/dev/attestation/attestation_type"},
                                   std::pair{"confidential-space", "/run/container_launcher/teeserver.sock"}}) {
    if (std::ranges::any_of(offers, [&](const Offer& offer) { return offer.kind == kind; })) GTEST_SKIP() << kind << " is here";
    CollectorConfig config{.kind = kind};
    if (config.kind == "confidential-space") config.audience = "a";
    const auto collection = OrDie(parts.make(config))->collect(kStatement);
    ASSERT_FALSE(collection.ok());
    EXPECT_NE(collection.error().message().find(path), std::string::npos) << collection.error().message();
  }
}

TEST(CollectorTest, EvidenceOverConfigfsIsWhatAppraiseTakesForTdx) {
  test::DcapMaker maker(4, test::DcapMaker::kTd10);
  FakeConfigfs kernel("tdx_guest");
  kernel.device = [&](ByteView data, unsigned) {
    test::put(maker.body, 520, data);
    return maker.quote();
  };
  test::FixedRandom random(3);
  const auto collection = OrDie(OrDie(make({.kind = "tsm", .path = kernel.root}, kernel, random))->collect(kStatement));
  appraise::Policy policy;
  policy.platforms.tdx.emplace().tcb.roots = {{vendor_root(maker.pin())}};
  appraise::Endorsements endorsements;
  endorsements.intel = {maker.collateral()};
  const auto appraisal = appraised(collection.evidence, endorsements, policy, maker.now);
  EXPECT_TRUE(passed(appraisal, attest::CheckId::s1));
  EXPECT_TRUE(passed(appraisal, attest::CheckId::s4));
  EXPECT_TRUE(passed(appraisal, attest::CheckId::p3)) << "the report data are not H(statement)";
}

TEST(CollectorTest, EvidenceOverConfigfsIsWhatAppraiseTakesForSnpWithItsCertificates) {
  test::SnpSample sample;
  FakeConfigfs kernel("sev_guest");
  kernel.device = [&](ByteView data, unsigned) {
    test::put(sample.report, 0x50, data);
    sample.resign();
    return sample.report;
  };
  kernel.auxblob = TableMaker{{{std::string(kVcekGuid), sample.leaf}, {std::string(kAskGuid), sample.intermediate}, {std::string(kArkGuid), sample.ark}}, true}.make();
  test::FixedRandom random(3);
  const auto collection = OrDie(OrDie(make({.kind = "tsm", .path = kernel.root}, kernel, random))->collect(kStatement));
  appraise::Policy policy;
  policy.platforms.snp.emplace().roots = {{vendor_root(crypto::Sha256Digest(sample.anchors.front().ark.array()))}};
  appraise::Endorsements endorsements;
  endorsements.amd = collection.untrusted_amd;
  const auto appraisal = appraised(collection.evidence, endorsements, policy, sample.now);
  EXPECT_TRUE(passed(appraisal, attest::CheckId::n3));
  EXPECT_TRUE(passed(appraisal, attest::CheckId::n14)) << "the report data are not H(statement)";
}

TEST(CollectorTest, EvidenceFromGramineIsWhatAppraiseTakesForSgx) {
  const test::TempDir folder;
  test::DcapMaker maker(3, test::DcapMaker::kSgx);
  test::put(maker.body, 320, report_data_of(kStatement).view());
  std::ofstream(folder.path() / "attestation_type") << "dcap";
  std::ofstream(folder.path() / "user_report_data");
  std::ofstream(folder.path() / "quote", std::ios::binary) << as_text(maker.quote());
  Parts parts;
  const auto collection = OrDie(OrDie(parts.make({.kind = "gramine", .path = folder.path()}))->collect(kStatement));
  appraise::Policy policy;
  policy.platforms.sgx.emplace().tcb.roots = {{vendor_root(maker.pin())}};
  appraise::Endorsements endorsements;
  endorsements.intel = {maker.collateral()};
  const auto appraisal = appraised(collection.evidence, endorsements, policy, maker.now);
  EXPECT_TRUE(passed(appraisal, attest::CheckId::s1));
  EXPECT_TRUE(passed(appraisal, attest::CheckId::p3)) << "the report data are not H(statement)";
}

TEST(CollectorTest, EvidenceOfATpmIsWhatTheTpmCollectorGives) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm tpm;
  Parts parts;
  const auto collection = OrDie(OrDie(parts.make({.kind = "tpm", .path = tpm->tcti()}))->collect(kStatement));
  EXPECT_EQ(collection.evidence.format, "tpm");
  const auto raw = OrDie(tpm::RawEvidence::decode(collection.evidence.bytes));
  EXPECT_TRUE(equal(OrDie(tpm::Attest::parse(raw.attest)).extra_data, crypto::sha256(kStatement).view()));
}

TEST(CollectorTest, AnAbsentTpmIsToldAtOnce) {
  const test::TempDir folder;
  Parts parts;
  const std::string path = folder.path() / "tpmrm0";
  EXPECT_ERROR(parts.make({.kind = "tpm", .path = "device:" + path}), Code::unavailable, "device:" + path);
}

TEST(CollectorTest, DetectTellsWhatIsThereAndNothingElse) {
  const test::TempDir root;
  EXPECT_TRUE(detect(root.path()).empty());
  EXPECT_TRUE(detect(root.path() / "absent").empty());
  const auto make_file = [&](const std::filesystem::path& path) {
    std::filesystem::create_directories((root.path() / path).parent_path());
    std::ofstream(root.path() / path);
  };
  const auto kinds = [&] {
    std::string out;
    for (const Offer& offer : detect(root.path())) {
      EXPECT_TRUE(std::filesystem::exists(offer.path)) << offer.path;
      out += (out.empty() ? "" : " ") + offer.kind;
    }
    return out;
  };
  std::filesystem::create_directories(root.path() / "sys/kernel/config/tsm/report");
  EXPECT_EQ(kinds(), "tsm");
  make_file("dev/tpmrm0");
  EXPECT_EQ(kinds(), "tpm tsm");
  make_file("dev/attestation/quote");
  make_file("run/container_launcher/teeserver.sock");
  EXPECT_EQ(kinds(), "tpm tsm gramine confidential-space");
}

}  // namespace
}  // namespace redoubt::collect
