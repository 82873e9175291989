// Divergence: proof that a log was forked at two different sizes (docs/specs/log.md).
//
// One key signed two heads of one log, of which the smaller is no prefix of the larger. A ForkProof (checkpoint.h) shows that for heads
// of one size. For two sizes somebody must hold the entries of the larger log: they give the root that it had at the smaller
// size, a consistency proof ties that root to the larger head, and it is not the root that was signed. Anyone who knows the key
// can check it with these few hashes. What comes as such a proof may lie in every byte. Pure.
#pragma once

#include "common/receipt/checkpoint.h"

namespace redoubt::receipt {

class Divergence {
 public:
  // of: `prefix` is the root at first's size in the log of `second`, `proof` its consistency with second's root. `log_proof` when
  // these do not show a fork: other keys, logs or sizes than said, a proof that does not hold, or the same root.
  static Result<Divergence> of(const Checkpoint& first, const Checkpoint& second, const TreeHash& prefix, const Proof& proof);
  // verify reads what json() wrote and checks everything anew against the key that the caller trusts to be the log's.
  // `malformed`, `chain`, or `log_proof`.
  static Result<Divergence> verify(std::string_view json, const crypto::Ed25519PublicKey& key);

  const Checkpoint& first() const { return first_; }
  const Checkpoint& second() const { return second_; }
  // json: {"first": note, "prefix": hash, "proof": [hash], "second": note, "type": "redoubt/divergence/1"}, canonical.
  std::string json() const;

 private:
  Divergence(Checkpoint first, Checkpoint second, const TreeHash& prefix, Proof proof)
      : first_(std::move(first)), second_(std::move(second)), prefix_(prefix), proof_(std::move(proof)) {}
  Checkpoint first_;   // the smaller
  Checkpoint second_;
  TreeHash prefix_;
  Proof proof_;
};

// fork_between: the proof, as JSON, that two heads by one key are of a log that was forked: ForkProof or Divergence. `log`
// holds the entries of the one that is not smaller. Absent when the smaller is a prefix of it.
Result<std::optional<std::string>> fork_between(const Checkpoint& smaller, const Checkpoint& larger, const MerkleTree& log);

}  // namespace redoubt::receipt
