// Appraiser: appraise() with the policy and endorsements of one Relying Party, and a memory of what was verified.
//
// EK chains are remembered as immutable proof objects keyed by the certificate's digest, at most 1024, each used only while the time
// is inside its validity; enrolled attestation keys are decoded once, at most 4096 of them. Memory changes how long an appraisal takes,
// never its result. Thread-safe, and appraising takes no lock (remembered.h).
#pragma once

#include <memory>

#include "common/attest/appraise/appraisal.h"
#include "common/attest/appraise/remembered.h"

namespace redoubt::appraise {

class Appraiser {
 public:
  // Verifies the enrolments once; those that do not verify stay as they are, and count for nothing later.
  Appraiser(Policy policy, Endorsements endorsements);

  const Policy& policy() const { return *policy_; }
  Result<Appraisal> appraise(const Evidence& evidence, const Challenge& challenge, Instant now) const;

 private:
  std::shared_ptr<const tpm::VerifiedEk> remembered(const tpm::RawParts& raw, Instant now) const;
  // know_key: puts the key of the Evidence into the proof of its enrolment, if it has one.
  void know_key(const tpm::RawParts& raw, std::vector<tpm::VerifiedEnrolment>& enrolments) const;

  const PreparedPolicy policy_;
  Endorsements endorsements_;
  mutable Remembered<crypto::Sha256Digest, std::shared_ptr<const tpm::VerifiedEk>> verified_{1024};
  // By the digest of its encoding: an enrolment, its signature verified, with its key.
  mutable Remembered<crypto::Sha256Digest, tpm::VerifiedEnrolment> keys_{4096};
};

}  // namespace redoubt::appraise
