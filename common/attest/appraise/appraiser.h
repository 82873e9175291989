// Appraiser: appraise() with the policy and endorsements of one Relying Party, and a memory of what was verified.
//
// EK chains are remembered as immutable proof objects keyed by the certificate's digest, at most 256, each used only while
// the time is inside its validity. Memory changes how long an appraisal takes, never its result. Thread-safe.
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
  std::shared_ptr<const tpm::VerifiedEk> remembered(const Evidence& evidence, Instant now) const;

  const PreparedPolicy policy_;
  Endorsements endorsements_;
  mutable std::mutex mutex_;
  mutable std::map<crypto::Sha256Digest, std::shared_ptr<const tpm::VerifiedEk>> verified_;
};

}  // namespace redoubt::appraise
