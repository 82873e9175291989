// The log of one enclave instance: what is logged, and the tree over it (docs/specs/log.md).
//
// An entry is a kind and the digest of what happened; content never enters the log, so leaves may be shown to anyone. Entries
// are appended inside the enclave and stored by its host, which may lose, reorder or roll them back: clients see that from
// checkpoints. A Log holds the tree in memory; it writes nothing. One thread at a time.
#pragma once

#include "common/crypto/digest.h"
#include "common/receipt/checkpoint.h"

namespace redoubt::receipt {

// Kinds of entries. A log begins with `boot`; the others are named by the workload that writes them.
inline constexpr std::string_view kBootEntry = "boot";
inline constexpr std::string_view kAcceptanceEntry = "acceptance";    // a participant signed this instance
inline constexpr std::string_view kDatasetEntry = "dataset";          // a dataset version was taken in
inline constexpr std::string_view kReservationEntry = "reservation";  // a proposal, before its ballots open
inline constexpr std::string_view kBallotEntry = "ballot";
inline constexpr std::string_view kRefusalEntry = "refusal";
inline constexpr std::string_view kRunEntry = "run";          // a proposal was run; its receipt is the next entry
inline constexpr std::string_view kReceiptEntry = "receipt";
inline constexpr std::string_view kCarriedEntry = "carried";  // every participant signed which old logs this one goes on from

struct LogEntry {
  static constexpr std::size_t kMaxKind = 32;
  static constexpr std::size_t kMaxSize = 128;  // bytes of encode()

  std::string kind;  // 1 to 32 of [a-z-]
  crypto::Sha256Digest content;

  // encode: Fields("redoubt/log-entry/1", kind, content); the leaf of the tree.
  Bytes encode() const;
  // parse accepts exactly what encode() writes for a valid kind; anything else is `malformed`.
  static Result<LogEntry> parse(ByteView bytes);
  TreeHash hash() const { return leaf_hash(encode()); }

  friend bool operator==(const LogEntry&, const LogEntry&) = default;
};

class Log {
 public:
  explicit Log(const InstanceId& instance) : instance_(instance) {}
  // restore reads the entries that a log appended, in order; `malformed` names the first that is none.
  static Result<Log> restore(const InstanceId& instance, const std::vector<Bytes>& entries);

  // append returns the index of the entry, its sequence number. An invalid kind is a bug of ours and ends the process.
  std::uint64_t append(const LogEntry& entry);
  std::uint64_t size() const { return tree_.size(); }
  const InstanceId& instance() const { return instance_; }
  const MerkleTree& tree() const { return tree_; }
  TreeHead head() const { return {log_origin(instance_), tree_.size(), tree_.root()}; }
  Checkpoint checkpoint(const crypto::Ed25519PrivateKey& key) const;

 private:
  InstanceId instance_;
  MerkleTree tree_;
};

}  // namespace redoubt::receipt
