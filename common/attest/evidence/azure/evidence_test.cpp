// Goal: a composite is authentic only when every edge from the hardware to the PCRs is bound, and each way of making one part speak of
// another machine, another boot or another time is refused by the check that is there for it. Method: composites under test keys, one
// thing changed at a time; junk.
#include <gtest/gtest.h>

#include "tests/support/evidence_azure.h"
#include "tests/support/expect.h"
#include "tests/support/stride.h"

namespace redoubt::azure {
namespace {

using test::AzureSample;
using Ids = std::set<std::string>;

constexpr Hardware kBoth[] = {Hardware::snp, Hardware::tdx};

TEST(AzureEvidence, ACompositeOfEitherHardwareIsAuthenticUnderItsRootsAlone) {
  for (const Hardware hardware : kBoth) {
    const AzureSample sample(hardware);
    const Outcome outcome = sample.authenticate();
    for (const attest::Check& check : outcome.checks) {
      EXPECT_EQ(check.outcome, attest::Outcome::passed) << attest::id_text(check.id) << ": expected " << check.expected << ", found " << check.found;
    }
    ASSERT_TRUE(outcome.authentic);
    const AzureEvidence& evidence = **outcome.authentic;
    EXPECT_TRUE(outcome.graph.chained());
    EXPECT_EQ(outcome.graph.edges.size(), 6U);
    EXPECT_TRUE(std::ranges::all_of(outcome.graph.edges, &Edge::bound));
    EXPECT_EQ(evidence.runtime.secure_boot, true);
    EXPECT_EQ(evidence.ak_anchor, crypto::sha256(test::tpm_test_root()));
    EXPECT_EQ(OrDie(RawComposite::decode(sample.raw.encode())).encode(), sample.raw.encode());
    // Under the production pins the AK's certificate leads nowhere, and the hardware's report is not authentic.
    AzureSample production = sample;
    production.ak_roots = {kAzureVirtualTpmRoot2023};
    production.ak_certificate_required = true;
    EXPECT_EQ(production.failures(), Ids{"M6"});
    Inputs inputs = sample.inputs();
    const auto parsed = OrDie(parse(sample.raw.encode()));
    const Outcome unvouched = azure::authenticate(parsed, inputs);
    EXPECT_FALSE(unvouched.authentic);
    EXPECT_FALSE(unvouched.graph.edge(Node::hardware_report, Node::runtime_data)->bound);
  }
}

TEST(AzureEvidence, TheHardwareMustVouchForTheseVeryRuntimeData) {
  for (const Hardware hardware : kBoth) {
    const AzureSample sample(hardware);
    // Another key in the runtime data, and everything after it signed by that key: only the hardware does not agree.
    AzureSample other(hardware);
    const test::Signer& key = test::test_signer(test::SignerKind::rsa2048, "azure liar");
    other.with_certificates = false;
    other.remake();
    const Bytes report = hardware == Hardware::snp ? other.snp.report : Bytes(HclReport::kTdReportSize);
    other.raw.hcl_report = test::hcl_report(hardware, report, as_bytes(test::runtime_data(key)));
    other.raw.signature = test::tpm_sign(key, tpm::kAlgRsassa, tpm::kAlgSha256, other.raw.attest);
    EXPECT_EQ(other.failures(), Ids{"N15"});
    const Outcome outcome = other.authenticate();
    const Edge* edge = outcome.graph.edge(Node::hardware_report, Node::runtime_data);
    ASSERT_NE(edge, nullptr);
    EXPECT_FALSE(edge->bound);
    EXPECT_EQ(edge->found, crypto::sha256(as_bytes(sample.runtime)).hex());
    EXPECT_NE(edge->expected, edge->found);
    EXPECT_TRUE(outcome.graph.edge(Node::attestation_key, Node::tpm_quote)->bound);
    // Secure Boot on in the JSON, off in what was hashed.
    AzureSample flag(hardware);
    flag.runtime = test::runtime_data(test::test_signer(test::SignerKind::rsa2048, "azure ak"), false);
    flag.remake();
    EXPECT_EQ(flag.failures(), Ids{});
    flag.raw.hcl_report = test::hcl_report(hardware, hardware == Hardware::snp ? flag.snp.report : Bytes(HclReport::kTdReportSize), as_bytes(sample.runtime));
    EXPECT_EQ(flag.failures(), Ids{"N15"});
  }
}

TEST(AzureEvidence, AnAuthenticReportOfAnotherMachineDoesNotVouchForThisOne) {
  const AzureSample mine;
  const AzureSample other;  // another key signs its report: another chip
  Inputs inputs = mine.inputs();
  const auto report = OrDie(snp::parse(other.snp.report));
  const snp::Outcome judged = snp::authenticate(report, other.snp.inputs());
  ASSERT_TRUE(judged.authentic);
  inputs.snp = &*judged.authentic;
  const Outcome outcome = authenticate(OrDie(parse(mine.raw.encode())), inputs);
  EXPECT_FALSE(outcome.authentic);
  EXPECT_EQ(outcome.graph.edge(Node::hardware_report, Node::runtime_data)->found, "the report of another composite");
  const AzureSample td(Hardware::tdx);
  AzureSample other_td(Hardware::tdx);
  other_td.tdx->body[100] ^= std::byte{1};
  other_td.remake();
  const endorse::RootPin pins[] = {other_td.tdx->pin()};
  const dcap::Outcome quote = dcap::authenticate(OrDie(dcap::parse(other_td.raw.td_quote)), {.roots = pins, .now = td.now});
  ASSERT_TRUE(quote.authentic);
  Inputs td_inputs = td.inputs();
  td_inputs.tdx = &*quote.authentic;
  EXPECT_EQ(authenticate(OrDie(parse(td.raw.encode())), td_inputs).graph.edge(Node::hardware_report, Node::runtime_data)->found,
            "the quote of another composite");
}

TEST(AzureEvidence, QuoteChallengeAndPcrsAreJudgedAsOfATpm) {
  for (const Hardware hardware : kBoth) {
    const AzureSample sample(hardware);
    AzureSample forged = sample;
    forged.raw.signature = test::tpm_sign(test::test_signer(test::SignerKind::rsa2048, "azure liar"), tpm::kAlgRsassa, tpm::kAlgSha256, sample.raw.attest);
    EXPECT_EQ(forged.failures(), (Ids{"M3", "N15"}));
    AzureSample scheme = sample;  // an honest signature of the right key under another scheme than the format's
    scheme.raw.signature = test::tpm_sign(test::test_signer(test::SignerKind::rsa2048, "azure ak"), tpm::kAlgRsapss, tpm::kAlgSha256, sample.raw.attest);
    EXPECT_EQ(scheme.failures(), (Ids{"M3", "N15"}));
    for (const auto& [pcr, value] : sample.raw.pcrs) {
      AzureSample changed = sample;
      changed.raw.pcrs[pcr].array()[0] ^= std::byte{1};
      EXPECT_EQ(changed.failures(), (Ids{"M4", "N15"})) << pcr;
      changed = sample;
      changed.raw.pcrs.erase(pcr);
      EXPECT_EQ(changed.failures(), (Ids{"M4", "N15"})) << pcr;
    }
    AzureSample demanding = sample;
    demanding.required_pcrs = {14};
    EXPECT_EQ(demanding.failures(), (Ids{"M4", "N15"}));
    // The challenge is extraData; REPORT_DATA is not where freshness comes from.
    AzureSample stale = sample;
    stale.expected_nonce = Bytes(32, std::byte{1});
    EXPECT_EQ(stale.failures(), Ids{"M2"});
    AzureSample confused = sample;
    confused.expected_nonce = to_bytes(crypto::sha256(as_bytes(sample.runtime)).view());
    EXPECT_EQ(confused.failures(), Ids{"M2"});
    AzureSample unsafe = sample;
    unsafe.quote.safe = false;
    unsafe.remake();
    EXPECT_EQ(unsafe.failures(), Ids{"M1"});
    AzureSample unasked = sample;
    unasked.expected_nonce.reset();
    EXPECT_EQ(unasked.failures(), Ids{});
    EXPECT_EQ(unasked.authenticate().graph.edge(Node::challenge, Node::tpm_quote), nullptr);
  }
}

TEST(AzureEvidence, ACertificateOfTheKeyIsBoundOrSaysThatItIsNot) {
  AzureSample none;
  none.with_certificates = false;
  none.remake();
  EXPECT_EQ(none.failures(), Ids{});
  none.ak_certificate_required = true;
  EXPECT_EQ(none.failures(), (Ids{"M5", "M6"}));

  AzureSample foreign;  // of another key: never let be
  foreign.raw.ak_certificates[0] = test::tpm_ak_certificate(foreign.leaf, test::test_signer(test::SignerKind::rsa2048, "azure liar"));
  EXPECT_EQ(foreign.failures(), Ids{"M5"});

  AzureSample expired;
  expired.leaf.end = expired.now.plus_seconds(-1);
  expired.remake();
  EXPECT_EQ(expired.failures(), Ids{});
  const Outcome outcome = expired.authenticate();
  const Edge* edge = outcome.graph.edge(Node::ak_certificate, Node::attestation_key);
  ASSERT_NE(edge, nullptr);
  EXPECT_FALSE(edge->bound);
  EXPECT_TRUE(outcome.graph.chained());
  expired.ak_certificate_required = true;
  EXPECT_EQ(expired.failures(), Ids{"M6"});
  AzureSample usage;
  usage.leaf.extensions.clear();
  usage.ak_certificate_required = true;
  usage.remake();
  EXPECT_EQ(usage.failures(), Ids{"M6"});
}

TEST(AzureHclReport, EverySizeAndTypeIsChecked) {
  const AzureSample sample;
  const Bytes good = sample.raw.hcl_report;
  const HclReport parsed = OrDie(HclReport::parse(good));
  EXPECT_EQ(as_text(parsed.runtime_data), sample.runtime);
  EXPECT_TRUE(equal(parsed.hardware_report, sample.snp.report));
  const auto refused = [&](std::size_t offset, unsigned char value, std::string_view part) {
    Bytes changed = good;
    changed[offset] ^= std::byte{value};
    EXPECT_ERROR(HclReport::parse(changed), Code::malformed, part);
  };
  refused(0, 1, "HCLA");
  refused(4, 2, "version");
  refused(8, 1, "sizes");
  refused(12, 1, "request type");
  refused(16, 1, "status");
  refused(20, 1, "reserved");
  refused(1216, 1, "sizes");
  refused(1220, 3, "runtime data version");
  refused(1224, 1, "report type");
  refused(1228, 3, "hash");
  refused(1232, 1, "sizes");
  refused(good.size() - 1, 1, "not zero");
  for (std::size_t size = 0; size < 1236 + sample.runtime.size(); ++size) EXPECT_FALSE(HclReport::parse(ByteView(good).first(size)).ok()) << size;
  EXPECT_OK(HclReport::parse(ByteView(good).first(1236 + sample.runtime.size())));
}

TEST(AzureRuntimeData, ExactlyOneSigningKeyIsRead) {
  const AzureSample sample;
  const auto parse_text = [](const std::string& text) { return RuntimeData::parse(as_bytes(text)); };
  const auto edited = [&](std::string_view first, std::string_view second) { return parse_text(test::edited(sample.runtime, first, second)); };
  const RuntimeData data = OrDie(parse_text(sample.runtime));
  EXPECT_EQ(data.secure_boot, true);
  EXPECT_EQ(data.user_data, Bytes(64));
  EXPECT_ERROR(edited("HCLEkPub", "HCLAkPub"), Code::malformed, "a second key");
  EXPECT_ERROR(edited("HCLAkPub", "HCLakPub"), Code::malformed, "no key HCLAkPub");
  EXPECT_ERROR(edited("\"sign\"", "\"sign\",\"encrypt\""), Code::malformed, "one use");
  EXPECT_ERROR(edited("\"kty\":\"RSA\"", "\"kty\":\"EC\""), Code::malformed, "RSA");
  EXPECT_ERROR(edited("AQAB", "AAEAAQ"), Code::malformed, "65537");
  EXPECT_ERROR(edited("\"n\":\"", "\"n\":\"AAAA"), Code::malformed, "HCLAkPub");
  EXPECT_ERROR(edited("\"secure-boot\":true", "\"secure-boot\":\"true\""), Code::malformed, "secure-boot");
  EXPECT_ERROR(edited("\"console-enabled\":true", "\"secure-boot\":false"), Code::malformed, "");  // the name twice
  EXPECT_ERROR(parse_text(sample.runtime + " x"), Code::malformed, "");
  EXPECT_ERROR(parse_text("{}"), Code::malformed, "keys");
  EXPECT_OK(edited("\"tpm-enabled\"", "\"something-new\":[1],\"tpm-enabled\""));
}

TEST(AzureComposite, KeysAreClosedAndPartsFitTheHardware) {
  AzureSample sample;
  AzureSample td(Hardware::tdx);
  RawComposite both = sample.raw;
  both.td_quote = td.raw.td_quote;
  EXPECT_ERROR(parse(both.encode()), Code::malformed, "no TD quote");
  RawComposite bare = td.raw;
  bare.td_quote.clear();
  EXPECT_ERROR(parse(bare.encode()), Code::malformed, "a TD quote");
  Bytes trailing = sample.raw.encode();
  trailing.push_back(std::byte{0});
  EXPECT_FALSE(RawComposite::decode(trailing).ok());
  RawComposite many = sample.raw;
  many.ak_certificates.resize(6);
  EXPECT_FALSE(RawComposite::decode(many.encode()).ok());
}

TEST(AzureEvidence, JunkNeverCrashesAndIsNeverAuthentic) {
  for (const Hardware hardware : kBoth) {
    AzureSample sample(hardware);
    sample.ak_certificate_required = true;
    const Bytes wire = sample.raw.encode();
    for (std::size_t size = 0; size < wire.size(); ++size) EXPECT_FALSE(RawComposite::decode(ByteView(wire).first(size)).ok());
    // Which bytes nothing covers: of TDX the TDREPORT that the HCL report repeats (the quote is what is judged), and the version of the
    // HCL header.
    const std::size_t report = 4 + [&] {
      const ByteView magic = as_bytes("HCLA");
      const auto at = std::search(wire.begin(), wire.end(), magic.begin(), magic.end());
      return static_cast<std::size_t>(at - wire.begin());
    }();
    for (std::size_t i = 0; i < wire.size(); i += test::stride(61)) {
      const bool uncovered = hardware == Hardware::tdx && i >= report + 28 && i < report + 28 + HclReport::kTdReportSize;
      AzureSample changed = sample;
      Bytes bytes = wire;
      bytes[i] ^= std::byte{0x11};
      const auto raw = RawComposite::decode(bytes);
      if (!raw.ok()) continue;
      changed.raw = *raw;
      EXPECT_EQ(changed.failures().empty(), uncovered) << "byte " << i;
    }
  }
}

}  // namespace
}  // namespace redoubt::azure
