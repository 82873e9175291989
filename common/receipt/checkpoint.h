// Checkpoints (C2SP tlog-checkpoint): what a log says it is, at one size, in a signed note.
//
// The text is three lines: origin, decimal size, base64 root; extension lines are refused. Our logs have the origin
// "redoubt/<instance id>", the key name is the origin, and the key is the instance's receipt key. Notes may come from a liar:
// a Checkpoint exists only after its signature was verified. Two checkpoints of one origin and size with different roots are
// a ForkProof, which anyone can check with the key alone; forks of different sizes show only as a missing consistency proof.
// Checkpoints show rollback and forks after the fact, between those who exchange them; they prevent neither. Pure.
#pragma once

#include "common/base/ids.h"
#include "common/crypto/ed25519.h"
#include "common/receipt/merkle.h"

namespace redoubt::receipt {

// log_origin: "redoubt/" and the instance id in hexadecimal.
std::string log_origin(const InstanceId& instance);

struct TreeHead {
  std::string origin;  // also the name of the signing key
  std::uint64_t size = 0;
  TreeHash root;

  // text: the three lines that are signed.
  std::string text() const;
  // parse accepts exactly what text() writes. `malformed`, or `log_proof` for size 0 with another root than the empty one.
  static Result<TreeHead> parse(std::string_view text);

  friend bool operator==(const TreeHead&, const TreeHead&) = default;
};

class Checkpoint {
 public:
  // sign: `usage` when the origin cannot be a key name.
  static Result<Checkpoint> sign(TreeHead head, const crypto::Ed25519PrivateKey& key);
  // verify: `malformed`, `log_proof` (another origin), or `chain` (not signed by `key`).
  static Result<Checkpoint> verify(std::string_view note, std::string_view origin, const crypto::Ed25519PublicKey& key);

  const TreeHead& head() const { return head_; }
  // note: the signed bytes, to store and to pass on.
  const std::string& note() const { return note_; }
  const crypto::Ed25519PublicKey& key() const { return key_; }

 private:
  Checkpoint(TreeHead head, std::string note, const crypto::Ed25519PublicKey& key)
      : head_(std::move(head)), note_(std::move(note)), key_(key) {}
  TreeHead head_;
  std::string note_;
  crypto::Ed25519PublicKey key_;
};

// extends: `newer` continues `older` (same origin, RFC 9162 consistency). Ok, or `log_proof`.
Status extends(const TreeHead& older, const TreeHead& newer, const Proof& proof);

// ForkProof: one key signed two different trees of one size.
class ForkProof {
 public:
  // of: `log_proof` when the two checkpoints do not show a fork.
  static Result<ForkProof> of(const Checkpoint& first, const Checkpoint& second);
  // verify reads what json() wrote and checks everything anew against the key that the caller trusts to be the log's.
  // `malformed`, `chain`, or `log_proof`.
  static Result<ForkProof> verify(std::string_view json, const crypto::Ed25519PublicKey& key);

  const Checkpoint& first() const { return first_; }
  const Checkpoint& second() const { return second_; }
  // json: {"first": note, "second": note, "type": "redoubt/fork/1"}, canonical.
  std::string json() const;

 private:
  ForkProof(Checkpoint first, Checkpoint second) : first_(std::move(first)), second_(std::move(second)) {}
  Checkpoint first_;
  Checkpoint second_;
};

}  // namespace redoubt::receipt
