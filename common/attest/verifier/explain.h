// explain: for each check that failed, the rule, both values, and the smallest change of the policy that would let it pass.
//
// A change is never guessed: it is made to a copy of the policy, the Evidence is verified again, and only what turns the check is
// told, reduced until nothing can be left out. Where no requirement of a policy turns the check, none is told: the Evidence, its
// collateral or its time is what is wrong. Whether a change is wise is not judged here: it names what one would accept. Roots are never
// proposed. Pure and thread-safe; a few dozen verifications at most.
#pragma once

#include "common/attest/verifier/verifier.h"

namespace redoubt::verifier {

struct Explanation {
  attest::Check check;
  std::string rule;                 // what the check asks, in one sentence (attest::title)
  std::vector<std::string> change;  // lines of appraise::difference; empty: no policy can accept this
};

struct Explained {
  appraise::Appraisal appraisal;
  std::vector<Explanation> failed;  // in the order of the Appraisal
};

// explain: the arguments and errors of verify().
Result<Explained> explain(ByteView evidence, std::span<const NamedFile> files, const std::optional<appraise::Policy>& policy,
                          const std::optional<Bytes>& nonce, Instant now);

}  // namespace redoubt::verifier
