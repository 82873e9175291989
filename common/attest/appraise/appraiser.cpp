#include "common/attest/appraise/appraiser.h"

namespace redoubt::appraise {
Appraiser::Appraiser(Policy policy, Endorsements endorsements)
    : policy_(std::move(policy)), endorsements_(std::move(endorsements)) {
  for (const tpm::AkEnrolment& enrolment : endorsements_.enrolments) {
    auto verified = tpm::VerifiedEnrolment::of(enrolment);
    if (verified.ok()) endorsements_.verified_enrolments.push_back(std::move(*verified));
  }
}

std::shared_ptr<const tpm::VerifiedEk> Appraiser::remembered(const tpm::RawParts& raw, Instant now) const {
  const crypto::Sha256Digest digest = crypto::sha256(raw.ek_certificate);
  const auto* known = verified_.find(digest, hash_of_digest(digest), [&](const auto& proof) { return proof->validity().contains(now); });
  if (known != nullptr) return *known;
  auto verified = tpm::verify_ek(raw.ek_certificate, tpm::RawParts::copies(raw.ek_intermediates), endorsements_.tpm_roots, now);
  if (!verified.ok()) return nullptr;
  auto proof = std::make_shared<const tpm::VerifiedEk>(std::move(*verified));
  verified_.keep(digest, hash_of_digest(digest), proof);
  return proof;
}

void Appraiser::know_key(const tpm::RawParts& raw, std::vector<tpm::VerifiedEnrolment>& enrolments) const {
  const auto ak = tpm::Public::parse(raw.ak_public);
  if (!ak.ok()) return;  // the appraisal says why
  for (tpm::VerifiedEnrolment& enrolment : enrolments) {
    if (enrolment->ak_name != ak->name || enrolment.key() != nullptr) continue;
    const crypto::Sha256Digest digest = crypto::sha256(enrolment->encode());
    if (const tpm::VerifiedEnrolment* found = keys_.find(digest, hash_of_digest(digest)); found != nullptr) {
      enrolment = *found;
      continue;
    }
    auto keyed = tpm::VerifiedEnrolment::of(*enrolment, raw.ak_public);
    if (!keyed.ok()) continue;
    keys_.keep(digest, hash_of_digest(digest), *keyed);
    enrolment = std::move(*keyed);
  }
}

Result<Appraisal> Appraiser::appraise(const Evidence& evidence, const Challenge& challenge, Instant now) const {
  Endorsements endorsements = endorsements_;
  if (evidence.format == "tpm") {
    if (const auto raw = tpm::RawParts::decode(evidence.bytes); raw.ok()) {
      endorsements.verified_ek = remembered(*raw, now);
      know_key(*raw, endorsements.verified_enrolments);
    }
  }
  return appraise_prepared(evidence, endorsements, challenge, policy_, now);
}

}  // namespace redoubt::appraise
