// Appraiser: appraise() with the policy and endorsements of one Relying Party, and a memory of what was verified.
//
// EK chains are remembered as immutable proof objects keyed by the certificate's digest, at most 256, each used only while
// the time is inside its validity; enrolled attestation keys are decoded once, one for each enrolment. Memory changes how long an appraisal takes, never its result. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "common/attest/appraise/appraisal.h"

namespace redoubt::appraise {

class Appraiser {
 public:
  // Verifies the enrolments once; those that do not verify stay as they are, and count for nothing later.
  Appraiser(Policy policy, Endorsements endorsements);

  const Policy& policy() const { return *policy_; }
  Result<Appraisal> appraise(const Evidence& evidence, const Challenge& challenge, Instant now) const;

 private:
  std::shared_ptr<const tpm::VerifiedEk> remembered(const tpm::RawEvidence& raw, Instant now) const;
  // know_key: puts the key of the Evidence into the proof of its enrolment, if it has one.
  void know_key(const tpm::RawEvidence& raw, std::vector<tpm::VerifiedEnrolment>& enrolments) const;

  const PreparedPolicy policy_;
  Endorsements endorsements_;
  mutable std::mutex mutex_;
  mutable std::map<crypto::Sha256Digest, std::shared_ptr<const tpm::VerifiedEk>> verified_;
  // By the digest of its encoding: an enrolment, its signature verified, with its key.
  mutable std::map<crypto::Sha256Digest, tpm::VerifiedEnrolment> keys_;
};

}  // namespace redoubt::appraise
