// Goal: Evidence of every form in a file, with a heap of files beside it, gets the verdict that its own room and the policy give, and
// neither names nor order of the files matter. Method: Evidence and collateral under test roots, accepted with those roots in the
// policy and by nothing else; one thing changed at a time; then the genuine Evidence of the shared test data under "strict".
#include "common/attest/verifier/verifier.h"

#include <algorithm>
#include <set>

#include "common/attest/verifier/verifier_test_samples.h"
#include "tests/support/files.h"
#include "tests/support/tpm_vectors.h"
#include "tests/support/vector_edits.h"

namespace redoubt::verifier {
namespace {

using appraise::Tier;
using attest::CheckId;
using Ids = std::set<std::string>;

bool has_remark(const appraise::Appraisal& appraisal, std::string_view part) {
  return std::ranges::any_of(appraisal.remarks, [&](const std::string& remark) { return remark.find(part) != std::string::npos; });
}

TEST(Verifier, AcceptsQuotesWithTheirCollateralUnderThePolicysRoot) {
  for (const auto& [version, body] : {std::pair<std::uint16_t, std::uint16_t>(3, test::DcapMaker::kSgx), {4, test::DcapMaker::kTd10}, {5, test::DcapMaker::kTd15}}) {
    const test::DcapMaker maker = dcap_maker(version, body);
    const auto appraisal = OrDie(verify(maker.quote(), files_of(maker.collateral()), with_root(maker.pin()), sample_nonce(), maker.now));
    EXPECT_OK(appraisal.accepted());
    EXPECT_EQ(appraisal.status, Tier::affirming) << (appraisal.remarks.empty() ? "" : appraisal.remarks.front());
    EXPECT_EQ(failed_of(appraisal), Ids{});
    // Intel's root is not the test's.
    const auto strict = OrDie(verify(maker.quote(), files_of(maker.collateral()), std::nullopt, sample_nonce(), maker.now));
    EXPECT_EQ(strict.status, Tier::contraindicated);
    EXPECT_TRUE(failed_of(strict).contains("S4"));
    EXPECT_EQ(strict.policy, strict_policy().id());
  }
}

TEST(Verifier, TheNonceMustBeTheOneThatWasSent) {
  const test::DcapMaker maker = dcap_maker();
  const auto policy = with_root(maker.pin());
  const auto files = files_of(maker.collateral());
  Bytes other = sample_nonce();
  other.back() ^= std::byte{1};
  EXPECT_EQ(failed_of(OrDie(verify(maker.quote(), files, policy, other, maker.now))), Ids{"P3"});
  Bytes longer = sample_nonce();
  longer.push_back(std::byte{1});
  EXPECT_EQ(failed_of(OrDie(verify(maker.quote(), files, policy, longer, maker.now))), Ids{"P3"});
  EXPECT_ERROR(verify(maker.quote(), files, policy, Bytes(65), maker.now), Code::usage, "at most 64 bytes");
  EXPECT_ERROR(verify(maker.quote(), files, policy, Bytes(), maker.now), Code::usage, "at least one byte");
  const auto unchallenged = OrDie(verify(maker.quote(), files, policy, std::nullopt, maker.now));
  EXPECT_EQ(unchallenged.status, Tier::warning);
  EXPECT_TRUE(has_remark(unchallenged, "nobody sent a challenge"));
}

TEST(Verifier, NeitherNamesNorOrderOfTheFilesMatter) {
  const test::DcapMaker maker = dcap_maker();
  std::vector<NamedFile> files = files_of(maker.collateral());
  const auto verdict = [&] { return json::canonical(appraise::ear(OrDie(verify(maker.quote(), files, with_root(maker.pin()), sample_nonce(), maker.now)), maker.now)); };
  const std::string first = verdict();
  std::ranges::reverse(files);
  EXPECT_EQ(verdict(), first);
  for (NamedFile& file : files) file.name = "same";
  EXPECT_EQ(verdict(), first);
  std::rotate(files.begin(), files.begin() + 2, files.end());
  files.push_back(files.front());
  EXPECT_EQ(verdict(), first);
}

TEST(Verifier, EachPieceOfCollateralThatIsMissingIsNamed) {
  const test::DcapMaker maker = dcap_maker();
  const std::vector<NamedFile> files = files_of(maker.collateral());
  const auto policy = with_root(maker.pin());
  const auto none = OrDie(verify(maker.quote(), {}, policy, sample_nonce(), maker.now));
  EXPECT_EQ(none.status, Tier::contraindicated);
  EXPECT_TRUE(has_remark(none, "no TCB info of TDX 90c06f000000"));
  EXPECT_ERROR(none.accepted(), Code::policy, "C1, the TCB signing certificate leads to the same root: a mandatory check was not made");
  const char* expected[] = {"no TCB info", "no QE identity", "no revocation list of CN=Intel SGX Root CA", "no revocation list of CN=Intel SGX PCK", "no TCB signing certificate"};
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    std::vector<NamedFile> fewer = files;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    const auto appraisal = OrDie(verify(maker.quote(), fewer, policy, sample_nonce(), maker.now));
    EXPECT_EQ(appraisal.status, Tier::contraindicated) << expected[i];
    EXPECT_TRUE(has_remark(appraisal, expected[i])) << expected[i];
  }
}

TEST(Verifier, OfSeveralTcbInfosTheHighestEvaluationNumberCountsWhoeverBringsThem) {
  test::DcapMaker maker = dcap_maker();
  std::vector<NamedFile> files = files_of(maker.collateral());
  maker.evaluation_number = 20;
  maker.tcb_status = "OutOfDate";
  for (NamedFile& file : files_of(maker.collateral())) files.push_back(std::move(file));
  for (int round = 0; round < 2; ++round) {
    const auto appraisal = OrDie(verify(maker.quote(), files, with_root(maker.pin()), sample_nonce(), maker.now));
    EXPECT_EQ(failed_of(appraisal), Ids{"T6"});
    EXPECT_NE(appraisal.find(CheckId::t6)->found.find("OutOfDate"), std::string::npos);
    std::ranges::reverse(files);
  }
}

TEST(Verifier, AForeignFamilyForeignListsAndOtherRootsDoNoHarm) {
  const test::DcapMaker maker = dcap_maker();
  test::DcapMaker other = dcap_maker();  // the same names under another root
  other.fmspc = "00806F050000";
  std::vector<NamedFile> files = files_of(other.collateral());
  for (NamedFile& file : files_of(maker.collateral())) files.push_back(std::move(file));
  const test::SnpSample amd;
  for (NamedFile& file : files_of(amd)) files.push_back(std::move(file));
  files.push_back({"keys", to_bytes(test::jwk_set(token_signer(), "k1", "RS256"))});
  const auto appraisal = OrDie(verify(maker.quote(), files, with_root(maker.pin()), sample_nonce(), maker.now));
  EXPECT_EQ(failed_of(appraisal), Ids{});
  EXPECT_OK(appraisal.accepted());
}

TEST(Verifier, AFileThatIsNoCollateralIsNamed) {
  const test::DcapMaker maker = dcap_maker();
  const auto with = [&](Bytes bytes) {
    std::vector<NamedFile> files = files_of(maker.collateral());
    files.push_back({"stray.bin", std::move(bytes)});
    return verify(maker.quote(), files, with_root(maker.pin()), sample_nonce(), maker.now);
  };
  EXPECT_ERROR(with(Bytes(20, std::byte{1})), Code::malformed, "stray.bin: expected TCB info");
  EXPECT_ERROR(with({}), Code::malformed, "stray.bin: the file is empty");
  EXPECT_ERROR(with(to_bytes("{\"a\":1}")), Code::malformed, "stray.bin: JSON that is neither");
  EXPECT_ERROR(with(to_bytes("{\"tcbInfo\":{},\"signature\":\"\"}")), Code::malformed, "stray.bin: TCB info");
  EXPECT_ERROR(with(to_bytes("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")), Code::malformed, "PRIVATE KEY");
  EXPECT_ERROR(with(to_bytes(hex_encode(maker.collateral().root_crl))), Code::malformed, "looks like hexadecimal");
  EXPECT_ERROR(with({std::byte{0x1f}, std::byte{0x8b}}), Code::malformed, "looks like gzip");
  EXPECT_ERROR(with({std::byte{0x30}, std::byte{0x00}}), Code::malformed, "neither a certificate");
}

TEST(Verifier, JudgesSnpReportsWithTheChainOfTheirKeyAmongOthers) {
  const test::SnpSample milan(amd::Product::milan);
  const test::SnpSample genoa(amd::Product::genoa);
  std::vector<NamedFile> files = files_of(genoa);
  for (NamedFile& file : files_of(milan)) files.push_back(std::move(file));
  const crypto::Sha256Digest pin(milan.authority->anchor().ark.array());
  const snp::Report report = OrDie(snp::Report::parse(milan.report));
  const Bytes nonce = to_bytes(report.report_data.view());
  const auto appraisal = OrDie(verify(milan.report, files, with_root(pin), nonce, milan.now));
  EXPECT_EQ(failed_of(appraisal), Ids{});
  EXPECT_OK(appraisal.accepted());
  Bytes other = nonce;
  other[0] ^= std::byte{1};
  EXPECT_EQ(failed_of(OrDie(verify(milan.report, files, with_root(pin), other, milan.now))), Ids{"N14"});
  const auto alone = OrDie(verify(milan.report, {}, with_root(pin), nonce, milan.now));
  EXPECT_ERROR(alone.accepted(), Code::policy, "N2, the signing key is of the kind that the report names: a mandatory check was not made");
  EXPECT_TRUE(has_remark(alone, "no certificate of the key that signed the report"));
  EXPECT_TRUE(failed_of(OrDie(verify(milan.report, files, std::nullopt, nonce, milan.now))).contains("N4"));
}

TEST(Verifier, JudgesTokensWithAPinnedKeySet) {
  const Bytes token = to_bytes(token_text("a nonce") + "\n");
  const std::vector<NamedFile> keys{{"k", to_bytes(test::jwk_set(token_signer(), "k1", "RS256"))}};
  const appraise::Policy policy = strict_policy();
  const Instant now(1790000100);
  const auto appraisal = OrDie(verify(token, keys, policy, to_bytes("a nonce"), now));
  EXPECT_EQ(failed_of(appraisal), Ids{});
  EXPECT_EQ(appraisal.status, Tier::warning);  // the service's word
  EXPECT_EQ(failed_of(OrDie(verify(token, keys, policy, to_bytes("another"), now))), Ids{"J2"});
  EXPECT_TRUE(failed_of(OrDie(verify(token, {}, policy, to_bytes("a nonce"), now))).contains("J1"));
  std::vector<NamedFile> two = keys;
  two.push_back({"contradiction", to_bytes(test::jwk_set(test::test_signer(test::SignerKind::rsa2048, "another"), "k1", "RS256"))});
  EXPECT_ERROR(verify(token, two, policy, to_bytes("a nonce"), now), Code::malformed, "another key");
}

TEST(Verifier, JudgesNitroDocumentsUnderTheirRoot) {
  const test::NitroSample sample;
  appraise::Policy policy = strict_policy();
  policy.platforms.nitro->maximum_age_seconds = 30;
  policy.platforms.nitro->roots = {{sample.root().certificate, "test", sample.root().spki}};
  const auto appraisal = OrDie(verify(sample.encode(), {}, policy, std::nullopt, test::kNitroTime));
  EXPECT_EQ(failed_of(appraisal), Ids{});
  EXPECT_EQ(appraisal.status, Tier::warning);
  EXPECT_EQ(failed_of(OrDie(verify(sample.encode(), {}, policy, std::nullopt, test::kNitroTime.plus_seconds(31)))), Ids{"A3"});
  EXPECT_TRUE(failed_of(OrDie(verify(sample.encode(), {}, std::nullopt, std::nullopt, test::kNitroTime))).contains("A2"));
}

TEST(Verifier, JudgesCompositesOfAzureByTheirHardwareAndTheirQuote) {
  for (const azure::Hardware hardware : kAzureHardware) {
    AzureScene scene(hardware);
    const auto judge = [&](const std::optional<Bytes>& nonce) { return OrDie(verify(scene.bytes(), scene.files(), scene.policy(), nonce, scene.now())); };
    const auto appraisal = judge(sample_nonce());
    EXPECT_EQ(failed_of(appraisal), Ids{});
    EXPECT_OK(appraisal.accepted());
    EXPECT_EQ(appraisal.find(CheckId::n15)->outcome, attest::Outcome::passed);
    EXPECT_EQ(appraisal.find(CheckId::m2)->outcome, attest::Outcome::passed);
    EXPECT_EQ(appraisal.find(CheckId::m6)->outcome, attest::Outcome::passed);
    Bytes other = sample_nonce();
    other.push_back(std::byte{0});  // extraData is compared exactly: nothing is padded
    EXPECT_EQ(failed_of(judge(other)), Ids{"M2"});
    EXPECT_TRUE(has_remark(judge(std::nullopt), "nobody sent a challenge"));
    // The vendors' roots are not the test's; the section for bare Evidence lets no composite in.
    EXPECT_TRUE(failed_of(OrDie(verify(scene.bytes(), scene.files(), std::nullopt, sample_nonce(), scene.now()))).contains(scene.snp() ? "N4" : "S4"));
    appraise::Policy bare = scene.policy();
    bare.platforms.azure.reset();
    EXPECT_ERROR(verify(scene.bytes(), scene.files(), bare, sample_nonce(), scene.now()), Code::policy, "accepts no Azure Evidence");
    // Secure Boot off is refused by "strict" and by what is made of it.
    scene.sample.runtime = test::runtime_data(test::test_signer(test::SignerKind::rsa2048, "azure ak"), false);
    scene.sample.remake();
    EXPECT_EQ(failed_of(judge(sample_nonce())), Ids{"L5"});
    // Certificates of the attestation key are not needed; those of the hardware are.
    AzureScene without(hardware);
    without.sample.with_certificates = false;
    without.sample.remake();
    const auto keyless = OrDie(verify(without.bytes(), without.files(), without.policy(), sample_nonce(), without.now()));
    EXPECT_EQ(failed_of(keyless), Ids{});
    EXPECT_OK(keyless.accepted());
  }
}

// Evidence by itself, and with each piece of collateral left out in turn, on every platform that needs any (a Nitro document brings its
// own): a complete verdict with the reason for each
// check that was not made, never a pass, and never the caller's mistake.
TEST(Verifier, EvidenceWithoutItsCollateralGetsACompleteVerdictAndNoPass) {
  struct Row {
    const char* name;
    Bytes evidence;
    appraise::Policy policy;
    std::vector<NamedFile> files;
    std::set<std::size_t> optional;  // files without which it is accepted all the same
    Instant now;
    std::string_view missing;  // part of the remark that tells what to bring
    std::size_t checks;
  };
  std::vector<Row> rows;
  for (const auto& [version, body] : {std::pair<std::uint16_t, std::uint16_t>(3, test::DcapMaker::kSgx), {4, test::DcapMaker::kTd10}}) {
    const test::DcapMaker maker = dcap_maker(version, body);
    rows.push_back({body == test::DcapMaker::kSgx ? "sgx" : "tdx", maker.quote(), with_root(maker.pin()), files_of(maker.collateral()), {5}, maker.now, "no TCB info of", 29});
  }
  const test::SnpSample snp;
  rows.push_back({"snp", snp.report, with_root(crypto::Sha256Digest(snp.authority->anchor().ark.array())), files_of(snp), {}, snp.now, "no certificate of the key", 16});
  rows.push_back({"token", to_bytes(token_text("n")), strict_policy(), {{"k", to_bytes(test::jwk_set(token_signer(), "k1", "RS256"))}}, {}, Instant(1790000100), "no key set", 6});
  // No file enrols a key: M5 fails with the root, and M6 beside it without.
  appraise::Policy tpm_policy = strict_policy();
  const crypto::Certificate tpm_root = test::tpm_roots().at(0);
  tpm_policy.platforms.tpm.emplace().anchors = {{tpm_root.digest(), "test", true}};
  rows.push_back({"tpm", test::tpm_evidence("good").encode(), tpm_policy, {{"root", to_bytes(tpm_root.der())}}, {}, test::TpmVerifier("good").now, "no root certificate of a TPM vendor", 22});
  for (const azure::Hardware hardware : kAzureHardware) {
    const AzureScene scene(hardware);
    rows.push_back({scene.snp() ? "azure-snp" : "azure-tdx", scene.bytes(), scene.policy(), scene.files(), scene.snp() ? std::set<std::size_t>() : std::set<std::size_t>{5}, scene.now(),
                    scene.snp() ? "no certificate of the key" : "no TCB info of TDX", scene.snp() ? 25U : 38U});
  }
  const test::Signer& key = test::test_signer(test::SignerKind::p256, "verifier certificate");
  test::DcapMaker inside(3, test::DcapMaker::kSgx);
  test::put(inside.body, 320, Bytes(64));
  test::put(inside.body, 320, crypto::sha256(key.spki()).view());
  rows.push_back({"certificate", test::signer_certificate({.extensions = {{"1.2.840.113741.1337.6", inside.quote()}}}, key, key), with_root(inside.pin()), files_of(inside.collateral()), {5},
                  inside.now, "no TCB info of SGX", 32});
  const auto nonce_of = [](const Row& row) {
    return std::string_view(row.name) == "tpm" ? std::optional(test::TpmVerifier("good").nonce) : std::nullopt;
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const auto whole = OrDie(verify(row.evidence, row.files, row.policy, nonce_of(row), row.now));
    if (std::string_view(row.name) == "tpm") {
      EXPECT_EQ(failed_of(whole), Ids{"M5"});
    } else {
      EXPECT_OK(whole.accepted());
    }
    EXPECT_EQ(whole.checks.size(), row.checks);
    for (std::size_t left_out = 0; left_out <= row.files.size(); ++left_out) {
      std::vector<NamedFile> fewer = row.files;
      left_out == row.files.size() ? fewer.clear() : static_cast<void>(fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(left_out)));
      const auto verdict = verify(row.evidence, fewer, row.policy, nonce_of(row), row.now);
      ASSERT_OK(verdict) << left_out;
      EXPECT_EQ(verdict->checks.size(), row.checks) << left_out;
      for (const attest::Check& check : verdict->checks) {
        EXPECT_FALSE(check.expected.empty()) << attest::id_text(check.id);
        EXPECT_TRUE(check.outcome != attest::Outcome::failed || !check.found.empty()) << attest::id_text(check.id);
      }
      if (left_out < row.files.size() && row.optional.contains(left_out)) continue;
      ASSERT_FALSE(verdict->accepted().ok()) << left_out;
      EXPECT_EQ(verdict->status, Tier::contraindicated) << left_out;
      EXPECT_TRUE(verdict->accepted().error().code() == Code::policy || verdict->accepted().error().code() == Code::chain) << left_out << verdict->accepted().error().message();
      EXPECT_TRUE(has_remark(*verdict, "no ")) << left_out;
      EXPECT_TRUE(!fewer.empty() || has_remark(*verdict, row.missing)) << left_out;
    }
  }
}

TEST(Verifier, AnHclReportByItselfIsNoEvidence) {
  for (const azure::Hardware hardware : kAzureHardware) {
    const AzureScene scene(hardware);
    EXPECT_ERROR(verify(scene.sample.raw.hcl_report, scene.files(), scene.policy(), std::nullopt, scene.now()), Code::malformed, "expected the composite");
  }
}

// An RA-TLS certificate whose quote commits to its key.
TEST(Verifier, JudgesCertificatesByTheQuoteInside) {
  const test::Signer& key = test::test_signer(test::SignerKind::p256, "verifier certificate");
  test::DcapMaker maker(3, test::DcapMaker::kSgx);
  test::put(maker.body, 320, Bytes(64));
  test::put(maker.body, 320, crypto::sha256(key.spki()).view());
  const auto certificate = [&](const test::Signer& holder) {
    return test::signer_certificate({.extensions = {{"1.2.840.113741.1337.6", maker.quote()}}}, holder, holder);
  };
  const std::vector<NamedFile> files = files_of(maker.collateral());
  const auto policy = with_root(maker.pin());
  for (const Bytes& bytes : {certificate(key), to_bytes(pem_of("CERTIFICATE", certificate(key)))}) {
    const auto appraisal = OrDie(verify(bytes, files, policy, std::nullopt, maker.now));
    EXPECT_EQ(failed_of(appraisal), Ids{});
    EXPECT_EQ(appraisal.status, Tier::warning);
    EXPECT_EQ(appraisal.find(CheckId::r2)->outcome, attest::Outcome::passed);
  }
  const auto stolen = OrDie(verify(certificate(test::test_signer(test::SignerKind::p256, "thief")), files, policy, std::nullopt, maker.now));
  EXPECT_EQ(failed_of(stolen), Ids{"R2"});
  EXPECT_EQ(stolen.status, Tier::contraindicated);
  EXPECT_ERROR(stolen.accepted(), Code::binding, "R2");
  EXPECT_ERROR(verify(certificate(key), files, policy, sample_nonce(), maker.now), Code::usage, "answers no nonce");
  EXPECT_ERROR(verify(test::signer_certificate({}, key, key), files, policy, std::nullopt, maker.now), Code::malformed, "certificate");
}

TEST(Verifier, WhatCannotBeJudgedIsAnErrorAndNoVerdict) {
  EXPECT_ERROR(verify({}, {}, std::nullopt, std::nullopt, Instant(0)), Code::malformed, "empty");
  EXPECT_ERROR(verify(to_bytes(R"({"type":"redoubt/evidence-file/1"})"), {}, std::nullopt, std::nullopt, Instant(0)), Code::usage, "contract");
  const Bytes quote = dcap_maker().quote();
  EXPECT_ERROR(verify(ByteView(quote).first(quote.size() - 1), {}, std::nullopt, std::nullopt, Instant(0)), Code::malformed, "parsing evidence");
  appraise::Policy none = strict_policy();
  none.platforms = {};
  EXPECT_ERROR(verify(quote, {}, none, std::nullopt, Instant(0)), Code::policy, "accepts no TDX Evidence");
}

TEST(Verifier, TheBuiltInPolicyIsWrittenLikeAnyOther) {
  const appraise::Policy& strict = strict_policy();
  EXPECT_EQ(strict.name, "strict");
  EXPECT_EQ(OrDie(appraise::Policy::parse(strict.canonical())).id(), strict.id());
}

// The genuine Evidence of the shared test data: "strict" accepts what its cases say, with the files of the case as a heap.
TEST(SharedVerifier, QuotesGetTheirListedStatus) {
  REDOUBT_REQUIRE_SHARED();
  const auto folder = *test::shared_dir() / "vectors/intel-dcap";
  std::size_t count = 0;
  for (const json::Value& one : test::json_array(folder / "cases.json")) {
    std::vector<NamedFile> files;
    for (const auto& pem : std::filesystem::directory_iterator(folder / "collateral/certs")) files.push_back({pem.path().filename(), test::read_file(pem.path())});
    for (const char* key : {"tcb_info", "qe_identity", "root_crl", "pck_crl"}) files.push_back({"f", test::read_file(folder / test::text_of(one, key))});
    const json::Value& expect = one.object()->at("expect");
    const auto appraisal = OrDie(verify(test::read_file(folder / test::text_of(one, "quote")), files, std::nullopt, std::nullopt, test::instant_of(test::text_of(one, "at"))));
    EXPECT_EQ(appraisal.accepted().ok(), *expect.object()->at("accept_under_strict_policy").boolean())
        << test::text_of(one, "id") << (appraisal.accepted().ok() ? "" : appraisal.accepted().error().message());
    const auto status = appraisal.measured.find("tcb_status");
    if (status != appraisal.measured.end()) {
      EXPECT_EQ(*status->second.string(), test::text_of(expect, "tcb_status")) << test::text_of(one, "id");
    }
    ++count;
  }
  EXPECT_GE(count, 80U);
}

TEST(SharedVerifier, DocumentsAndTokensGetTheirListedVerdict) {
  REDOUBT_REQUIRE_SHARED();
  const auto folder = *test::shared_dir() / "vectors";
  const auto judge = [&](const std::string& set, const char* evidence, const std::vector<NamedFile>& files) {
    for (const json::Value& one : test::json_array(folder / set / "cases.json")) {
      const auto appraisal = OrDie(verify(test::read_file(folder / set / test::text_of(one, evidence)), files, std::nullopt, std::nullopt, test::instant_of(test::text_of(one, "at"))));
      const json::Value& expect = one.object()->at("expect");
      EXPECT_EQ(appraisal.accepted().ok(), *expect.object()->at("accept_under_strict_policy").boolean())
          << test::text_of(one, "id") << (appraisal.accepted().ok() ? "" : appraisal.accepted().error().message());
    }
  };
  judge("aws-nitro", "file", {});
  judge("gcp-confidential-space", "token", {{"keys", test::read_file(folder / "gcp-confidential-space/jwks.json")}});
}

TEST(SharedVerifier, ReportsAreJudgedWithAllCertificatesOfTheFolder) {
  REDOUBT_REQUIRE_SHARED();
  const auto folder = *test::shared_dir() / "vectors/amd-snp";
  std::vector<NamedFile> files;
  for (const auto& one : std::filesystem::directory_iterator(folder / "certs")) files.push_back({one.path().filename(), test::read_file(one.path())});
  std::size_t count = 0;
  for (const json::Value& one : test::json_array(folder / "cases.json")) {
    const auto appraisal = OrDie(verify(test::read_file(folder / test::text_of(one, "report")), files, std::nullopt, std::nullopt, test::instant_of(test::text_of(one, "at"))));
    const json::Value& expect = one.object()->at("expect");
    EXPECT_EQ(appraisal.accepted().ok(), *expect.object()->at("accept_under_strict_policy").boolean()) << test::text_of(one, "id") << (appraisal.accepted().ok() ? "" : appraisal.accepted().error().message());
    ++count;
  }
  EXPECT_GE(count, 10U);
}

// The genuine composites with the collateral of the shared folder: "strict" says of the hardware what it says of the hardware alone, and
// every check of binding, quote and attestation key passes.
TEST(SharedVerifier, CompositesOfAzureAreJudgedUnderStrict) {
  REDOUBT_REQUIRE_SHARED();
  const auto folder = *test::shared_dir() / "vectors/azure-cvm";
  std::vector<NamedFile> files;
  for (const char* name : {"milan-ask.pem", "milan-ark.pem"}) files.push_back({name, test::read_file(*test::shared_dir() / "vectors/amd-snp/certs" / name)});
  std::size_t count = 0;
  for (const json::Value& one : test::json_array(folder / "cases.json")) {
    const std::string id = test::text_of(one, "id");
    const bool snp = id.starts_with("snp");
    azure::RawComposite raw;
    raw.hcl_report = test::read_file(folder / id / "hcl-report.bin");
    raw.attest = test::read_file(folder / id / "tpm-attest.bin");
    raw.signature = test::read_file(folder / id / "tpm-signature.bin");
    const json::Value pcrs = OrDie(json::parse(test::read_text(folder / id / "pcrs.json")));
    for (const auto& [pcr, value] : *pcrs.object()->at("sha256").object()) raw.pcrs[std::stoi(pcr)] = OrDie(crypto::Sha256Digest::from_hex(*value.string(), "PCR"));
    std::vector<NamedFile> with = files;
    if (snp) {
      with.push_back({"vcek", test::read_file(folder / id / "vcek.der")});
    } else {
      raw.td_quote = test::read_file(folder / id / "td-quote.bin");
      with.push_back({"root", test::read_file(folder / id / "azure-virtual-tpm-root-2023.pem")});
      for (const char* name : {"ak-certificate.pem", "ak-intermediate-0.pem", "ak-intermediate-1.pem"}) {
        raw.ak_certificates.push_back(OrDie(crypto::pem_decode(test::read_text(folder / id / name), "CERTIFICATE", 1)).front());
      }
    }
    EXPECT_EQ(OrDie(detect(raw.encode())), snp ? Format::azure_snp : Format::azure_tdx) << id;
    EXPECT_EQ(OrDie(detect(raw.hcl_report)), Format::hcl_report) << id;
    const json::Object& members = *one.object();
    const json::Value& window = members.contains("window") ? members.at("window") : members.at("ak_certificate").object()->at("window");
    const Instant now = test::instant_of(*window.array()->front().string());
    const auto appraisal = OrDie(verify(raw.encode(), with, std::nullopt, std::nullopt, now));
    for (const CheckId check : {CheckId::m1, CheckId::m3, CheckId::m4}) EXPECT_EQ(appraisal.find(check)->outcome, attest::Outcome::passed) << id << ' ' << attest::id_text(check);
    if (snp) {
      EXPECT_EQ(failed_of(appraisal), Ids{}) << id;
      EXPECT_EQ(appraisal.status, Tier::warning) << id;
    } else {
      // The folder holds no TCB info of this family: the platform's level is not known, and that is no pass.
      EXPECT_EQ(failed_of(appraisal), Ids{}) << id;
      EXPECT_EQ(appraisal.status, Tier::contraindicated) << id;
      EXPECT_TRUE(has_remark(appraisal, "no TCB info of TDX")) << id;
    }
    ++count;
  }
  EXPECT_GE(count, 4U);
}

}  // namespace
}  // namespace redoubt::verifier
