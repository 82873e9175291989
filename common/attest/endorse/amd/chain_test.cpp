// Goal: a chain is accepted only from a pinned root, link by link, inside every validity; a list only from the chain's own root. Method:
// test authorities of all products, then each link, name, pin and time changed.
#include "common/attest/endorse/amd/chain.h"

#include "tests/support/evidence_snp.h"
#include "tests/support/expect.h"

namespace redoubt::amd {
namespace {

using test::leaf_spec;
using test::snp_authority;
using test::SnpAuthority;
using test::SnpKey;
using test::SnpLeafSpec;

constexpr Instant kNow{1780272000};  // 2026-06-01

Result<VerifiedAmdChain> chain_of(const SnpAuthority& authority, KeyKind kind, Instant now = kNow) {
  const Anchor anchors[] = {authority.anchor()};
  return verify_chain(authority.intermediate(kind), authority.ark(), anchors, now);
}

TEST(AmdChain, AcceptsEveryProductAndKindUnderItsOwnAnchorOnly) {
  for (const Product product : {Product::milan, Product::genoa, Product::turin}) {
    const SnpAuthority& authority = snp_authority(product);
    for (const KeyKind kind : {KeyKind::vcek, KeyKind::vlek}) {
      const VerifiedAmdChain chain = OrDie(chain_of(authority, kind));
      EXPECT_EQ(chain.product(), product);
      EXPECT_EQ(chain.kind(), kind);
      EXPECT_EQ(chain.anchor(), authority.anchor());
      EXPECT_TRUE(equal(chain.ark(), authority.ark()));
      EXPECT_TRUE(equal(chain.intermediate(), authority.intermediate(kind)));
      EXPECT_ERROR(verify_chain(authority.intermediate(kind), authority.ark(), production_anchors(), kNow), Code::chain,
                   "ark: expected a pinned key");
      EXPECT_ERROR(verify_chain(authority.intermediate(kind), authority.ark(), {}, kNow), Code::chain, "ark: expected a pinned key");
    }
  }
}

TEST(AmdChain, TheProductionPinsAreThreeProductsWithAllTheirKeysAndNoKeyTwice) {
  std::vector<SpkiDigest> pins;
  for (const Anchor& anchor : production_anchors()) {
    ASSERT_TRUE(anchor.ask.has_value() && anchor.asvk.has_value());
    pins.insert(pins.end(), {anchor.ark, *anchor.ask, *anchor.asvk});
  }
  std::ranges::sort(pins);
  EXPECT_EQ(pins.size(), 9U);
  EXPECT_TRUE(std::ranges::adjacent_find(pins) == pins.end());
}

TEST(AmdChain, RefusesARootOfAnotherProductThanItsAnchorSays) {
  const SnpAuthority& authority = snp_authority(Product::milan);
  Anchor anchor = authority.anchor();
  anchor.product = Product::genoa;
  EXPECT_ERROR(verify_chain(authority.intermediate(KeyKind::vcek), authority.ark(), std::span(&anchor, 1), kNow), Code::chain,
               "ark: subject: expected AMD's name with CN=ARK-Genoa");
}

TEST(AmdChain, RefusesAnIntermediateOfAnotherRoot) {
  const SnpAuthority& milan = snp_authority(Product::milan);
  const SnpAuthority& genoa = snp_authority(Product::genoa);
  const Anchor anchors[] = {milan.anchor(), genoa.anchor()};
  EXPECT_ERROR(verify_chain(genoa.intermediate(KeyKind::vcek), milan.ark(), anchors, kNow), Code::chain, "intermediate: subject");
  EXPECT_ERROR(verify_chain(milan.ark(), milan.ark(), anchors, kNow), Code::chain, "intermediate: subject");
  // The same names under another key: an impostor of Milan.
  const SnpAuthority impostor(Product::milan);
  Anchor open = milan.anchor();
  open.ask.reset();
  EXPECT_ERROR(verify_chain(impostor.intermediate(KeyKind::vcek), milan.ark(), std::span(&open, 1), kNow), Code::chain, "");
  EXPECT_ERROR(verify_chain(milan.intermediate(KeyKind::vcek), impostor.ark(), anchors, kNow), Code::chain, "ark: expected a pinned key");
}

TEST(AmdChain, AnIntermediateThatIsNotPinnedIsTakenOnlyWhereTheAnchorLeavesItOpen) {
  const SnpAuthority& authority = snp_authority(Product::milan);
  const Bytes other = authority.other_intermediate(SnpKey::rsa());
  Anchor anchor = authority.anchor();
  EXPECT_ERROR(verify_chain(other, authority.ark(), std::span(&anchor, 1), kNow), Code::chain, "intermediate: expected the pinned key");
  anchor.ask.reset();
  EXPECT_OK(verify_chain(other, authority.ark(), std::span(&anchor, 1), kNow));
}

TEST(AmdChain, EveryValidityHoldsAtBothEnds) {
  const SnpAuthority& authority = snp_authority(Product::milan);
  const Interval validity = OrDie(chain_of(authority, KeyKind::vcek)).validity();
  EXPECT_OK(chain_of(authority, KeyKind::vcek, validity.begin));
  EXPECT_OK(chain_of(authority, KeyKind::vcek, validity.end));
  EXPECT_ERROR(chain_of(authority, KeyKind::vcek, validity.begin.plus_seconds(-1)), Code::freshness, "");
  EXPECT_ERROR(chain_of(authority, KeyKind::vcek, validity.end.plus_seconds(1)), Code::freshness, "");

  const VerifiedAmdChain chain = OrDie(chain_of(authority, KeyKind::vcek));
  const SnpLeafSpec spec = leaf_spec(Product::milan, KeyKind::vcek);
  const Bytes leaf = authority.leaf(spec, SnpKey::p384());
  const VerifiedVcek proof = OrDie(verify_vcek(leaf, chain, kNow));
  EXPECT_EQ(proof.validity().begin, spec.validity.begin);
  EXPECT_EQ(proof.validity().end, spec.validity.end);
  EXPECT_OK(verify_vcek(leaf, chain, spec.validity.begin));
  EXPECT_OK(verify_vcek(leaf, chain, spec.validity.end));
  EXPECT_ERROR(verify_vcek(leaf, chain, spec.validity.begin.plus_seconds(-1)), Code::freshness, "endorsement key certificate");
  EXPECT_ERROR(verify_vcek(leaf, chain, spec.validity.end.plus_seconds(1)), Code::freshness, "endorsement key certificate");
}

TEST(AmdChain, ALeafIsAcceptedOnlyUnderTheIntermediateOfItsKindThatSignedIt) {
  const SnpAuthority& authority = snp_authority(Product::milan);
  const SnpKey key = SnpKey::p384();
  const VerifiedAmdChain ask = OrDie(chain_of(authority, KeyKind::vcek));
  const VerifiedAmdChain asvk = OrDie(chain_of(authority, KeyKind::vlek));
  const Bytes vcek = authority.leaf(leaf_spec(Product::milan, KeyKind::vcek), key);
  const Bytes vlek = authority.leaf(leaf_spec(Product::milan, KeyKind::vlek), key);
  EXPECT_OK(verify_vcek(vcek, ask, kNow));
  EXPECT_OK(verify_vcek(vlek, asvk, kNow));
  EXPECT_ERROR(verify_vcek(vcek, asvk, kNow), Code::chain, "expected the one for a VCEK, found the one for a VLEK");
  EXPECT_ERROR(verify_vcek(vlek, ask, kNow), Code::chain, "expected the one for a VLEK, found the one for a VCEK");
  const SnpAuthority impostor(Product::milan);
  EXPECT_ERROR(verify_vcek(impostor.leaf(leaf_spec(Product::milan, KeyKind::vcek), key), ask, kNow), Code::chain, "");
}

TEST(AmdChain, EveryChangedByteOfALeafIsRefused) {
  const SnpAuthority& authority = snp_authority(Product::milan);
  const VerifiedAmdChain chain = OrDie(chain_of(authority, KeyKind::vcek));
  const Bytes leaf = authority.leaf(leaf_spec(Product::milan, KeyKind::vcek), SnpKey::p384());
  ASSERT_OK(verify_vcek(leaf, chain, kNow));
  for (std::size_t at = 0; at < leaf.size(); ++at) {
    Bytes changed = leaf;
    changed[at] ^= std::byte{1};
    EXPECT_FALSE(verify_vcek(changed, chain, kNow).ok()) << at;
    EXPECT_FALSE(verify_vcek(ByteView(leaf).first(at), chain, kNow).ok()) << at;
  }
}

TEST(AmdCrl, IsAcceptedFromTheChainsRootInsideItsWindow) {
  const SnpAuthority& authority = snp_authority(Product::milan);
  const VerifiedAmdChain chain = OrDie(chain_of(authority, KeyKind::vcek));
  const Interval window{kNow.plus_seconds(-100), kNow.plus_seconds(100)};
  const Bytes list = authority.crl({OrDie(hex_decode("010001")), OrDie(hex_decode("2a"))}, window);
  const VerifiedCrl crl = OrDie(verify_crl(list, chain, kNow));
  EXPECT_EQ(crl.validity().begin, window.begin);
  EXPECT_EQ(crl.validity().end, window.end);
  EXPECT_TRUE(crl.revokes(OrDie(hex_decode("010001"))));
  EXPECT_TRUE(crl.revokes(OrDie(hex_decode("2a"))));
  EXPECT_FALSE(crl.revokes(OrDie(hex_decode("00"))));
  EXPECT_FALSE(crl.revokes(OrDie(hex_decode("010002"))));
  EXPECT_OK(verify_crl(list, chain, window.begin));
  EXPECT_OK(verify_crl(list, chain, window.end));
  EXPECT_ERROR(verify_crl(list, chain, window.begin.plus_seconds(-1)), Code::freshness, "revocation list");
  EXPECT_ERROR(verify_crl(list, chain, window.end.plus_seconds(1)), Code::freshness, "revocation list");
}

TEST(AmdCrl, OfAnotherRootOrOfTheIntermediateIsRefused) {
  const VerifiedAmdChain chain = OrDie(chain_of(snp_authority(Product::milan), KeyKind::vcek));
  const Interval window{kNow.plus_seconds(-100), kNow.plus_seconds(100)};
  EXPECT_ERROR(verify_crl(snp_authority(Product::genoa).crl({}, window), chain, kNow), Code::chain, "");
  EXPECT_ERROR(verify_crl(SnpAuthority(Product::milan).crl({}, window), chain, kNow), Code::chain, "");
  EXPECT_ERROR(verify_crl(snp_authority(Product::milan).crl_by_intermediate(window), chain, kNow), Code::chain, "");
  EXPECT_ERROR(verify_crl({}, chain, kNow), Code::malformed, "");
  const Bytes good = snp_authority(Product::milan).crl({}, window);
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes changed = good;
    changed[at] ^= std::byte{1};
    EXPECT_FALSE(verify_crl(changed, chain, kNow).ok()) << at;
  }
}

}  // namespace
}  // namespace redoubt::amd
