// Goal: quotes that real (software) TPMs made are accepted, and every single change of quote, signature, keys, certificate,
// enrolment or expectation is refused by the check that is there for it. Method: the five recorded boots, changed one thing
// at a time; what a set measured is known from its capture.
#include <gtest/gtest.h>

#include "tests/support/stride.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::tpm {
namespace {

using test::TpmVerifier;
using test::without_logs;
using Ids = std::set<std::string>;

Bytes with_attributes(Bytes public_area, std::uint32_t clear, std::uint32_t set) {
  const std::uint32_t found = OrDie(Public::parse(public_area)).attributes;
  const Bytes changed = Writer().u32be((found & ~clear) | set).take();
  std::ranges::copy(changed, public_area.begin() + 4);
  return public_area;
}

TEST(TpmQuote, EveryRecordedBootIsAuthentic) {
  for (const std::string_view set : test::kTpmSets) {
    const RawEvidence raw = test::tpm_evidence(set);
    const TpmVerifier verifier(set);
    const Outcome outcome = authenticate(OrDie(parse(raw.encode())), verifier.inputs());
    for (const attest::Check& check : outcome.checks) {
      EXPECT_EQ(check.outcome, attest::Outcome::passed)
          << set << " " << attest::id_text(check.id) << ": expected " << check.expected << ", found " << check.found;
    }
    ASSERT_TRUE(outcome.authentic) << set;
    const TpmEvidence& evidence = **outcome.authentic;
    EXPECT_EQ(evidence.pcrs(), PcrValues(raw.pcrs));
    EXPECT_EQ(evidence.ak_name.view().size(), 34U);
    EXPECT_TRUE(equal(evidence.ak_name.view(), test::read_file(test::tpm_vector(set, "ak.name"))));
    EXPECT_EQ(evidence.anchor, verifier.roots.at(0).digest());
    EXPECT_EQ(evidence.ek_certificate, crypto::sha256(raw.ek_certificate));
    EXPECT_TRUE(evidence.event_log_present);
    EXPECT_TRUE(evidence.ima_log_present);
    EXPECT_EQ(evidence.secure_boot, set != "secureboot-off");
    EXPECT_FALSE(evidence.application_events);  // the captures measured into PCR 15, in no form of ours
    EXPECT_TRUE(outcome.validity.contains(verifier.now));
  }
}

TEST(TpmQuote, ChecksComeOnceEachInTheirOrder) {
  const Outcome outcome = authenticate(OrDie(parse(without_logs(test::tpm_evidence("good")).encode())), TpmVerifier("good").inputs());
  std::string ids;
  std::string skipped;
  for (const attest::Check& check : outcome.checks) {
    ids += std::string(attest::id_text(check.id)) + " ";
    if (check.outcome == attest::Outcome::not_applicable) skipped += std::string(attest::id_text(check.id)) + " ";
  }
  EXPECT_EQ(ids,
            "M1 M2 M3 M4 M5 M6 L1 L2 L3 L4 L5 I1 I2 I3 app.log ");
  EXPECT_EQ(skipped, "L1 L2 L3 L4 L5 I1 I2 I3 app.log ");
  ASSERT_TRUE(outcome.authentic);
  EXPECT_FALSE((*outcome.authentic)->event_log_present);
  EXPECT_FALSE((*outcome.authentic)->secure_boot);
}

TEST(TpmQuote, TheChallengeOfAnotherQuoteIsRefused) {
  TpmVerifier verifier("good");
  verifier.nonce = test::read_file(test::tpm_vector("good-second-quote", "nonce.bin"));
  EXPECT_EQ(verifier.failures(test::tpm_evidence("good")), Ids{"M2"});
  verifier.nonce.clear();
  EXPECT_EQ(verifier.failures(test::tpm_evidence("good")), Ids{"M2"});
}

TEST(TpmQuote, EveryBitOfTheQuoteCounts) {
  const RawEvidence raw = without_logs(test::tpm_evidence("good"));
  const TpmVerifier verifier("good");
  for (std::size_t i = 0; i < raw.attest.size() * 8; i += test::stride(1)) {
    RawEvidence changed = raw;
    changed.attest[i / 8] ^= std::byte{static_cast<unsigned char>(1U << (i % 8))};
    const Ids ids = verifier.failures(changed);
    EXPECT_TRUE(ids.contains("parse") || ids.contains("M3")) << "bit " << i;
  }
}

TEST(TpmQuote, EveryBitOfTheSignatureCounts) {
  const RawEvidence raw = without_logs(test::tpm_evidence("good"));
  const TpmVerifier verifier("good");
  for (std::size_t i = 0; i < raw.signature.size() * 8; ++i) {
    RawEvidence changed = raw;
    changed.signature[i / 8] ^= std::byte{static_cast<unsigned char>(1U << (i % 8))};
    const Ids ids = verifier.failures(changed);
    EXPECT_TRUE(ids == Ids{"parse"} || ids == Ids{"M3"}) << "bit " << i;
  }
  EXPECT_ERROR(Signature::parse(OrDie(hex_decode("0015000b"))), Code::malformed, "found 0x0015");  // RSAES
  EXPECT_ERROR(Signature::parse(OrDie(hex_decode("00180004"))), Code::malformed, "found 0x0004");  // SHA-1
}

TEST(TpmQuote, TrailingBytesAreRefused) {
  const RawEvidence raw = without_logs(test::tpm_evidence("good"));
  const TpmVerifier verifier("good");
  for (Bytes RawEvidence::*const part :
       {&RawEvidence::attest, &RawEvidence::signature, &RawEvidence::ak_public, &RawEvidence::ek_public}) {
    RawEvidence changed = raw;
    (changed.*part).push_back(std::byte{0});
    EXPECT_EQ(verifier.failures(changed), Ids{"parse"});
  }
  RawEvidence changed = raw;
  changed.ek_certificate.push_back(std::byte{0});
  EXPECT_TRUE(verifier.failures(changed).contains("M6"));
}

TEST(TpmQuote, EveryQuotedPcrIsCoveredByTheQuote) {
  const RawEvidence raw = without_logs(test::tpm_evidence("good"));
  const TpmVerifier verifier("good");
  for (const auto& [pcr, value] : raw.pcrs) {
    RawEvidence changed = raw;
    changed.pcrs[pcr].array()[pcr == 0 ? 31 : 0] ^= std::byte{1};
    EXPECT_EQ(verifier.failures(changed), Ids{"M4"}) << pcr;
    changed = raw;
    changed.pcrs.erase(pcr);
    EXPECT_EQ(verifier.failures(changed), Ids{"M4"}) << pcr;
  }
  RawEvidence more = raw;
  more.pcrs[17] = PcrValue();
  EXPECT_EQ(verifier.failures(more), Ids{"M4"});
  TpmVerifier demanding("good");
  demanding.required_pcrs = {0, 17};
  EXPECT_EQ(demanding.failures(raw), Ids{"M4"});
}

TEST(TpmQuote, TheAttestationKeyOfAnotherMachineIsRefused) {
  RawEvidence raw = without_logs(test::tpm_evidence("good"));
  raw.ak_public = test::tpm_evidence("other-image").ak_public;
  TpmVerifier verifier("good");
  EXPECT_EQ(verifier.failures(raw), (Ids{"M1", "M3", "M5"}));
  verifier.enrolments = {test::tpm_enrolment(raw, test::tpm_enroller())};
  EXPECT_EQ(verifier.failures(raw), (Ids{"M1", "M3"}));
}

TEST(TpmQuote, AnAttestationKeyMustBeRestrictedAndStayInItsTpm) {
  const RawEvidence raw = without_logs(test::tpm_evidence("good"));
  const auto refused = [&](Bytes ak) {
    RawEvidence changed = raw;
    changed.ak_public = std::move(ak);
    TpmVerifier verifier("good");
    // Even when somebody enrolled it.
    verifier.enrolments = {test::tpm_enrolment(changed, test::tpm_enroller())};
    // The name has changed with the attributes, and with it the qualified name that the quote was signed under.
    EXPECT_EQ(verifier.failures(changed), (Ids{"M1", "M5"}));
  };
  for (const std::uint32_t bit : {kFixedTpm, kFixedParent, kSensitiveDataOrigin, kRestricted, kSign}) {
    refused(with_attributes(raw.ak_public, bit, 0));
  }
  refused(with_attributes(raw.ak_public, 0, kDecrypt));
  refused(with_attributes(raw.ak_public, 0, kX509Sign));
}

TEST(TpmQuote, TheSchemeIsTheKeysOwn) {
  RawEvidence raw = without_logs(test::tpm_evidence("good"));
  // TPMT_PUBLIC of the AK: type 2, name algorithm 2, attributes 4, policy 2, symmetric 2, scheme 2, hash 2.
  raw.ak_public[15] = std::byte{0x0c};  // SHA-384: an honest scheme, but neither the signature's nor the digest's
  TpmVerifier verifier("good");
  verifier.enrolments = {test::tpm_enrolment(raw, test::tpm_enroller())};
  EXPECT_EQ(verifier.failures(raw), (Ids{"M1", "M3", "M4"}));
  raw.ak_public[15] = std::byte{0x04};  // SHA-1
  verifier.enrolments = {test::tpm_enrolment(raw, test::tpm_enroller())};
  EXPECT_EQ(verifier.failures(raw), (Ids{"M1", "M3", "M5"}));
}

TEST(TpmQuote, TheQualifiedSignerIsTheAttestationKeyUnderThisEndorsementKey) {
  for (const std::string_view set : test::kTpmSets) {
    const RawEvidence raw = test::tpm_evidence(set);
    const Public ek = OrDie(Public::parse(raw.ek_public));
    const Public ak = OrDie(Public::parse(raw.ak_public));
    const AkName parent = primary_qualified_name(ek.name, kHierarchyEndorsement);
    const Attest quote = OrDie(Attest::parse(raw.attest));
    EXPECT_TRUE(equal(qualified_name(ak.name, parent.view()).view(), quote.qualified_signer)) << set;
    EXPECT_FALSE(equal(primary_qualified_name(ak.name, kHierarchyEndorsement).view(), quote.qualified_signer)) << set;
  }
  // Another EK than the parent: the quote itself stays as it was signed.
  RawEvidence raw = without_logs(test::tpm_evidence("good"));
  raw.ek_public = test::tpm_evidence("other-image").ek_public;
  EXPECT_EQ(TpmVerifier("good").failures(raw), (Ids{"M1", "M6"}));
}

TEST(TpmQuote, AnEnrolmentMustBeOfTheseKeysByAnEnrollerThatCounts) {
  const RawEvidence raw = without_logs(test::tpm_evidence("good"));
  const auto failures = [&](auto change) {
    TpmVerifier verifier("good");
    change(verifier);
    return verifier.failures(raw);
  };
  const Ids refused{"M5"};
  EXPECT_EQ(failures([](TpmVerifier& v) { v.enrolments.clear(); }), refused);
  EXPECT_EQ(failures([](TpmVerifier& v) { v.enrollers.clear(); }), refused);
  EXPECT_EQ(failures([](TpmVerifier& v) { v.enrollers = {test::tpm_enroller(8).public_key()}; }), refused);
  EXPECT_EQ(failures([](TpmVerifier& v) { v.enrolments[0].signature.array()[9] ^= std::byte{1}; }), refused);
  EXPECT_EQ(failures([](TpmVerifier& v) { v.enrolments[0].time = v.enrolments[0].time.plus_seconds(1); }), refused);
  EXPECT_EQ(failures([](TpmVerifier& v) {
              v.enrolments = {test::tpm_enrolment(test::tpm_evidence("other-image"), test::tpm_enroller())};
            }),
            refused);
  // The right name of the AK, but another TPM's certificate; then the other way round.
  EXPECT_EQ(failures([&](TpmVerifier& v) {
              RawEvidence other = raw;
              other.ek_certificate = test::tpm_evidence("other-image").ek_certificate;
              v.enrolments = {test::tpm_enrolment(other, test::tpm_enroller())};
            }),
            refused);
  EXPECT_EQ(failures([&](TpmVerifier& v) {
              RawEvidence other = raw;
              other.ak_public = test::tpm_evidence("other-image").ak_public;
              v.enrolments = {test::tpm_enrolment(other, test::tpm_enroller())};
            }),
            refused);
  // One bad enrolment beside a good one does no harm.
  EXPECT_EQ(failures([](TpmVerifier& v) {
              v.enrolments.insert(v.enrolments.begin(), v.enrolments[0]);
              v.enrolments[0].signature.array()[0] ^= std::byte{1};
            }),
            Ids{});
}

TEST(TpmQuote, AVerifiedEnrolmentServesAsTheEnrolmentItself) {
  const RawEvidence raw = test::tpm_evidence("good");
  TpmVerifier verifier("good");
  verifier.verified_enrolments = {OrDie(VerifiedEnrolment::of(verifier.enrolments[0]))};
  AkEnrolment forged = verifier.enrolments[0];
  verifier.enrolments.clear();
  EXPECT_EQ(verifier.failures(raw), Ids{});
  verifier.enrollers = {test::tpm_enroller(8).public_key()};
  EXPECT_EQ(verifier.failures(raw), Ids{"M5"});
  forged.ak_name.array()[5] ^= std::byte{1};
  EXPECT_ERROR(VerifiedEnrolment::of(forged), Code::chain, "signature");

  // With the key itself: nothing else is accepted, and nothing less is looked at.
  const AkEnrolment enrolment = TpmVerifier("good").enrolments[0];
  const Bytes other = test::tpm_evidence("other-image").ak_public;
  EXPECT_ERROR(VerifiedEnrolment::of(forged, raw.ak_public), Code::chain, "signature");
  EXPECT_ERROR(VerifiedEnrolment::of(enrolment, other), Code::binding, "expected the name");
  EXPECT_ERROR(VerifiedEnrolment::of(enrolment, ByteView(raw.ak_public).first(20)), Code::malformed, "enrolled key");
  TpmVerifier known("good");
  known.verified_enrolments = {OrDie(VerifiedEnrolment::of(enrolment, raw.ak_public))};
  known.enrolments.clear();
  ASSERT_NE(known.verified_enrolments[0].key(), nullptr);
  EXPECT_EQ(known.failures(raw), Ids{});
  RawEvidence changed = raw;
  changed.signature.back() ^= std::byte{1};
  EXPECT_EQ(known.failures(changed), Ids{"M3"});
}

TEST(TpmQuote, TheQuoteOfAnUnsafeClockIsRefused) {
  // The field is signed, so M3 fails with it; M1 must not depend on that.
  RawEvidence raw = without_logs(test::tpm_evidence("good"));
  const std::size_t safe = 6 + 2 + 34 + 2 + 32 + 8 + 4 + 4;
  ASSERT_EQ(raw.attest.at(safe), std::byte{1});
  raw.attest[safe] = std::byte{0};
  EXPECT_EQ(TpmVerifier("good").failures(raw), (Ids{"M1", "M3"}));
}

}  // namespace
}  // namespace redoubt::tpm
