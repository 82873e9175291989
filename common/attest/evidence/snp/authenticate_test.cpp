// Goal: a genuine report is accepted, and each single thing that is wrong fails the check that is about it. Method: reports and chains
// under test keys (tests/support/evidence_snp.h); where a rule is about signed fields, the report is signed again after the change.
#include "common/attest/evidence/snp/evidence.h"

#include "tests/support/evidence_snp.h"
#include "tests/support/expect.h"
#include "tests/support/stride.h"

namespace redoubt::snp {
namespace {

using amd::KeyKind;
using amd::Product;
using test::snp_authority;
using test::SnpAuthority;
using test::SnpKey;
using test::SnpSample;
using Ids = std::vector<std::string>;

const attest::Check& check_of(const Outcome& outcome, attest::CheckId id) {
  return *std::ranges::find(outcome.checks, id, &attest::Check::id);
}

void put(Bytes& report, std::size_t at, const std::vector<unsigned>& bytes) {
  for (const unsigned byte : bytes) report[at++] = static_cast<std::byte>(byte);
}

// edited: a sample whose report was changed and signed again by the right key.
SnpSample edited(std::size_t at, const std::vector<unsigned>& bytes, Product product = Product::milan, KeyKind kind = KeyKind::vcek) {
  SnpSample sample(product, kind);
  put(sample.report, at, bytes);
  sample.resign();
  return sample;
}

TEST(SnpAuthenticate, AcceptsEveryProductAndKindUnderTheGivenAnchor) {
  for (const Product product : {Product::milan, Product::genoa, Product::turin}) {
    for (const KeyKind kind : {KeyKind::vcek, KeyKind::vlek}) {
      const SnpSample sample(product, kind);
      const Outcome outcome = sample.authenticate();
      ASSERT_EQ(test::failed_ids(outcome), Ids{});
      const SnpEvidence& evidence = **outcome.authentic;
      EXPECT_EQ(evidence.endorsement.product, product);
      EXPECT_EQ(evidence.endorsement.signing_key, kind);
      EXPECT_EQ(evidence.endorsement.anchor, sample.authority->anchor().ark);
      EXPECT_EQ(evidence.endorsement.key.view().size(), 32U);
      EXPECT_EQ(evidence.endorsement.leaf.csp_id, kind == KeyKind::vlek ? "CN=cc.cloud.example" : "");
      EXPECT_FALSE(evidence.endorsement.revocation_checked);
      EXPECT_EQ(evidence.reported_tcb().microcode, product == Product::turin ? 81 : 219);
      EXPECT_EQ(evidence.current_tcb().microcode, 222);
      EXPECT_EQ(evidence.reported_tcb().fmc, product == Product::turin ? std::optional<std::uint8_t>(2) : std::nullopt);
      EXPECT_EQ(evidence.report.report_data.array()[0], std::byte{0x40});
      EXPECT_EQ(outcome.validity.begin, sample.spec.validity.begin);
      EXPECT_EQ(outcome.validity.end, sample.spec.validity.end);
      EXPECT_EQ(check_of(outcome, attest::CheckId::n13).outcome, attest::Outcome::not_applicable);
    }
  }
}

TEST(SnpAuthenticate, RefusesTheSameUnderAmdsOwnPins) {
  SnpSample sample;
  sample.anchors.assign(amd::production_anchors().begin(), amd::production_anchors().end());
  EXPECT_EQ(sample.failures(), Ids{"N4"});
  sample.anchors.clear();
  EXPECT_EQ(sample.failures(), Ids{"N4"});
  EXPECT_FALSE(sample.authenticate().validity.contains(sample.now));
}

TEST(SnpAuthenticate, AReportOfVersionTwoTakesItsProductFromTheLeafAndSaysSo) {
  SnpSample sample = edited(0x000, {2});
  put(sample.report, 0x188, {0, 0, 0});
  sample.resign();
  const Outcome outcome = sample.authenticate();
  EXPECT_EQ(test::failed_ids(outcome), Ids{});
  EXPECT_NE(check_of(outcome, attest::CheckId::n5).found.find("version 2 names no processor"), std::string::npos);
}

TEST(SnpAuthenticate, FormIsCheckedEvenWhereTheSignatureIsGood) {
  const std::pair<std::size_t, std::vector<unsigned>> flaws[] = {
      {0x034, {0}},    {0x034, {2}},    {0x034, {1, 1}},       // signature algorithm
      {0x048, {0x20}}, {0x04b, {0x80}}, {0x04c, {1}},          // key flags, reserved
      {0x00a, {0x01}}, {0x00b, {0x04}}, {0x00f, {0x80}},       // policy: bit 17 zero, bits 26 and 63
      {0x18b, {1}},    {0x19f, {1}},    {0x1eb, {1}},          {0x1ef, {1}}, {0x1f8, {1}}, {0x207, {1}}, {0x208, {1}}, {0x29f, {1}},
      {0x330, {1}},    {0x49f, {1}},                           // after the signature
  };
  for (const auto& [at, bytes] : flaws) EXPECT_EQ(edited(at, bytes).failures(), Ids{"N1"}) << at;
  EXPECT_EQ(edited(0x188, {0x19, 1, 1}).failures(), Ids{});
  SnpSample second = edited(0x000, {2});
  EXPECT_EQ(second.failures(), Ids{"N1"}) << "CPUID fields are reserved in version 2";
  const Outcome author = edited(0x048, {1}).authenticate();
  ASSERT_EQ(test::failed_ids(author), Ids{});
  EXPECT_TRUE((*author.authentic)->report.keys.author_key_en());
}

TEST(SnpAuthenticate, VersionsThreeAndFourHaveNoMitigationsAndFiveHas) {
  EXPECT_EQ(edited(0x000, {4}).failures(), Ids{});
  SnpSample five = edited(0x000, {5});
  put(five.report, 0x1f8, {9});
  five.resign();
  const Outcome outcome = five.authenticate();
  ASSERT_EQ(test::failed_ids(outcome), Ids{});
  EXPECT_EQ((*outcome.authentic)->report.launch_mitigations, 9U);
}

TEST(SnpAuthenticate, TheSigningKeyIsOfTheKindThatTheReportNames) {
  EXPECT_EQ(edited(0x048, {4}).failures(), Ids{"N2"}) << "says VLEK, is signed by a VCEK";
  EXPECT_EQ(edited(0x048, {0}, Product::milan, KeyKind::vlek).failures(), Ids{"N2"});
  for (const unsigned other : {2U, 3U, 4U, 5U, 6U, 7U}) EXPECT_EQ(edited(0x048, {other << 2U}).failures(), Ids{"N2"}) << other;
  EXPECT_EQ(edited(0x048, {2}).failures(), Ids{"N2"}) << "a masked chip key signs nothing";
  EXPECT_EQ(edited(0x048, {6}, Product::milan, KeyKind::vlek).failures(), Ids{});
  SnpSample swapped;
  swapped.intermediate = swapped.authority->intermediate(KeyKind::vlek);
  EXPECT_EQ(swapped.failures(), (Ids{"N2", "N4"}));
  SnpSample vlek(Product::genoa, KeyKind::vlek);
  vlek.intermediate = vlek.authority->intermediate(KeyKind::vcek);
  EXPECT_EQ(vlek.failures(), (Ids{"N2", "N4"}));
}

TEST(SnpAuthenticate, EachUnsignedChangeOfASignedByteFailsTheSignature) {
  const SnpSample sample;
  for (std::size_t at = 4; at < kSignedSize; at += test::stride(1)) {
    SnpSample changed = sample;
    changed.report[at] ^= std::byte{0x10};
    const Ids failed = changed.failures();
    EXPECT_NE(std::ranges::find(failed, "N3"), failed.end()) << at;
  }
}

TEST(SnpAuthenticate, RAndSAreNumbersBelowTheOrderAndFitTheCurve) {
  const SnpSample sample;
  const auto with = [&](std::size_t at, std::initializer_list<unsigned> bytes) {
    SnpSample changed = sample;
    put(changed.report, at, bytes);
    return changed.failures();
  };
  for (const std::size_t at : {0x2a0U, 0x2a0U + 72}) {
    for (std::size_t extra = 48; extra < 72; ++extra) EXPECT_EQ(with(at + extra, {1}), Ids{"N3"}) << at << " " << extra;
    SnpSample zero = sample;
    std::fill_n(zero.report.begin() + static_cast<std::ptrdiff_t>(at), 48, std::byte{0});
    EXPECT_EQ(zero.failures(), Ids{"N3"});
    SnpSample high = sample;
    std::fill_n(high.report.begin() + static_cast<std::ptrdiff_t>(at), 48, std::byte{0xff});
    EXPECT_EQ(high.failures(), Ids{"N3"});
  }
  SnpSample swapped = sample;
  std::swap_ranges(swapped.report.begin() + 0x2a0, swapped.report.begin() + 0x2a0 + 72, swapped.report.begin() + 0x2a0 + 72);
  EXPECT_EQ(swapped.failures(), Ids{"N3"});
  SnpSample other = sample;
  test::sign_report(other.report, SnpKey::p384());
  EXPECT_EQ(other.failures(), Ids{"N3"});
}

TEST(SnpAuthenticate, ChainsOfAnImpostorOrAnotherTimeAreRefused) {
  SnpSample impostor;
  const SnpAuthority other(Product::milan);
  impostor.leaf = other.leaf(impostor.spec, impostor.key);
  EXPECT_EQ(impostor.failures(), Ids{"N4"});
  impostor.intermediate = other.intermediate(KeyKind::vcek);
  EXPECT_EQ(impostor.failures(), Ids{"N4"});
  impostor.ark = other.ark();
  EXPECT_EQ(impostor.failures(), Ids{"N4"});

  SnpSample sample;
  for (const Instant at : {sample.spec.validity.begin, sample.spec.validity.end}) {
    sample.now = at;
    EXPECT_EQ(sample.failures(), Ids{});
  }
  for (const Instant at : {sample.spec.validity.begin.plus_seconds(-1), sample.spec.validity.end.plus_seconds(1)}) {
    sample.now = at;
    EXPECT_EQ(sample.failures(), Ids{"N4"});
    EXPECT_EQ(check_of(sample.authenticate(), attest::CheckId::n4).code, Code::freshness);
  }
}

TEST(SnpAuthenticate, AChainOfAnotherProductFailsChainAndProduct) {
  SnpSample sample;
  const SnpAuthority& genoa = snp_authority(Product::genoa);
  sample.anchors.push_back(genoa.anchor());
  sample.intermediate = genoa.intermediate(KeyKind::vcek);
  sample.ark = genoa.ark();
  EXPECT_EQ(sample.failures(), (Ids{"N4", "N5"}));
}

TEST(SnpAuthenticate, AnUnreadableLeafFailsEveryCheckThatNeedsIt) {
  SnpSample sample;
  sample.leaf = {};
  EXPECT_EQ(sample.failures(), (Ids{"N2", "N3", "N4", "N5", "N6", "N7"}));
  sample.leaf = sample.ark;
  EXPECT_EQ(sample.failures(), (Ids{"N2", "N3", "N4", "N5", "N6", "N7"}));
  SnpSample alone;
  alone.intermediate = {};
  EXPECT_EQ(alone.failures(), (Ids{"N2", "N4", "N5"}));
  alone.intermediate = alone.ark;
  EXPECT_EQ(alone.failures(), (Ids{"N2", "N4", "N5"}));
  SnpSample missing;
  missing.spec.remove("3.5");
  missing.resign();
  EXPECT_EQ(missing.failures(), (Ids{"N2", "N3", "N4", "N5", "N6", "N7"}));
}

TEST(SnpAuthenticate, TheProcessorTheLeafAndTheChainAreOfOneProduct) {
  EXPECT_EQ(edited(0x188, {0x19, 0x11, 1}).failures(), Ids{"N5"}) << "Genoa's CPUID under Milan's key";
  EXPECT_EQ(edited(0x188, {0x1a, 0x02, 1}).failures(), Ids{"N5"});
  EXPECT_EQ(edited(0x188, {0x17, 0x31, 0}).failures(), Ids{"N5"}) << "Rome has no SEV-SNP";
  EXPECT_EQ(edited(0x188, {0, 0, 0}).failures(), Ids{"N5"});
  EXPECT_EQ(edited(0x188, {0x19, 0xa0, 1}, Product::genoa).failures(), Ids{}) << "Bergamo is of the Genoa line";
  SnpSample renamed;
  renamed.spec.value("2") = OrDie(hex_decode("160547656e6f61"));  // "Genoa"
  renamed.resign();
  EXPECT_EQ(renamed.failures(), Ids{"N5"});
}

TEST(SnpAuthenticate, TheReportedTcbIsTheLeafsInEveryByte) {
  for (const Product product : {Product::milan, Product::turin}) {
    for (std::size_t at = 0; at < 8; ++at) {
      SnpSample sample(product);
      sample.report[0x180 + at] ^= std::byte{1};
      sample.resign();
      EXPECT_EQ(sample.failures(), Ids{"N6"}) << at;
    }
  }
  // The other TCB versions of a report are not what the key was derived for.
  for (const std::size_t field : {0x038U, 0x1e0U, 0x1f0U}) EXPECT_EQ(edited(field, {9}).failures(), Ids{}) << field;
  for (const std::string_view oid : {"3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8"}) {
    SnpSample sample;
    sample.spec.value(oid) = OrDie(hex_decode("020105"));
    sample.resign();
    EXPECT_EQ(sample.failures(), Ids{"N6"}) << oid;
  }
}

TEST(SnpAuthenticate, TheChipIsTheLeafsInEveryByte) {
  for (const Product product : {Product::milan, Product::turin}) {
    for (std::size_t at = 0; at < 64; ++at) {
      SnpSample sample(product);
      sample.report[0x1a0 + at] ^= std::byte{1};
      sample.resign();
      EXPECT_EQ(sample.failures(), Ids{"N7"}) << at;
    }
  }
}

TEST(SnpAuthenticate, AMaskedChipIdIsAFactForThePolicy) {
  SnpSample sample;
  std::fill_n(sample.report.begin() + 0x1a0, 64, std::byte{0});
  sample.resign();
  const Outcome outcome = sample.authenticate();
  ASSERT_EQ(test::failed_ids(outcome), Ids{});
  EXPECT_EQ(check_of(outcome, attest::CheckId::n7).outcome, attest::Outcome::not_applicable);
  const SnpEvidence& evidence = **outcome.authentic;
  EXPECT_TRUE(evidence.report.chip_id_masked());
  EXPECT_EQ(evidence.chip_id(), evidence.endorsement.leaf.chip_id) << "the VCEK is of one chip";

  SnpSample vlek(Product::milan, KeyKind::vlek);
  std::fill_n(vlek.report.begin() + 0x1a0, 64, std::byte{0});
  vlek.resign();
  const Outcome cloud = vlek.authenticate();
  ASSERT_EQ(test::failed_ids(cloud), Ids{});
  EXPECT_EQ(check_of(cloud, attest::CheckId::n7).outcome, attest::Outcome::passed);
  EXPECT_EQ(check_of(cloud, attest::CheckId::n7).found, "CN=cc.cloud.example");
  EXPECT_EQ((*cloud.authentic)->chip_id(), std::nullopt);
}

TEST(SnpAuthenticate, RevocationIsJudgedByAListOfTheChainsRoot) {
  SnpSample sample;
  const Interval window{sample.now.plus_seconds(-1000), sample.now.plus_seconds(1000)};
  const auto hex = [](std::string_view text) { return OrDie(hex_decode(text)); };
  sample.crl = sample.authority->crl({hex("2a")}, window);
  const Outcome outcome = sample.authenticate();
  ASSERT_EQ(test::failed_ids(outcome), Ids{});
  EXPECT_EQ(check_of(outcome, attest::CheckId::n13).outcome, attest::Outcome::passed);
  EXPECT_TRUE((*outcome.authentic)->endorsement.revocation_checked);
  EXPECT_EQ(outcome.validity.begin, window.begin);
  EXPECT_EQ(outcome.validity.end, window.end);

  sample.crl = sample.authority->crl({hex("2a"), hex("010001")}, window);
  EXPECT_EQ(sample.failures(), Ids{"N13"}) << "the ASK";
  sample.crl = sample.authority->crl({hex("00")}, window);
  EXPECT_EQ(sample.failures(), Ids{"N13"}) << "the leaf's serial number";
  sample.crl = sample.authority->crl({hex("0100")}, window);
  EXPECT_EQ(sample.failures(), Ids{});
  sample.crl = sample.authority->crl_by_intermediate(window);
  EXPECT_EQ(sample.failures(), Ids{"N13"});
  sample.crl = snp_authority(Product::genoa).crl({}, window);
  EXPECT_EQ(sample.failures(), Ids{"N13"});
  sample.crl = hex("3000");
  EXPECT_EQ(sample.failures(), Ids{"N13"});
  sample.crl = sample.authority->crl({}, {window.begin, sample.now.plus_seconds(-1)});
  EXPECT_EQ(sample.failures(), Ids{"N13"});
  EXPECT_EQ(check_of(sample.authenticate(), attest::CheckId::n13).code, Code::freshness);
  sample.crl = sample.authority->crl({}, {sample.now.plus_seconds(1), window.end});
  EXPECT_EQ(sample.failures(), Ids{"N13"});
  sample.crl = sample.authority->crl({}, window);
  sample.anchors.clear();
  EXPECT_EQ(sample.failures(), (Ids{"N4", "N13"})) << "without a chain nobody vouches for the list";
}

}  // namespace
}  // namespace redoubt::snp
