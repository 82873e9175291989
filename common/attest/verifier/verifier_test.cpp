// Goal: Evidence of every form in a file, with a heap of files beside it, gets the verdict that its own room and the policy give, and
// neither names nor order of the files matter. Method: Evidence and collateral under test roots, accepted with those roots in the
// policy and by nothing else; one thing changed at a time; then the genuine Evidence of the shared test data under "strict".
#include "common/attest/verifier/verifier.h"

#include <algorithm>
#include <set>

#include "common/attest/verifier/verifier_test_samples.h"
#include "tests/support/files.h"
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
  EXPECT_ERROR(verify(milan.report, {}, with_root(pin), nonce, milan.now), Code::usage, "no certificate of the key that signed the report");
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

}  // namespace
}  // namespace redoubt::verifier
