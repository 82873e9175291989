// Goal: an endorsement key counts only when its certificate leads to a named anchor at the given time, and it is the certified
// key in the TCG template; a cached proof gives what the whole check gives, and nothing more. Method: the recorded boots,
// changed one thing at a time.
#include <gtest/gtest.h>

#include "tests/support/stride.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::tpm {
namespace {

using test::TpmVerifier;
using test::without_logs;
using Ids = std::set<std::string>;

VerifiedEk proof(const RawEvidence& raw, const TpmVerifier& verifier) {
  return OrDie(verify_ek(raw.ek_certificate, raw.ek_intermediates, verifier.roots, verifier.now));
}

TEST(TpmEndorsement, TheCertificateOfAnotherMachineIsRefused) {
  RawEvidence raw = test::tpm_evidence("good");
  raw.ek_certificate = test::tpm_evidence("other-image").ek_certificate;
  TpmVerifier verifier("good");
  EXPECT_EQ(verifier.failures(raw), (Ids{"M5", "M6"}));
  verifier.enrolments = {test::tpm_enrolment(raw, test::tpm_enroller())};
  EXPECT_EQ(verifier.failures(raw), Ids{"M6"});
}

TEST(TpmEndorsement, TheKeyMustBeTheTemplateAroundTheCertifiedModulus) {
  const RawEvidence raw = without_logs(test::tpm_evidence("good"));
  TpmVerifier verifier("good");
  const VerifiedEk ek = proof(raw, verifier);
  verifier.verified_ek = &ek;  // spares 2,500 chains
  std::size_t parsed = 0;
  for (std::size_t i = 0; i < raw.ek_public.size() * 8; i += test::stride(1)) {
    RawEvidence changed = raw;
    changed.ek_public[i / 8] ^= std::byte{static_cast<unsigned char>(1U << (i % 8))};
    const Ids ids = verifier.failures(changed);
    EXPECT_TRUE(ids == Ids{"parse"} || ids == (Ids{"M1", "M6"})) << "bit " << i;
    parsed += ids.contains("M6") ? 1U : 0U;
  }
  EXPECT_GT(parsed, 2048 / test::stride(1));  // at least every bit of the modulus that was tried
  RawEvidence other = raw;
  other.ek_public = test::tpm_evidence("other-image").ek_public;
  EXPECT_EQ(verifier.failures(other), (Ids{"M1", "M6"}));
}

TEST(TpmEndorsement, OnlyNamedAnchorsCount) {
  const RawEvidence raw = test::tpm_evidence("good");
  TpmVerifier verifier("good");
  verifier.roots.clear();
  EXPECT_EQ(verifier.failures(raw), Ids{"M6"});
  // The issuer is no anchor by itself: only self-signed roots are.
  verifier.roots = {OrDie(crypto::Certificate::parse_der(raw.ek_intermediates.at(0)))};
  EXPECT_EQ(verifier.failures(raw), Ids{"M6"});
  verifier.roots = OrDie(crypto::Certificate::parse_pem_bundle(test::read_text(test::golden("x509/root.pem"))));
  EXPECT_EQ(verifier.failures(raw), Ids{"M6"});
  // An anchor that the Evidence brings along is just one more intermediate.
  RawEvidence generous = raw;
  generous.ek_intermediates.push_back(to_bytes(test::tpm_roots().at(0).der()));
  EXPECT_EQ(verifier.failures(generous), Ids{"M6"});
  RawEvidence bare = raw;
  bare.ek_intermediates.clear();
  EXPECT_EQ(TpmVerifier("good").failures(bare), Ids{"M6"});
}

TEST(TpmEndorsement, TheCertificateCountsOnlyWithinItsValidity) {
  const RawEvidence raw = test::tpm_evidence("good");
  TpmVerifier verifier("good");
  verifier.now = OrDie(Instant::parse("2026-11-20T00:00:00Z"));
  EXPECT_EQ(verifier.failures(raw), Ids{"M6"});
  verifier.now = OrDie(Instant::parse("9999-12-31T23:59:59Z")).plus_seconds(1);
  EXPECT_EQ(verifier.failures(raw), Ids{"M6"});
}

TEST(TpmEndorsement, EveryByteOfTheCertificateCounts) {
  const RawEvidence raw = test::tpm_evidence("good");
  const TpmVerifier verifier("good");
  for (std::size_t i = 0; i < raw.ek_certificate.size(); ++i) {
    Bytes changed = raw.ek_certificate;
    changed[i] ^= std::byte{0x20};
    EXPECT_FALSE(verify_ek(changed, raw.ek_intermediates, verifier.roots, verifier.now).ok()) << "byte " << i;
  }
}

TEST(TpmEndorsement, ACertificateWithoutTheUsageOfAnEndorsementKeyIsRefused) {
  const TpmVerifier verifier("good");
  const RawEvidence raw = test::tpm_evidence("good");
  EXPECT_ERROR(verify_ek(raw.ek_intermediates.at(0), {}, verifier.roots, verifier.now), Code::chain, "2.23.133.8.1");
  EXPECT_ERROR(verify_ek(Bytes(8), {}, verifier.roots, verifier.now), Code::malformed, "certificate");
}

TEST(TpmEndorsement, ACachedProofGivesWhatTheWholeCheckGives) {
  for (const std::string_view set : test::kTpmSets) {
    const RawEvidence raw = test::tpm_evidence(set);
    TpmVerifier verifier(set);
    const auto parsed = OrDie(parse(raw.encode()));
    const Outcome cold = authenticate(parsed, verifier.inputs());
    const VerifiedEk ek = proof(raw, verifier);
    verifier.verified_ek = &ek;
    const Outcome warm = authenticate(parsed, verifier.inputs());
    ASSERT_TRUE(cold.authentic && warm.authentic);
    EXPECT_EQ(cold.checks, warm.checks);
    EXPECT_EQ((*cold.authentic)->anchor, (*warm.authentic)->anchor);
    EXPECT_EQ(cold.validity.begin, warm.validity.begin);
    EXPECT_EQ(cold.validity.end, warm.validity.end);
  }
}

TEST(TpmEndorsement, ACachedProofDoesNotReachBeyondItself) {
  const RawEvidence raw = test::tpm_evidence("good");
  TpmVerifier verifier("good");
  const VerifiedEk ek = proof(raw, verifier);
  verifier.verified_ek = &ek;

  // It spares the chain, so that the intermediates are not needed.
  RawEvidence bare = raw;
  bare.ek_intermediates.clear();
  EXPECT_EQ(verifier.failures(bare), Ids{});

  TpmVerifier other_roots = verifier;
  other_roots.roots = OrDie(crypto::Certificate::parse_pem_bundle(test::read_text(test::golden("x509/root.pem"))));
  EXPECT_EQ(other_roots.failures(raw), Ids{"M6"});

  TpmVerifier early = verifier;
  early.now = OrDie(Instant::parse("2026-11-20T00:00:00Z"));
  EXPECT_EQ(early.failures(raw), Ids{"M6"});

  TpmVerifier elsewhere("other-image");
  elsewhere.verified_ek = &ek;
  RawEvidence other = test::tpm_evidence("other-image");
  EXPECT_EQ(elsewhere.failures(other), Ids{});  // not used, and not needed
  other.ek_intermediates.clear();
  EXPECT_EQ(elsewhere.failures(other), Ids{"M6"});

  RawEvidence swapped = raw;
  swapped.ek_public = other.ek_public;
  EXPECT_EQ(verifier.failures(swapped), (Ids{"M1", "M6"}));

  // The proof's digest is not another certificate's, so that the enrolment is not either.
  RawEvidence lying = raw;
  lying.ek_certificate = test::tpm_evidence("other-image").ek_certificate;
  EXPECT_EQ(verifier.failures(lying), (Ids{"M5", "M6"}));
  EXPECT_EQ(TpmVerifier("good").failures(lying), (Ids{"M5", "M6"}));
}

}  // namespace
}  // namespace redoubt::tpm
