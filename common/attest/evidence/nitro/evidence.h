// Nitro Evidence: authenticate() judges whether a document is AWS's word.
//
// A1 (form, algorithm, bounds) and A2 (signature, chain, root) are decided here; A3 (time, nonce, debug) compares with a policy and
// is decided on a floor above, from the fields of Authentic<NitroEvidence>. A debug enclave's document is authentic: ask debug().
// Pure and thread-safe. docs/specs/nitro.md.
#pragma once

#include "common/attest/evidence/check.h"
#include "common/attest/evidence/nitro/chain.h"
#include "common/attest/evidence/nitro/document.h"

namespace redoubt::nitro {

// What the verifier brings. Borrowed for the call.
struct Inputs {
  std::span<const crypto::RootPin> roots;  // kAwsRootG1, unless the policy says otherwise; none accepts nothing
  Instant now;
  // From a cache; used only if it proves the document's cabundle under these roots now, and then changes no result.
  const VerifiedInstanceChain* verified_chain = nullptr;
};

struct Outcome {
  std::vector<attest::Check> checks;  // A1, A2
  std::optional<attest::Authentic<NitroEvidence>> authentic;  // when both passed
  Interval validity;                  // of all certificates; empty when one could not be read
  std::optional<VerifiedInstanceChain> chain;  // for the cache, whenever the cabundle was verified
};

Outcome authenticate(const attest::Parsed<NitroEvidence>& parsed, const Inputs& inputs);

}  // namespace redoubt::nitro
