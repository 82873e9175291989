// Goal: quotes, certificates of TPM keys and composites of Azure in vector files are answered by what is so, and a changed file changes
// the answer. Method: the shared files as they are; copies of a case with one file changed; certificates made in the test.
#include <gtest/gtest.h>

#include <fstream>

#include "client/sdk/conformance/conformance.h"
#include "client/sdk/conformance/entry.h"
#include "tests/support/evidence_token.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::conformance {
namespace {

namespace fs = std::filesystem;

void write_case_file(const fs::path& file, ByteView bytes) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << as_text(bytes);
}
void write_case_file(const fs::path& file, std::string_view text) { write_case_file(file, as_bytes(text)); }

std::map<std::string, Verdict> verdicts(const fs::path& file) {
  std::map<std::string, Verdict> out;
  const auto summary = run(file, [&](const Verdict& verdict) { out.emplace(verdict.id, verdict); });
  EXPECT_OK(summary);
  return out;
}

void expect_all_right(const std::string& name, std::size_t passed) {
  const fs::path file = *test::shared_dir() / "vectors" / name;
  const auto summary = OrDie(run(file, [&](const Verdict& verdict) {
    EXPECT_TRUE(verdict.ok.value_or(false)) << name << ": " << json::canonical(verdict_json(verdict));
  }));
  EXPECT_EQ(summary.passed, passed);
  EXPECT_EQ(summary.failed, 0U);
  EXPECT_EQ(summary.skipped, 0U);
}

TEST(ConformanceTpm, TheSharedFilesAreAnsweredAsTheyExpect) {
  REDOUBT_REQUIRE_SHARED();
  expect_all_right("tpm/quotes.json", 1);
  expect_all_right("tpm/certs.json", 10);
  expect_all_right("azure-cvm/cases.json", 4);
}

// A copy of the folders that azure-cvm needs, with one file of a case changed.
class AzureCopy {
 public:
  AzureCopy() {
    const fs::path from = *test::shared_dir() / "vectors";
    for (const char* folder : {"azure-cvm", "amd-snp/certs"}) {
      fs::create_directories(to() / folder);
      fs::copy(from / folder, to() / folder, fs::copy_options::recursive);
    }
    fs::permissions(to(), fs::perms::owner_all, fs::perm_options::add);
  }
  fs::path to() const { return temp_.path() / "v"; }
  void replace(const std::string& name, ByteView bytes) const {
    const fs::path file = to() / "azure-cvm" / name;
    fs::remove(file);
    write_case_file(file, bytes);
  }
  json::Value got(const std::string& id) const { return verdicts(to() / "azure-cvm/cases.json").at(id).got; }
  static Bytes read(const std::string& name) { return test::read_file(*test::shared_dir() / "vectors/azure-cvm" / name); }

 private:
  test::TempDir temp_;
};

TEST(ConformanceAzure, AChangedPartChangesTheFactThatItIsFor) {
  REDOUBT_REQUIRE_SHARED();
  const auto fact = [](const std::string& file, const Bytes& bytes, const std::string& name) {
    const AzureCopy copy;
    copy.replace("snp-milan-v2/" + file, bytes);
    return member_or_null(copy.got("snp-milan-v2"), name);
  };
  const Bytes other_key = AzureCopy::read("snp-milan-v1/var-data.json");
  EXPECT_EQ(fact("var-data.json", other_key, "report_data_binds_var_data"), json::Value(false));
  EXPECT_EQ(fact("var-data.json", other_key, "ak_in_var_data"), json::Value(false));
  EXPECT_EQ(fact("tpm-signature.bin", AzureCopy::read("snp-milan-v1/tpm-signature.bin"), "tpm_quote_authentic"), json::Value(false));
  EXPECT_EQ(fact("pcrs.json", AzureCopy::read("snp-milan-v1/pcrs.json"), "pcr_digest_matches"), json::Value(false));
  Bytes report = AzureCopy::read("snp-milan-v2/hcl-report.bin");
  report[32 + 0x90] ^= std::byte{1};  // the measurement
  EXPECT_EQ(fact("hcl-report.bin", report, "report_authentic"), json::Value(false));
  EXPECT_EQ(fact("hcl-report.bin", report, "report_data_binds_var_data"), json::Value(false));
}

TEST(ConformanceAzure, ANegativeEntryChangesTheFilesThatItNames) {
  REDOUBT_REQUIRE_SHARED();
  const AzureCopy copy;
  const fs::path file = copy.to() / "azure-cvm/negative.json";
  const auto entry = [](const std::string& id, const std::string& change, const std::string& expect) {
    return R"({"id":")" + id + R"(","base":"snp-milan-v2",)" + change + R"(,"expect":)" + expect + "},";
  };
  write_case_file(file, "[" + entry("another key", R"("override":{"var-data.json":"snp-milan-v1/var-data.json"})", R"({"report_data_binds_var_data":false,"ak_in_var_data":false})") +
                  entry("another quote", R"("swap":{"tpm-attest.bin":"snp-milan-v1/tpm-attest.bin","tpm-signature.bin":"snp-milan-v1/tpm-signature.bin"})", R"("reject")") +
                  entry("a PCR", R"("edits":[{"file":"pcrs.json","op":"set","offset":30,"hex":"30"}])", R"({"pcr_digest_matches":false})") +
                  entry("the report", R"("edits":[{"op":"xor","offset":176,"value":1}])", R"("reject")") +
                  entry("REPORT_DATA in the place of the nonce", R"("override":{"nonce":")" + std::string(128, 'a') + R"("})", R"("reject")") +
                  entry("undone", R"("edits":[{"op":"xor","offset":176,"value":1},{"op":"xor","offset":176,"value":1}])", R"("accept")") +
                  R"({"id":"prose","base":"snp-milan-v2","expect":"reject"}])");
  const auto all = verdicts(file);
  ASSERT_EQ(all.size(), 7U);
  for (const auto& [id, verdict] : all) {
    EXPECT_EQ(verdict.ok, id == "prose" ? std::nullopt : std::optional(true)) << id << json::canonical(verdict.got);
  }
}

// A quote of the shared folder with another expectation or another file.
TEST(ConformanceTpm, AChangedQuoteIsNotAuthenticAndSha1IsNeverAccepted) {
  REDOUBT_REQUIRE_SHARED();
  const fs::path from = *test::shared_dir() / "vectors/tpm";
  const auto answer = [&](const std::string& file, std::size_t offset) {
    const test::TempDir temp;
    fs::copy(from / "quotes", temp.path() / "quotes", fs::copy_options::recursive);
    if (!file.empty()) {
      const fs::path changed = temp.path() / "quotes/windows-gcp-shielded" / file;
      Bytes bytes = test::read_file(changed);
      bytes.at(offset) ^= std::byte{1};
      fs::remove(changed);
      write_case_file(changed, bytes);
    }
    write_case_file(temp.path() / "quotes.json", test::read_text(from / "quotes.json"));
    return verdicts(temp.path() / "quotes.json").at("windows-gcp-shielded").got;
  };
  const json::Value good = answer("", 0);
  EXPECT_EQ(member_or_null(good, "authentic"), json::Value(true));
  EXPECT_EQ(member_or_null(good, "accept_under_strict_policy"), json::Value(false));
  EXPECT_EQ(member_or_null(answer("signature.bin", 100), "authentic"), json::Value(false));
  EXPECT_EQ(member_or_null(answer("attest.bin", 60), "authentic"), json::Value(false));
}

TEST(ConformanceTpm, ASentenceIsAnsweredInItsWordsOnlyWhenItIsSo) {
  const test::TempDir temp;
  const test::Signer& key = test::test_signer(test::SignerKind::p256, "conformance");
  const test::Signer& other = test::test_signer(test::SignerKind::p256, "another");
  const Bytes ca = test::signer_certificate({.subject = "ACME CA", .issuer = "ACME CA", .ca = true}, key, key);
  const Bytes leaf = test::signer_certificate({.subject = "leaf", .issuer = "ACME CA"}, other, key);
  const Bytes forged = test::signer_certificate({.subject = "leaf", .issuer = "ACME CA"}, other, other);
  Bytes padded = leaf;
  padded.resize(leaf.size() + 64, std::byte{0xff});
  write_case_file(temp.path() / "ca.der", ca);
  write_case_file(temp.path() / "leaf.der", leaf);
  write_case_file(temp.path() / "forged.der", forged);
  write_case_file(temp.path() / "padded.der", padded);
  const auto said = [&](const std::string& file, const std::string& expect) {
    const json::Value list = json::Array{json::Object{{"leaf", file},
                                                      {"chain", json::Array{"ca.der"}},
                                                      {"origin", json::Object{}},
                                                      {"window", json::Array{"2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"}},
                                                      {"expect", expect}}};
    write_case_file(temp.path() / "certs.json", json::canonical(list));
    return verdicts(temp.path() / "certs.json").at(file);
  };
  EXPECT_EQ(said("leaf.der", "chain verifies").ok, true);
  EXPECT_EQ(said("forged.der", "chain verifies").ok, false);
  EXPECT_EQ(said("ca.der", "vendor CA certificate").ok, true);
  EXPECT_EQ(said("leaf.der", "vendor CA certificate").ok, false);
  const std::string odd = " TPM root whose issuer has a SET in wrong order: strict DER parsers refuse it, OpenSSL reads it";
  EXPECT_EQ(said("ca.der", "self-issued ACME" + odd).ok, false);  // its order is right
  const std::string nv = " EK certificate followed by 0xFF padding, as read from NV: take the length from the outer SEQUENCE, ignore nothing inside";
  EXPECT_EQ(said("padded.der", "ACME" + nv).ok, false);  // padded, but of no EK
  EXPECT_EQ(said("leaf.der", "ACME" + nv).ok, false);
  // Prose of another form is not decided, however it reads.
  EXPECT_EQ(said("leaf.der", "a fine certificate").ok, std::nullopt);
  EXPECT_EQ(said("leaf.der", "chain verifies.").ok, std::nullopt);
}

TEST(ConformanceTpm, ACountOfRevokedCertificatesIsCounted) {
  REDOUBT_REQUIRE_SHARED();
  const fs::path from = *test::shared_dir() / "vectors/tpm";
  const test::TempDir temp;
  fs::copy(from / "ek-ak-certs", temp.path() / "ek-ak-certs", fs::copy_options::recursive);
  const auto with = [&](const json::Object& more) {
    json::Object entry{{"crl", "ek-ak-certs/gcp/intermediate.crl"}};
    for (const auto& [key, value] : more) entry[key] = value;
    write_case_file(temp.path() / "certs.json", json::canonical(json::Array{entry}));
    return verdicts(temp.path() / "certs.json").at("ek-ak-certs/gcp/intermediate.crl").ok;
  };
  EXPECT_EQ(with({{"revoked", 0}}), true);
  EXPECT_EQ(with({{"revoked", 1}}), false);
  EXPECT_EQ(with({{"expect", "CRL, 0 revoked"}}), true);
  EXPECT_EQ(with({{"expect", "CRL, 1 revoked"}}), false);
  fs::permissions(temp.path() / "ek-ak-certs/gcp", fs::perms::owner_all);
  for (const char* root : {"ak_root.pem", "ek_root.pem"}) fs::remove(temp.path() / "ek-ak-certs/gcp" / root);
  EXPECT_EQ(with({{"expect", "CRL, 0 revoked"}}), false);  // nobody beside it signed it
}

// What SHA-1 proves is asked by these vectors alone: no verifier may reach it.
TEST(ConformanceTpm, NothingButThisRoomKnowsSignaturesWithSha1) {
  std::vector<std::string> users;
  for (const char* top : {"common", "client", "enclave", "untrusted", "engines", "bench", "fuzz"}) {
    for (const auto& file : fs::recursive_directory_iterator(test::source_dir() / top)) {
      const std::string extension = file.path().extension().string();
      if (extension != ".cpp" && extension != ".h") continue;
      const std::string path = fs::relative(file.path(), test::source_dir()).generic_string();
      if (path.ends_with("_test.cpp")) continue;
      if (test::read_text(file.path()).find("#include \"common/crypto/legacy_signature.h\"") != std::string::npos) users.push_back(path);
    }
  }
  std::ranges::sort(users);
  EXPECT_EQ(users, (std::vector<std::string>{"client/sdk/conformance/tpm_quote_facts.cpp", "common/crypto/legacy_signature.cpp"}));
}

}  // namespace
}  // namespace redoubt::conformance
