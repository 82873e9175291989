#include "common/attest/evidence/tpm/authenticator.h"
#include "common/crypto/ecdsa_p256.h"

namespace redoubt::tpm {
namespace {

using attest::CheckId;

constexpr std::size_t kExtraDataSize = 32;

std::string list_text(const std::vector<int>& pcrs) {
  std::string text;
  for (const int pcr : pcrs) text += (text.empty() ? "" : " ") + std::to_string(pcr);
  return text.empty() ? "none" : text;
}

bool has_ecdsa_scheme(const Public& ak) {
  return ak.scheme.algorithm == kAlgEcdsa && ak.scheme.hash == kAlgSha256;
}

}  // namespace

void TpmAuthenticator::check_form() {
  // Magic, type and trailing bytes were refused by the parser; it runs again here, so that this check rests on itself.
  const auto attest = Attest::parse(raw_.attest);
  if (!attest.ok()) return fail(CheckId::m1, Code::malformed, "a TPM quote", attest.error().message());
  evidence_.attest = *attest;
  if (!attest->safe) return fail(CheckId::m1, Code::freshness, "a quote with a safe clock", "the clock may have gone back");
  pass(CheckId::m1, "a quote with a safe clock", "a quote with a safe clock");
}

void TpmAuthenticator::check_qualifying_data() {
  const std::string expected = hex_encode(inputs_.expected_extra_data);
  const std::string found = hex_encode(evidence_.attest.extra_data);
  // An empty expectation must never be met by an empty field.
  if (inputs_.expected_extra_data.size() == kExtraDataSize &&
      equal(inputs_.expected_extra_data, evidence_.attest.extra_data)) {
    pass(CheckId::m2, expected, found);
  } else {
    fail(CheckId::m2, Code::binding, expected, found);
  }
}

void TpmAuthenticator::check_signature(const Result<Public>& ak) {
  const std::string expected = "ECDSA P-256 with SHA-256 by the attestation key " + evidence_.ak_name.hex();
  const auto verified = [&]() -> Status {
    if (!ak.ok()) return ak.error();
    // The scheme is the key's own: a signature blob must not choose how it is judged.
    if (ak->ecc() == nullptr || !has_ecdsa_scheme(*ak)) {
      return Error(Code::chain, "the key's scheme is not ECDSA with SHA-256");
    }
    REDOUBT_TRY(const Signature signature, Signature::parse(raw_.signature));
    REDOUBT_TRY(const crypto::EcdsaP256PublicKey key,
                crypto::EcdsaP256PublicKey::from_point(ak->ecc()->x.view(), ak->ecc()->y.view()));
    return key.verify_digest(crypto::sha256(raw_.attest), signature.r.view(), signature.s.view());
  };
  judge(CheckId::m3, expected, verified());
}

void TpmAuthenticator::check_pcrs() {
  const Attest& attest = evidence_.attest;
  std::vector<int> supplied;
  for (const auto& [pcr, value] : raw_.pcrs) supplied.push_back(pcr);
  const std::string expected = "SHA-256 bank, PCR " + list_text(supplied) + ", among them " + list_text(inputs_.required_pcrs);

  if (attest.selections.size() != 1 || attest.selections[0].bank != kAlgSha256) {
    return fail(CheckId::m4, Code::measurement, expected,
                "a selection that is not of the SHA-256 bank alone, " + std::to_string(attest.selections.size()) + " banks");
  }
  const std::vector<int>& selected = attest.selections[0].pcrs;
  if (selected != supplied) return fail(CheckId::m4, Code::measurement, expected, "PCR " + list_text(selected));
  for (const int pcr : inputs_.required_pcrs) {
    if (!raw_.pcrs.contains(pcr)) {
      return fail(CheckId::m4, Code::measurement, expected, "no PCR " + std::to_string(pcr));
    }
  }
  // The hash of the digest is that of the signing scheme (Part 3 section 18.4.1), SHA-256 here; values in ascending order.
  Bytes values;
  for (const auto& [pcr, value] : raw_.pcrs) append(values, value.view());
  const crypto::Sha256Digest digest = crypto::sha256(values);
  if (!equal(digest.view(), attest.pcr_digest)) {
    return fail(CheckId::m4, Code::measurement, "digest of the values " + digest.hex(),
                "quoted digest " + hex_encode(attest.pcr_digest));
  }
  pass(CheckId::m4, expected, "PCR " + list_text(selected) + ", digest " + digest.hex());
}

// enrolled: some enrolment by an enroller that counts ties this AK to this EK certificate.
Status TpmAuthenticator::enrolled() const {
  const auto fits = [&](const AkEnrolment& enrolment) {
    return enrolment.ek_certificate == evidence_.ek_certificate && enrolment.ak_name == evidence_.ak_name &&
           std::ranges::find(inputs_.enrollers, enrolment.enroller) != inputs_.enrollers.end();
  };
  for (const VerifiedEnrolment& enrolment : inputs_.verified_enrolments) {
    if (fits(*enrolment)) return {};
  }
  Status last = Error(Code::chain, "none of " +
                                       std::to_string(inputs_.enrolments.size() + inputs_.verified_enrolments.size()) +
                                       " enrolments is of this key and certificate by an enroller that counts");
  for (const AkEnrolment& enrolment : inputs_.enrolments) {
    if (!fits(enrolment)) continue;
    last = enrolment.verify();
    if (last.ok()) return last;
  }
  return last;
}

void TpmAuthenticator::check_ak(const Result<Public>& ak) {
  constexpr std::uint32_t kNeeded = kFixedTpm | kFixedParent | kSensitiveDataOrigin | kRestricted | kSign;
  constexpr std::uint32_t kForbidden = kDecrypt | kX509Sign;
  const std::string expected = attributes_text(kNeeded) + ", ECDSA with SHA-256, and an enrolment of " +
                               evidence_.ak_name.hex() + " with EK certificate " + evidence_.ek_certificate.hex();
  const auto judged = [&]() -> Status {
    if (!ak.ok()) return ak.error();
    if (ak->ecc() == nullptr || !has_ecdsa_scheme(*ak) || ak->symmetric.algorithm != kAlgNull) {
      return Error(Code::chain, "attestation key: expected a signing key with the scheme ECDSA with SHA-256");
    }
    if ((ak->attributes & kNeeded) != kNeeded || (ak->attributes & kForbidden) != 0) {
      return Error(Code::chain, "attestation key: attributes " + attributes_text(ak->attributes));
    }
    if (ak->name != evidence_.ak_name) return Error(Code::chain, "attestation key: name " + ak->name.hex());
    return enrolled();
  };
  judge(CheckId::m5, expected, judged());
}

Result<VerifiedEk> TpmAuthenticator::ek_proof() const {
  const VerifiedEk* cached = inputs_.verified_ek;
  // A proof that was made for other anchors says nothing about ours.
  if (cached != nullptr && cached->certificate() == evidence_.ek_certificate && cached->validity().contains(inputs_.now) &&
      std::ranges::any_of(inputs_.roots,
                          [&](const crypto::Certificate& root) { return root.digest() == cached->anchor(); })) {
    return *cached;
  }
  return verify_ek(raw_.ek_certificate, raw_.ek_intermediates, inputs_.roots, inputs_.now);
}

void TpmAuthenticator::check_ek() {
  const std::string expected = "an EK certificate under one of " + std::to_string(inputs_.roots.size()) +
                               " anchors, and its key in the TCG template L-1";
  const auto proof = ek_proof();
  if (!proof.ok()) return fail(CheckId::m6, proof.error().code(), expected, proof.error().message());
  if (proof->certificate() != evidence_.ek_certificate) {
    return fail(CheckId::m6, Code::chain, expected, "another certificate " + proof->certificate().hex());
  }
  const auto ek = Public::parse(raw_.ek_public);
  if (!ek.ok()) return fail(CheckId::m6, Code::malformed, expected, ek.error().message());
  if (!ek_template_matches(*ek)) {
    return fail(CheckId::m6, Code::chain, expected, "an endorsement key with attributes " + attributes_text(ek->attributes) +
                                                              " that is not of the template");
  }
  if (!equal(rsa_spki(*ek->rsa()), proof->spki_)) {
    return fail(CheckId::m6, Code::chain, expected, "an endorsement key that is not the certified one");
  }
  validity_ = proof->validity();
  evidence_.anchor = proof->anchor();
  pass(CheckId::m6, expected, "anchor " + proof->anchor().hex());
}

}  // namespace redoubt::tpm
