#include "common/attest/appraise/appraiser.h"

namespace redoubt::appraise {
namespace {

constexpr std::size_t kMaxRemembered = 256;

}  // namespace

Appraiser::Appraiser(Policy policy, Endorsements endorsements)
    : policy_(std::move(policy)), endorsements_(std::move(endorsements)) {
  for (const tpm::AkEnrolment& enrolment : endorsements_.enrolments) {
    auto verified = tpm::VerifiedEnrolment::of(enrolment);
    if (verified.ok()) endorsements_.verified_enrolments.push_back(std::move(*verified));
  }
}

std::shared_ptr<const tpm::VerifiedEk> Appraiser::remembered(const Evidence& evidence, Instant now) const {
  const auto raw = tpm::RawEvidence::decode(evidence.bytes);
  if (!raw.ok()) return nullptr;
  const crypto::Sha256Digest digest = crypto::sha256(raw->ek_certificate);
  {
    const std::lock_guard lock(mutex_);
    const auto found = verified_.find(digest);
    if (found != verified_.end() && found->second->validity().contains(now)) return found->second;
  }
  auto verified = tpm::verify_ek(raw->ek_certificate, raw->ek_intermediates, endorsements_.tpm_roots, now);
  if (!verified.ok()) return nullptr;
  auto proof = std::make_shared<const tpm::VerifiedEk>(std::move(*verified));
  const std::lock_guard lock(mutex_);
  if (verified_.size() >= kMaxRemembered) verified_.clear();
  verified_[digest] = proof;
  return proof;
}

Result<Appraisal> Appraiser::appraise(const Evidence& evidence, const Challenge& challenge, Instant now) const {
  Endorsements endorsements = endorsements_;
  if (evidence.format == "tpm") endorsements.verified_ek = remembered(evidence, now);
  return appraise_prepared(evidence, endorsements, challenge, policy_, now);
}

}  // namespace redoubt::appraise
