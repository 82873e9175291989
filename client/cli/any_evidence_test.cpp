// Goal: the verifier's commands say everything that was checked, and end with the code of what was wrong. Method: Evidence under test
// roots with policies that name them, each class of failure once, through the command line in process; what stands on the screen is
// read back.
#include <gtest/gtest.h>

#include <fstream>

#include "client/cli/client_test_stage.h"
#include "client/sdk/collateral_store.h"
#include "common/attest/verifier/verifier_test_samples.h"

namespace redoubt::cli {
namespace {

class AnyEvidenceTest : public testing::Test {
 protected:
  AnyEvidenceTest() : maker_(verifier::dcap_maker()) {
    write("quote.bin", maker_.quote());
    std::filesystem::create_directories(stage_.path("collateral/below"));
    for (const verifier::NamedFile& file : verifier::files_of(maker_.collateral())) write("collateral/below/" + file.name, file.bytes);
    policy("policy.json", [](appraise::Policy&) {});
  }

  void write(const std::string& name, ByteView bytes) const {
    std::ofstream(stage_.path(name), std::ios::binary) << as_text(bytes);
  }
  void policy(const std::string& name, const std::function<void(appraise::Policy&)>& change) const {
    appraise::Policy made = verifier::with_root(maker_.pin());
    change(made);
    write(name, as_bytes(json::pretty(made.to_json())));
  }
  Ran run(std::vector<std::string> words) { return stage_.run("nobody", std::move(words)); }
  // verify: with policy, collateral, time and nonce that fit, unless `more` says otherwise.
  Ran judge(const std::string& verb, const std::string& file, std::vector<std::string> more = {}, const std::string& policy_name = "policy.json") {
    std::vector<std::string> words{"evidence", verb, stage_.path(file), "--policy", stage_.path(policy_name), "--collateral", stage_.path("collateral"), "--time", maker_.now.text()};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  std::vector<std::string> nonce() const { return {"--nonce", hex_encode(verifier::sample_nonce())}; }

  Stage stage_;
  test::DcapMaker maker_;
};

TEST_F(AnyEvidenceTest, AVerdictNamesEveryCheckWithBothValues) {
  const Ran ran = judge("verify", "quote.bin", nonce());
  EXPECT_EQ(ran.code, 0) << ran.err;
  for (const char* part : {"TDX quote", "test roots", "status: affirming", "Q1 ", "C7 ", "T8 ", "P3 ", "claims.contract", "valid until: "}) {
    EXPECT_NE(ran.out.find(part), std::string::npos) << part << ran.out;
  }
  const Ran as_json = judge("verify", "quote.bin", {"--nonce", hex_encode(verifier::sample_nonce()), "-o", "json"});
  const json::Value value = OrDie(json::parse(as_json.out));
  EXPECT_TRUE(*value.object()->at("accepted").boolean());
  EXPECT_EQ(value.object()->at("checks").array()->size(), 29U);
  for (const json::Value& check : *value.object()->at("checks").array()) {
    for (const char* key : {"id", "outcome", "expected", "found", "title"}) EXPECT_TRUE(check.object()->contains(key)) << key;
  }
  const Ran ear = judge("verify", "quote.bin", {"--nonce", hex_encode(verifier::sample_nonce()), "-o", "ear"});
  EXPECT_EQ(*OrDie(json::parse(ear.out)).object()->at("eat_profile").string(), "tag:github.com,2023:veraison/ear");
}

TEST_F(AnyEvidenceTest, ANonceMayStandInAFileOrInCapitals) {
  write("nonce", verifier::sample_nonce());
  EXPECT_EQ(judge("verify", "quote.bin", {"--nonce", "@" + stage_.path("nonce")}).code, 0);
  std::string upper = hex_encode(verifier::sample_nonce());
  for (char& c : upper) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  EXPECT_EQ(judge("verify", "quote.bin", {"--nonce", upper}).code, 0);
}

// The frozen exit codes, one class a line.
TEST_F(AnyEvidenceTest, EachClassOfFailureHasItsExitCode) {
  Bytes broken = maker_.quote();
  broken[200] ^= std::byte{1};
  write("broken.bin", broken);
  write("cut.bin", ByteView(broken).first(broken.size() - 1));
  write("packed.gz", Bytes{std::byte{0x1f}, std::byte{0x8b}, std::byte{8}});
  write("text.b64", as_bytes(base64_encode(maker_.quote())));
  policy("other-measurement.json", [](appraise::Policy& p) { p.platforms.tdx->mrtd = {appraise::Hash48()}; });
  policy("high-minimum.json", [](appraise::Policy& p) { p.platforms.tdx->tcb.minimum_evaluation_number = 4000; });
  policy("workload.json", [](appraise::Policy& p) { p.workload = "cleanroom"; });
  policy("no-tdx.json", [](appraise::Policy& p) { p.platforms.tdx.reset(); });
  write("not-a-policy.json", as_bytes("{}"));
  maker_.tcb_status = "OutOfDate";
  std::filesystem::create_directories(stage_.path("old"));
  for (const verifier::NamedFile& file : verifier::files_of(maker_.collateral())) write("old/" + file.name, file.bytes);
  maker_.tcb_status = "UpToDate";
  struct Row {
    int code;
    const char* why;
    Ran ran;
  };
  const std::vector<Row> rows = {
      {0, "sound", judge("verify", "quote.bin")},
      {2, "usage: nonce", judge("verify", "quote.bin", {"--nonce", "xyz"})},
      {2, "usage: a contract for a quote", judge("verify", "quote.bin", {"--contract", "c.json"})},
      {3, "not found: the Evidence", judge("verify", "absent.bin")},
      {3, "not found: the policy", judge("verify", "quote.bin", {}, "absent.json")},
      {10, "malformed: cut off", judge("verify", "cut.bin")},
      {10, "malformed: gzip", judge("verify", "packed.gz")},
      {10, "malformed: base64", judge("verify", "text.b64")},
      {10, "malformed: policy", judge("verify", "quote.bin", {}, "not-a-policy.json")},
      {11, "chain: a signature", judge("verify", "broken.bin")},
      {11, "chain: a root", run({"evidence", "verify", stage_.path("quote.bin"), "--collateral", stage_.path("collateral"), "--time", maker_.now.text()})},
      {12, "TCB", run({"evidence", "verify", stage_.path("quote.bin"), "--policy", stage_.path("policy.json"), "--collateral", stage_.path("old"), "--time", maker_.now.text()})},
      {13, "measurement", judge("verify", "quote.bin", {}, "other-measurement.json")},
      {14, "freshness: nonce", judge("verify", "quote.bin", {"--nonce", "00"})},
      {14, "freshness: evaluation number", judge("verify", "quote.bin", {}, "high-minimum.json")},
      {14, "freshness: time", run({"evidence", "verify", stage_.path("quote.bin"), "--policy", stage_.path("policy.json"), "--collateral", stage_.path("collateral"), "--time", maker_.next_update.plus_seconds(1).text()})},
      {15, "binding: claims", judge("verify", "quote.bin", {}, "workload.json")},
      {16, "policy: no such platform", judge("verify", "quote.bin", {}, "no-tdx.json")},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(row.ran.code, row.code) << row.why << '\n' << row.ran.err;
    if (row.code == 0) continue;
    EXPECT_NE(row.ran.err.find("error: "), std::string::npos) << row.why;
    EXPECT_NE(row.ran.err.find("next: "), std::string::npos) << row.why;
  }
}

TEST_F(AnyEvidenceTest, WhatIsMissingIsNamedWithTheNextStep) {
  const Ran ran = run({"evidence", "verify", stage_.path("quote.bin"), "--policy", stage_.path("policy.json"), "--time", maker_.now.text()});
  EXPECT_NE(ran.code, 0);
  EXPECT_NE(ran.out.find("remark: no TCB info of TDX 90c06f000000"), std::string::npos) << ran.out;
  EXPECT_NE(ran.err.find("next: give what is missing: --collateral DIR"), std::string::npos) << ran.err;
  write("collateral/stray", as_bytes("stray"));
  const Ran stray = judge("verify", "quote.bin");
  EXPECT_EQ(stray.code, 10);
  EXPECT_NE(stray.err.find("stray: expected TCB info"), std::string::npos) << stray.err;
}

// Each platform's Evidence by itself: the whole table of checks, the reason, the next step, and the exit code of a verdict.
TEST_F(AnyEvidenceTest, EvidenceAloneGetsAVerdictWithTheNextStepAndNeverAUsageError) {
  const verifier::AzureScene snp(azure::Hardware::snp);
  const verifier::AzureScene tdx(azure::Hardware::tdx);
  struct Row {
    const char* name;
    Bytes bytes;
    appraise::Policy policy;
    std::string time;
    int code;
    const char* remark;
  };
  const test::SnpSample report;
  const std::vector<Row> rows = {
      {"sgx", verifier::dcap_maker(3, test::DcapMaker::kSgx).quote(), verifier::strict_policy(), maker_.now.text(), 11, ""},  // Intel's root is not the test's
      {"tdx", maker_.quote(), verifier::with_root(maker_.pin()), maker_.now.text(), 16, "no TCB info of TDX"},
      {"snp", report.report, verifier::with_root(crypto::Sha256Digest(report.authority->anchor().ark.array())), report.now.text(), 16, "no certificate of the key"},
      {"token", to_bytes(verifier::token_text("n")), verifier::strict_policy(), Instant(1790000100).text(), 11, "no key set of the token's issuer"},
      {"azure-snp", snp.bytes(), snp.policy(), snp.now().text(), 16, "no certificate of the key"},
      {"azure-tdx", tdx.bytes(), tdx.policy(), tdx.now().text(), 16, "no TCB info of TDX"},
  };
  for (const Row& row : rows) {
    write("alone.bin", row.bytes);
    write("alone.json", as_bytes(json::pretty(row.policy.to_json())));
    const Ran ran = run({"evidence", "verify", stage_.path("alone.bin"), "--policy", stage_.path("alone.json"), "--time", row.time, "-o", "json"});
    EXPECT_EQ(ran.code, row.code) << row.name << ran.err;
    const json::Value value = OrDie(json::parse(ran.out));
    EXPECT_EQ(*value.object()->at("format").string(), row.name);
    EXPECT_FALSE(*value.object()->at("accepted").boolean());
    EXPECT_NE(ran.out.find(row.remark), std::string::npos) << row.name << ran.out;
    if (std::string_view(row.remark).empty()) continue;
    EXPECT_NE(ran.err.find("next: give what is missing: --collateral DIR, or keep it with `redoubt collateral add`"), std::string::npos) << row.name << ran.err;
  }
}

TEST_F(AnyEvidenceTest, CompositesOfAzureAreVerifiedShownAndExplained) {
  verifier::AzureScene scene(azure::Hardware::snp);
  std::filesystem::create_directories(stage_.path("azure"));
  for (const verifier::NamedFile& file : scene.files()) write("azure/" + file.name, file.bytes);
  write("azure.json", as_bytes(json::pretty(scene.policy().to_json())));
  write("composite.bin", scene.bytes());
  write("hcl.bin", scene.sample.raw.hcl_report);
  const auto judge_composite = [&](const std::string& verb) {
    return run({"evidence", verb, stage_.path("composite.bin"), "--policy", stage_.path("azure.json"), "--collateral", stage_.path("azure"), "--time", scene.now().text(), "--nonce",
                hex_encode(verifier::sample_nonce())});
  };
  const Ran sound = judge_composite("verify");
  EXPECT_EQ(sound.code, 0) << sound.out << sound.err;
  for (const char* part : {"composite of an Azure confidential VM on SEV-SNP", "N15 ", "M6 ", "status: warning", "remark: no revocation list was given"}) EXPECT_NE(sound.out.find(part), std::string::npos) << part << sound.out;
  scene.sample.runtime = test::runtime_data(test::test_signer(test::SignerKind::rsa2048, "azure ak"), false);
  scene.sample.remake();
  write("composite.bin", scene.bytes());
  const Ran explained = judge_composite("explain");
  EXPECT_EQ(explained.code, 16) << explained.err;
  EXPECT_NE(explained.out.find("change:   platforms.azure.secure_boot"), std::string::npos) << explained.out;
  const Ran shown = run({"evidence", "show", stage_.path("composite.bin")});
  EXPECT_EQ(shown.code, 0) << shown.err;
  for (const char* part : {"hcl.report.report_data", "attest.extra_data", "nothing here was verified"}) EXPECT_NE(shown.out.find(part), std::string::npos) << part;
  const Ran hcl = run({"evidence", "show", stage_.path("hcl.bin")});
  EXPECT_EQ(hcl.code, 0) << hcl.err;
  EXPECT_NE(hcl.out.find("HCL report of an Azure confidential VM"), std::string::npos) << hcl.out;
  const Ran alone = run({"evidence", "verify", stage_.path("hcl.bin")});
  EXPECT_EQ(alone.code, 10);
  EXPECT_NE(alone.err.find("expected the composite"), std::string::npos) << alone.err;
}

TEST_F(AnyEvidenceTest, ExplainNamesTheChangeOrSaysThatThereIsNone) {
  policy("strict-measurement.json", [](appraise::Policy& p) { p.platforms.tdx->mrtd = {appraise::Hash48()}; });
  const Ran changed = judge("explain", "quote.bin", {}, "strict-measurement.json");
  EXPECT_EQ(changed.code, 13);
  for (const char* part : {"P2 failed", "rule:     TD attributes and measurements are as the policy asks", "expected: MRTD 0000", "change:   platforms.tdx.mrtd: "}) {
    EXPECT_NE(changed.out.find(part), std::string::npos) << part << changed.out;
  }
  const Ran none = judge("explain", "quote.bin", {"--nonce", "00"});
  EXPECT_EQ(none.code, 14);
  EXPECT_NE(none.out.find("no policy can accept this"), std::string::npos) << none.out;
  const Ran sound = judge("explain", "quote.bin", {"-o", "json"});
  EXPECT_EQ(sound.code, 0) << sound.err;
  EXPECT_TRUE(OrDie(json::parse(sound.out)).object()->at("failed").array()->empty());
}

TEST_F(AnyEvidenceTest, ShowGivesOffsetLengthFieldAndValue) {
  const Ran ran = run({"evidence", "show", stage_.path("quote.bin")});
  EXPECT_EQ(ran.code, 0) << ran.err;
  for (const char* part : {"TDX quote", "nothing here was verified", "offset", "body.mrtd", "signature_data_size", "\"verified\": false"}) {
    EXPECT_NE(ran.out.find(part), std::string::npos) << part;
  }
  const json::Value value = OrDie(json::parse(run({"evidence", "show", stage_.path("quote.bin"), "-o", "json"}).out));
  EXPECT_EQ(*value.object()->at("format").string(), "tdx");
  EXPECT_GT(value.object()->at("fields").array()->size(), 40U);
  write("token.jwt", as_bytes(verifier::token_text("n")));
  const Ran token = run({"evidence", "show", stage_.path("token.jwt")});
  EXPECT_NE(token.out.find("\"eat_nonce\""), std::string::npos) << token.out;
  EXPECT_EQ(run({"evidence", "show", stage_.path("collateral/below/b")}).code, 10);
}

TEST_F(AnyEvidenceTest, PoliciesAreCheckedIdentifiedAndCompared) {
  const Ran strict = run({"policy", "show", "strict", "-o", "json"});
  EXPECT_EQ(strict.code, 0) << strict.err;
  write("mine.json", as_bytes(strict.out));
  const std::string id = verifier::strict_policy().id().hex() + "\n";
  EXPECT_EQ(run({"policy", "id", "strict"}).out, id);
  EXPECT_EQ(run({"policy", "id", stage_.path("mine.json")}).out, id);
  EXPECT_NE(run({"policy", "diff", "strict", stage_.path("mine.json")}).out.find("the same policy"), std::string::npos);
  const Ran diff = run({"policy", "diff", "strict", stage_.path("policy.json")});
  EXPECT_NE(diff.out.find("name: \"strict\" -> \"test roots\""), std::string::npos) << diff.out;
  const Ran check = run({"policy", "check", "strict"});
  EXPECT_EQ(check.code, 0);
  EXPECT_NE(check.err.find("tdx: no measurement is asked"), std::string::npos) << check.err;
  EXPECT_NE(check.err.find("azure: no PCRs are asked"), std::string::npos) << check.err;
  EXPECT_EQ(check.err.find("tpm: "), std::string::npos) << check.err;  // its section names no authority, and so leaves nothing open
  policy("open.json", [](appraise::Policy& p) {
    appraise::PlatformPolicies all;
    all.tpm.emplace().anchors = {{crypto::Sha256Digest(), "a cloud", false, true}};
    all.tpm->accept_ima_violations = true;
    p.platforms = all;
  });
  const Ran open = run({"policy", "check", stage_.path("open.json")});
  for (const char* part : {"changed while they were measured", "no revocation list speaks", "\"a cloud\" certifies without a usage"}) {
    EXPECT_NE(open.err.find(part), std::string::npos) << part << open.err;
  }
  policy("azure.json", [](appraise::Policy& p) {
    appraise::PlatformPolicies all;
    all.azure = p.platforms.azure;
    p.platforms = all;
  });
  EXPECT_EQ(run({"policy", "check", stage_.path("azure.json")}).err.find("no platform has a section"), std::string::npos);
  EXPECT_NE(run({"policy", "show", stage_.path("policy.json")}).out.find("platforms.snp.maximum_vmpl"), std::string::npos);
  write("wider.json", as_bytes(test::edited(strict.out, "\"name\"", "\"colour\": \"green\", \"name\"")));
  const Ran wider = run({"policy", "check", stage_.path("wider.json")});
  EXPECT_EQ(wider.code, 10);
  EXPECT_NE(wider.err.find("colour"), std::string::npos) << wider.err;
}

TEST_F(AnyEvidenceTest, CollateralIsKeptListedAndUsedWithoutBeingNamed) {
  const std::string state = stage_.path("state");
  EXPECT_EQ(run({"collateral", "list", "--state", state}).code, 0);
  const Ran added = run({"collateral", "add", stage_.path("collateral"), "--state", state});
  EXPECT_EQ(added.code, 0) << added.err;
  EXPECT_NE(added.out.find("TCB info of TDX 90c06f000000, evaluation number 19"), std::string::npos) << added.out;
  EXPECT_NE(added.err.find("its signer is not at hand"), std::string::npos) << added.err;  // the test's root is not Intel's
  const Ran listed = run({"collateral", "list", "--state", state, "-o", "json"});
  EXPECT_EQ(OrDie(json::parse(listed.out)).object()->at("items").array()->size(), 7U);
  const Ran used = run({"evidence", "verify", stage_.path("quote.bin"), "--policy", stage_.path("policy.json"), "--time", maker_.now.text(), "--state", state});
  EXPECT_EQ(used.code, 0) << used.err;
  const Ran fetch = run({"collateral", "fetch", "--for", stage_.path("quote.bin"), "--state", state});
  EXPECT_EQ(fetch.code, 3);
  EXPECT_NE(fetch.err.find("no collateral service is configured"), std::string::npos) << fetch.err;
  EXPECT_NE(fetch.err.find("collateral.json"), std::string::npos) << fetch.err;
  write("report.bin", test::SnpSample().report);
  const Ran amd = run({"collateral", "fetch", "--for", stage_.path("report.bin"), "--state", state});
  EXPECT_EQ(amd.code, 3);
  EXPECT_NE(amd.err.find("collateral-amd.json"), std::string::npos) << amd.err;
  EXPECT_EQ(run({"collateral", "fetch", "--for", stage_.path("report.bin"), "--product", "genoa", "--state", state}).code, 2);
  EXPECT_EQ(run({"collateral", "fetch", "--for", stage_.path("absent.bin"), "--state", state}).code, 3);
}

TEST_F(AnyEvidenceTest, BadInputIsAnErrorThatSaysWhatToDoAndNeverAPass) {
  const Bytes quote = maker_.quote();
  const auto refused = [&](const std::string& name, ByteView bytes, int code, const std::string& part) {
    write(name, bytes);
    for (const char* verb : {"verify", "explain"}) {
      const Ran ran = judge(verb, name, nonce());
      EXPECT_EQ(ran.code, code) << name << ' ' << verb << ran.out << ran.err;
      EXPECT_NE(ran.err.find(part), std::string::npos) << name << ' ' << verb << ran.err;
    }
  };
  Bytes gzip = {std::byte{0x1f}, std::byte{0x8b}, std::byte{8}};
  append(gzip, quote);
  refused("packed", gzip, 10, "looks like gzip: unpack it first");
  refused("base64", to_bytes(base64_encode(quote)), 10, "decode it first: base64 -d");
  refused("hex", to_bytes(hex_encode(quote)), 10, "decode it first: xxd -r -p");
  refused("empty", {}, 10, "empty");
  refused("cut", ByteView(quote).first(quote.size() - 100), 10, "signature data size");
  refused("the begin", ByteView(quote).first(300), 10, "the beginning of a TDX quote");
  refused("of another kind", to_bytes("{\"a\":1,\"a\":2}"), 10, "cannot be read");
  Bytes version = quote;
  version[0] = std::byte{9};
  refused("version 9", version, 10, "");
  Bytes padded = quote;
  padded.resize(padded.size() + 3000);
  write("padded", padded);
  EXPECT_EQ(judge("verify", "padded", nonce()).code, 0);  // clouds pad quotes with zeros, which nothing reads
  // A file beyond every bound is not read: it is sparse here, and its length alone refuses it.
  write("huge", quote);
  std::filesystem::resize_file(stage_.path("huge"), std::uintmax_t{1} << 30);
  const Ran huge = judge("verify", "huge", nonce());
  EXPECT_NE(huge.code, 0);
  EXPECT_NE(huge.err.find("8388608"), std::string::npos) << huge.err;
  // Too early, too late, and the collateral of another platform.
  const auto at = [&](Instant time) {
    return run({"evidence", "verify", stage_.path("quote.bin"), "--policy", stage_.path("policy.json"), "--collateral", stage_.path("collateral"), "--time", time.text()}).code;
  };
  EXPECT_EQ(at(maker_.next_update.plus_seconds(1)), 14);
  EXPECT_EQ(at(maker_.issue_date.plus_seconds(-1)), 14);
  test::DcapMaker other(4, test::DcapMaker::kTd10);
  other.fmspc = "00806F050000";
  std::filesystem::create_directories(stage_.path("foreign"));
  for (const verifier::NamedFile& file : verifier::files_of(other.collateral())) write("foreign/" + file.name, file.bytes);
  EXPECT_NE(run({"evidence", "verify", stage_.path("quote.bin"), "--policy", stage_.path("policy.json"), "--collateral", stage_.path("foreign"), "--time", maker_.now.text()}).code, 0);
}

TEST_F(AnyEvidenceTest, ConformanceEndsWithTheCounts) {
  write("cases.json", as_bytes(R"([{"id":"a","expect":"prose"}])"));
  const Ran ran = run({"evidence", "conformance", stage_.path("cases.json")});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(ran.out.ends_with("{\"failed\":0,\"passed\":0,\"skipped\":1}\n")) << ran.out;
  write("cases.json", as_bytes(R"([{"id":"a","file":"absent","module_id":"m","at":"2026-01-01T00:00:00Z","expect":"reject"}])"));
  EXPECT_EQ(run({"evidence", "conformance", stage_.path("cases.json")}).code, 5);
}

}  // namespace
}  // namespace redoubt::cli
