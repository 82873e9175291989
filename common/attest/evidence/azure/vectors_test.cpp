// Goal: genuine composites of Azure are authentic, and parts of one machine do not pass for another's. Method: the shared folder
// azure-cvm and the negatives that its README lists; hardware reports are judged by the production pins.
#include <gtest/gtest.h>

#include "common/attest/evidence/azure/evidence.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::azure {
namespace {

using Ids = std::set<std::string>;

std::filesystem::path shared(const std::string& name) { return *test::shared_dir() / "vectors" / name; }

std::vector<Bytes> pem(const std::filesystem::path& file) { return OrDie(crypto::pem_decode(test::read_text(file), "CERTIFICATE", 1)); }

struct Case {
  explicit Case(const std::string& name) : id(name) {
    const json::Value list = OrDie(json::parse(test::read_text(shared("azure-cvm/cases.json"))));
    for (const json::Value& one : *list.array()) {
      if (*one.object()->at("id").string() != id) continue;
      const json::Object& members = *one.object();
      const json::Value& window = members.contains("window") ? members.at("window") : members.at("ak_certificate").object()->at("window");
      now = OrDie(Instant::parse(*window.array()->front().string()));
      nonce = OrDie(hex_decode(*one.object()->at("tpm").object()->at("extra").string()));
    }
    raw.hcl_report = file("hcl-report.bin");
    raw.attest = file("tpm-attest.bin");
    raw.signature = file("tpm-signature.bin");
    const json::Value pcrs = OrDie(json::parse(as_text(file("pcrs.json"))));
    for (const auto& [pcr, value] : *pcrs.object()->at("sha256").object()) {
      raw.pcrs[std::stoi(pcr)] = OrDie(crypto::Sha256Digest::from_hex(*value.string(), "PCR"));
    }
    if (id.starts_with("tdx")) {
      raw.td_quote = file("td-quote.bin");
      for (const char* name_of : {"ak-certificate.pem", "ak-intermediate-0.pem", "ak-intermediate-1.pem", "azure-virtual-tpm-root-2023.pem"}) {
        raw.ak_certificates.push_back(pem(shared("azure-cvm/" + id + "/" + name_of)).front());
      }
    } else {
      leaf = file("vcek.der");
      intermediate = pem(shared("amd-snp/certs/milan-ask.pem")).front();
      ark = pem(shared("amd-snp/certs/milan-ark.pem")).front();
    }
  }
  Bytes file(const std::string& name) const { return test::read_file(shared("azure-cvm/" + id + "/" + name)); }

  Outcome judge(const std::optional<Bytes>& expected) const {
    const auto parsed = parse(raw.encode());
    if (!parsed.ok()) return {};
    const Parts parts = unverified_parts(*parsed);
    Inputs inputs;
    inputs.expected_extra_data = expected;
    inputs.required_pcrs = {0, 4, 7};
    inputs.now = now;
    inputs.ak_certificate_required = parts.hardware == Hardware::tdx;
    snp::Outcome snp_outcome;
    dcap::Outcome tdx_outcome;
    if (parts.hardware == Hardware::snp) {
      snp_outcome = snp::authenticate(OrDie(snp::parse(parts.hardware_report)), {.leaf = leaf, .intermediate = intermediate, .ark = ark, .now = now});
      if (snp_outcome.authentic) inputs.snp = &*snp_outcome.authentic;
    } else {
      tdx_outcome = dcap::authenticate(OrDie(dcap::parse(parts.hardware_report)), {.now = now});
      if (tdx_outcome.authentic) inputs.tdx = &*tdx_outcome.authentic;
    }
    return authenticate(*parsed, inputs);
  }
  Ids failures(const std::optional<Bytes>& expected) const {
    const Outcome outcome = judge(expected);
    if (outcome.checks.empty()) return {"parse"};
    Ids ids;
    for (const attest::Check& check : outcome.checks) {
      if (check.outcome == attest::Outcome::failed) ids.emplace(attest::id_text(check.id));
    }
    EXPECT_EQ(ids.empty(), outcome.authentic.has_value());
    return ids;
  }
  // asked: with the nonce that the case was made for; one of them has none.
  Ids failures() const { return failures(nonce.empty() ? std::nullopt : std::optional(nonce)); }

  std::string id;
  RawComposite raw;
  Bytes leaf, intermediate, ark, nonce;
  Instant now;
};

constexpr const char* kCases[] = {"snp-milan-v1", "snp-milan-v2", "snp-milan-v3", "tdx-full-ak-chain"};

class AzureVectors : public testing::Test {
 protected:
  void SetUp() override { REDOUBT_REQUIRE_SHARED(); }
};

TEST_F(AzureVectors, GenuineCompositesAreAuthentic) {
  for (const char* id : kCases) {
    const Case one(id);
    EXPECT_EQ(one.failures(), Ids{}) << id;
    const Outcome outcome = one.judge(std::nullopt);
    EXPECT_TRUE(outcome.graph.chained()) << id;
    ASSERT_TRUE(outcome.authentic) << id;
    const AzureEvidence& evidence = **outcome.authentic;
    EXPECT_EQ(evidence.runtime.secure_boot, true);
    EXPECT_TRUE(equal(evidence.runtime.attestation_key.spki(), one.file("ak.spki.der"))) << id;
    EXPECT_EQ(evidence.runtime_data, one.file("var-data.json")) << id;
    EXPECT_EQ(evidence.ak_anchor.has_value(), std::string_view(id).starts_with("tdx"));
  }
}

TEST_F(AzureVectors, AnEmptyChallengeIsNeverMet) { EXPECT_EQ(Case("snp-milan-v3").failures(Bytes()), Ids{"M2"}); }

TEST_F(AzureVectors, TheChallengeIsComparedWithExtraDataAndNotWithReportData) {
  for (const char* id : kCases) {
    const Case one(id);
    const Bytes report_data = to_bytes(crypto::sha256(one.file("var-data.json")).view());
    EXPECT_EQ(one.failures(report_data), Ids{"M2"}) << id;
    Bytes other = one.nonce.empty() ? Bytes(32, std::byte{1}) : one.nonce;
    other.back() ^= std::byte{1};
    EXPECT_EQ(one.failures(other), Ids{"M2"}) << id;
  }
}

TEST_F(AzureVectors, AQuoteOfOneMachineIsNotUnderTheKeyOfAnother) {
  for (const char* mine : kCases) {
    for (const char* theirs : kCases) {
      if (mine == theirs) continue;
      Case one(mine);
      const Case other(theirs);
      one.raw.attest = other.raw.attest;
      one.raw.signature = other.raw.signature;
      one.raw.pcrs = other.raw.pcrs;
      EXPECT_EQ(one.failures(std::nullopt), (Ids{"M3", "N15"})) << mine << " " << theirs;
    }
  }
}

TEST_F(AzureVectors, RuntimeDataWithAnotherKeyAreNotVouchedFor) {
  for (const char* id : {"snp-milan-v2", "snp-milan-v3"}) {
    // The other machine's key and quote in this machine's HCL report: the JSON of both are of one length.
    Case one(id);
    const Case other("snp-milan-v1");
    const Bytes json = other.file("var-data.json");
    ASSERT_EQ(json.size(), one.file("var-data.json").size());
    std::ranges::copy(json, one.raw.hcl_report.begin() + 1236);
    one.raw.attest = other.raw.attest;
    one.raw.signature = other.raw.signature;
    one.raw.pcrs = other.raw.pcrs;
    EXPECT_EQ(one.failures(std::nullopt), Ids{"N15"}) << id;
    const Outcome outcome = one.judge(std::nullopt);
    EXPECT_FALSE(outcome.graph.edge(Node::hardware_report, Node::runtime_data)->bound);
    EXPECT_TRUE(outcome.graph.edge(Node::attestation_key, Node::tpm_quote)->bound);
  }
}

TEST_F(AzureVectors, AnyPcrChangedIsRefused) {
  for (const char* id : kCases) {
    const Case one(id);
    for (const auto& [pcr, value] : one.raw.pcrs) {
      Case changed = one;
      changed.raw.pcrs[pcr].array()[31] ^= std::byte{1};
      EXPECT_EQ(changed.failures(std::nullopt), (Ids{"M4", "N15"})) << id << " PCR " << pcr;
    }
  }
}

}  // namespace
}  // namespace redoubt::azure
