// SavedLog: a whole log in a file, with the checkpoint that its entries give (docs/specs/log.md).
//
// The file may come from anybody. Once it is parsed its entries are those of a head that the key in it signed; whether that is the
// receipt key of the instance, only who verified the instance knows (KnownLog). Immutable.
#pragma once

#include "common/receipt/log.h"

namespace redoubt::sdk {

class SavedLog {
 public:
  static constexpr std::size_t kMaxBytes = 64U << 20;
  static constexpr std::size_t kMaxEntries = 262'144;

  // of: `log_proof` when the entries do not give the head.
  static Result<SavedLog> of(const InstanceId& instance, receipt::Checkpoint checkpoint, std::vector<receipt::LogEntry> entries);
  // parse: `malformed`, `chain` (not signed by the key in the file), `log_proof`.
  static Result<SavedLog> parse(std::string_view text);
  std::string json() const;

  const InstanceId& instance() const { return log_.instance(); }
  const receipt::Checkpoint& checkpoint() const { return checkpoint_; }
  const std::vector<receipt::LogEntry>& entries() const { return entries_; }
  const receipt::MerkleTree& tree() const { return log_.tree(); }

 private:
  SavedLog(receipt::Log log, receipt::Checkpoint checkpoint, std::vector<receipt::LogEntry> entries)
      : log_(std::move(log)), checkpoint_(std::move(checkpoint)), entries_(std::move(entries)) {}
  receipt::Log log_;
  receipt::Checkpoint checkpoint_;
  std::vector<receipt::LogEntry> entries_;
};

inline constexpr std::string_view kSavedLogType = "redoubt/saved-log/1";

}  // namespace redoubt::sdk
