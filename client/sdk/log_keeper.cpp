#include "client/sdk/log_keeper.h"

#include "client/sdk/audit.h"

namespace redoubt::sdk {
namespace {

Status compare(const EnvironmentState& state, const receipt::Checkpoint& kept, const receipt::Checkpoint& seen,
               const Consistency& consistency) {
  const receipt::TreeHead& old_head = kept.head();
  const receipt::TreeHead& new_head = seen.head();
  if (new_head.size == old_head.size && new_head.root != old_head.root) {
    REDOUBT_TRY(const auto proof, receipt::ForkProof::of(kept, seen));
    REDOUBT_TRY(const auto path, state.keep_fork(proof.json()));
    return Error(Code::log_proof, "log: forked at " + std::to_string(old_head.size) + " entries: expected root " + old_head.root.hex() +
                                      ", found " + new_head.root.hex() + "; the proof is in " + path.string());
  }
  if (new_head.size < old_head.size) {
    REDOUBT_TRY(const auto path, state.keep_fork(rollback_report(kept, seen, "rolled back")));
    return Error(Code::log_proof, "log: rolled back: expected at least " + std::to_string(old_head.size) + " entries, found " +
                                      std::to_string(new_head.size) + "; both signed heads are in " + path.string());
  }
  if (new_head.size == old_head.size) return {};
  REDOUBT_TRY(const auto proof, consistency(old_head.size, new_head.size));
  const Status extended = receipt::extends(old_head, new_head, proof).context("log: from " + std::to_string(old_head.size) + " to " +
                                                                              std::to_string(new_head.size) + " entries");
  if (extended.ok()) return {};
  REDOUBT_TRY(const auto path, state.keep_fork(rollback_report(kept, seen, "no proof that the second head extends the first")));
  return Error(extended.error().code(), extended.error().message() + "; both signed heads are in " + path.string());
}

}  // namespace

Status check_instance(const EnvironmentState& state, const attest::Claims& claims) {
  REDOUBT_TRY(const auto known, state.known_log());
  if (!known) return Error(Code::binding, "environment \"" + state.name() + "\" was not verified and joined yet");
  if (known->instance != claims.instance || known->receipt_key != claims.receipt_key) {
    return Error(Code::binding, "instance: expected " + known->instance.hex() + " that was joined, found " + claims.instance.hex() +
                                    ": the program was started anew");
  }
  return {};
}

Status advance(const EnvironmentState& state, const receipt::Checkpoint& checkpoint, const Consistency& consistency) {
  REDOUBT_TRY(const auto known, state.known_log());
  if (!known) return Error(Code::binding, "environment \"" + state.name() + "\" was not verified and joined yet");
  const std::string origin = receipt::log_origin(known->instance);
  if (checkpoint.head().origin != origin || checkpoint.key() != known->receipt_key) {
    return Error(Code::binding, "log: expected " + origin + ", found " + checkpoint.head().origin);
  }
  REDOUBT_TRY(const auto kept, receipt::Checkpoint::verify(known->note, origin, known->receipt_key).context("kept checkpoint"));
  REDOUBT_CHECK(compare(state, kept, checkpoint, consistency));
  if (checkpoint.head().size == kept.head().size) return {};
  KnownLog newer = *known;
  newer.note = checkpoint.note();
  return state.keep_log(newer);
}

Status adopt_instance(const EnvironmentState& state, const attest::Claims& claims, const receipt::Checkpoint& checkpoint,
                      const Consistency& consistency) {
  REDOUBT_TRY(const auto known, state.known_log());
  if (known && known->instance == claims.instance) {
    REDOUBT_CHECK(check_instance(state, claims));
    return advance(state, checkpoint, consistency);
  }
  REDOUBT_TRY(const auto earlier, state.earlier_logs());
  if (std::ranges::find(earlier, claims.instance, &KnownLog::instance) != earlier.end()) {
    return Error(Code::binding, "instance: " + claims.instance.hex() + " was left for " + (known ? known->instance.hex() : "another") +
                                    " before: the operator goes back to it");
  }
  if (known) REDOUBT_CHECK(state.keep_earlier(*known));
  return state.keep_log({claims.instance, claims.receipt_key, checkpoint.note(), false, ""});
}

Result<SavedLog> read_log(EnclaveClient& enclave, const InstanceView& instance, const receipt::Checkpoint& checkpoint) {
  const std::uint64_t size = checkpoint.head().size;
  std::vector<receipt::LogEntry> entries;
  while (entries.size() < size) {
    REDOUBT_TRY(const auto more, enclave.entries(entries.size()));
    if (more.empty()) return Error(Code::log_proof, "log: expected " + std::to_string(size) + " entries, found " + std::to_string(entries.size()));
    for (const auto& entry : more) {
      if (entries.size() < size) entries.push_back(entry);
    }
  }
  REDOUBT_TRY(auto log, SavedLog::of(enclave.claims().instance, checkpoint, std::move(entries)));
  if (size == 0 || !instance.previous) return log;
  std::optional<receipt::TreeHead> previous;
  if (!instance.previous->empty()) {
    REDOUBT_TRY(previous, receipt::TreeHead::parse(*instance.previous).context("head that the instance takes over from"));
  }
  REDOUBT_CHECK(check_boot(log, size, enclave.claims().digest(), previous).context("log"));
  return log;
}

Result<std::optional<KnownLog>> known_log_of(const EnvironmentState& state, const InstanceId& instance) {
  REDOUBT_TRY(auto logs, state.earlier_logs());
  REDOUBT_TRY(const auto known, state.known_log());
  if (known) logs.push_back(*known);
  const auto found = std::ranges::find(logs, instance, &KnownLog::instance);
  if (found == logs.end()) return std::optional<KnownLog>();
  return std::optional(std::move(*found));
}

Result<std::optional<receipt::Checkpoint>> kept_head(const EnvironmentState& state, const InstanceId& instance) {
  REDOUBT_TRY(const auto log, known_log_of(state, instance));
  if (!log) return std::optional<receipt::Checkpoint>();
  REDOUBT_TRY(auto kept, receipt::Checkpoint::verify(log->note, receipt::log_origin(instance), log->receipt_key).context("kept checkpoint"));
  return std::optional(std::move(kept));
}

Status note_open(const EnvironmentState& state, bool open, bool joining) {
  REDOUBT_TRY(auto known, state.known_log());
  if (!known || known->open == open || (known->open && !joining)) return {};
  known->open = open;
  return state.keep_log(*known);
}

}  // namespace redoubt::sdk
