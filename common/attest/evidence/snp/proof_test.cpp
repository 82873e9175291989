// Goal: proof objects from a cache change no result. Method: each sample is judged with and without them, also where they are about
// other certificates, other anchors or another time.
#include "common/attest/evidence/snp/evidence.h"

#include "tests/support/evidence_snp.h"
#include "tests/support/expect.h"

namespace redoubt::snp {
namespace {

using amd::KeyKind;
using amd::Product;
using test::SnpAuthority;
using test::SnpSample;

struct Proofs {
  amd::VerifiedVcek vcek;
  std::optional<amd::VerifiedCrl> crl;
};

Proofs proofs_of(const SnpSample& sample) {
  const auto chain = OrDie(amd::verify_chain(sample.intermediate, sample.ark, sample.anchors, sample.now));
  Proofs out{OrDie(amd::verify_vcek(sample.leaf, chain, sample.now)), std::nullopt};
  if (!sample.crl.empty()) out.crl = OrDie(amd::verify_crl(sample.crl, chain, sample.now));
  return out;
}

// expect_same: with these proofs the sample gets exactly the result that it gets without.
Outcome expect_same(const SnpSample& sample, const Proofs& proofs) {
  const auto parsed = OrDie(parse(sample.report));
  const Outcome plain = authenticate(parsed, sample.inputs());
  Inputs inputs = sample.inputs();
  inputs.verified_vcek = &proofs.vcek;
  inputs.verified_crl = proofs.crl ? &*proofs.crl : nullptr;
  Outcome with = authenticate(parsed, inputs);
  EXPECT_EQ(with.checks, plain.checks);
  EXPECT_EQ(with.authentic.has_value(), plain.authentic.has_value());
  EXPECT_EQ(with.validity.begin, plain.validity.begin);
  EXPECT_EQ(with.validity.end, plain.validity.end);
  if (with.authentic && plain.authentic) {
    EXPECT_EQ((*with.authentic)->endorsement.leaf, (*plain.authentic)->endorsement.leaf);
    EXPECT_EQ((*with.authentic)->endorsement.key, (*plain.authentic)->endorsement.key);
    EXPECT_EQ((*with.authentic)->endorsement.anchor, (*plain.authentic)->endorsement.anchor);
  }
  return with;
}

SnpSample sample_with_list(Product product = Product::milan, KeyKind kind = KeyKind::vcek) {
  SnpSample sample(product, kind);
  sample.crl = sample.authority->crl({}, {sample.now.plus_seconds(-50), sample.now.plus_seconds(50)});
  return sample;
}

TEST(SnpProofs, AcceptWhatIsAcceptedWithoutThem) {
  for (const Product product : {Product::milan, Product::genoa, Product::turin}) {
    for (const KeyKind kind : {KeyKind::vcek, KeyKind::vlek}) {
      const SnpSample sample = sample_with_list(product, kind);
      EXPECT_TRUE(expect_same(sample, proofs_of(sample)).authentic.has_value());
    }
  }
}

TEST(SnpProofs, DoNotHideAnythingThatIsWrongWithTheReport) {
  const SnpSample good = sample_with_list();
  const Proofs proofs = proofs_of(good);
  for (const std::size_t at : {0x004U, 0x034U, 0x048U, 0x090U, 0x180U, 0x188U, 0x1a0U, 0x2a0U, 0x330U}) {
    SnpSample sample = good;
    sample.report[at] ^= std::byte{4};
    EXPECT_FALSE(expect_same(sample, proofs).authentic.has_value()) << at;
  }
}

TEST(SnpProofs, CountOnlyForTheCertificatesTheyAreAbout) {
  const SnpSample good = sample_with_list();
  const Proofs proofs = proofs_of(good);
  SnpSample sample = good;
  sample.intermediate = sample.authority->intermediate(KeyKind::vlek);
  EXPECT_FALSE(expect_same(sample, proofs).authentic.has_value());
  sample = good;
  sample.ark = sample.intermediate;
  EXPECT_FALSE(expect_same(sample, proofs).authentic.has_value());
  sample = good;
  sample.leaf.back() ^= std::byte{1};
  EXPECT_FALSE(expect_same(sample, proofs).authentic.has_value());
  sample = good;
  sample.crl.back() ^= std::byte{1};
  EXPECT_FALSE(expect_same(sample, proofs).authentic.has_value());
  // Another key's proof: neither accepted for this report, nor in the way of the right certificates.
  EXPECT_TRUE(expect_same(good, proofs_of(sample_with_list())).authentic.has_value());
  EXPECT_TRUE(expect_same(good, proofs_of(sample_with_list(Product::turin))).authentic.has_value());
}

TEST(SnpProofs, CountOnlyWhileTheirAnchorIsTrusted) {
  const SnpSample good = sample_with_list();
  const Proofs proofs = proofs_of(good);
  SnpSample sample = good;
  sample.anchors.clear();
  EXPECT_FALSE(expect_same(sample, proofs).authentic.has_value());
  sample.anchors = {SnpAuthority(Product::milan).anchor()};
  EXPECT_FALSE(expect_same(sample, proofs).authentic.has_value());
  sample.anchors = {good.anchors[0]};
  sample.anchors[0].ask = sample.anchors[0].asvk;
  EXPECT_FALSE(expect_same(sample, proofs).authentic.has_value());
}

TEST(SnpProofs, CountOnlyInsideTheirValidity) {
  const SnpSample good = sample_with_list();
  const Proofs proofs = proofs_of(good);
  for (const std::int64_t seconds : {-51, 51}) {
    SnpSample sample = good;
    sample.now = sample.now.plus_seconds(seconds);
    EXPECT_FALSE(expect_same(sample, proofs).authentic.has_value()) << "the list";
  }
  SnpSample late = good;
  late.now = good.spec.validity.end.plus_seconds(1);
  EXPECT_FALSE(expect_same(late, proofs).authentic.has_value());
}

}  // namespace
}  // namespace redoubt::snp
