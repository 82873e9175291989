#include "client/sdk/carry_over.h"

#include "client/sdk/audit.h"

namespace redoubt::sdk {
namespace {

// fetch reads the logs that the statement names, no more entries than it says.
Result<std::vector<jobs::OldLog>> fetch(const jobs::CarryOver& statement, const OldEntries& entries) {
  std::vector<jobs::OldLog> logs;
  std::uint64_t total = 0;
  for (const jobs::CarriedHead& carried : statement.heads) {
    if (carried.head.size > jobs::CarriedLogs::kMaxEntries - total) {
      return Error(Code::refused, "old logs: more than " + std::to_string(jobs::CarriedLogs::kMaxEntries) + " entries");
    }
    total += carried.head.size;
    jobs::OldLog log{carried.instance, {}};
    while (log.entries.size() < carried.head.size) {
      REDOUBT_TRY(auto more, entries(logs.size(), log.entries.size()));
      if (more.empty()) {
        return Error(Code::log_proof, "log of instance " + carried.instance.hex() + ": expected " + std::to_string(carried.head.size) +
                                          " entries, found " + std::to_string(log.entries.size()));
      }
      for (Bytes& entry : more) log.entries.push_back(std::move(entry));
    }
    logs.push_back(std::move(log));
  }
  return logs;
}

// check_known: the log extends the last head that this participant saw of it.
Status check_known(const KnownLog& known, const receipt::Log& log) {
  const std::string name = "log of instance " + known.instance.hex();
  REDOUBT_TRY(const auto kept, receipt::Checkpoint::verify(known.note, receipt::log_origin(known.instance), known.receipt_key).context("kept checkpoint"));
  const receipt::TreeHead& head = kept.head();
  if (head.size > log.size()) {
    return Error(Code::log_proof, name + ": rolled back: expected at least " + std::to_string(head.size) + " entries, found " +
                                      std::to_string(log.size()));
  }
  REDOUBT_TRY(const auto root, log.tree().root_at(head.size));
  if (root == head.root) return {};
  return Error(Code::log_proof, name + ": forked at " + std::to_string(head.size) + " entries: expected root " + head.root.hex() +
                                    ", found " + root.hex());
}

// check_last: the old receipt key, which this participant learned from the old instance itself, signed where the logs end.
Status check_last(const CarryOverView& offered, const receipt::Log& log, const KnownLog& known) {
  REDOUBT_TRY(const auto checkpoint, receipt::Checkpoint::verify(offered.checkpoint, receipt::log_origin(known.instance), known.receipt_key)
                                         .context("last checkpoint of instance " + known.instance.hex()));
  if (checkpoint.head() == log.head()) return {};
  return Error(Code::log_proof, "log of instance " + known.instance.hex() + ": its last checkpoint is of " +
                                    std::to_string(checkpoint.head().size) + " entries, the log holds " + std::to_string(log.size()));
}

}  // namespace

Status check_old_logs(const CarryOverView& offered, const ContractDigest& contract, const InstanceId& instance,
                      const std::vector<KnownLog>& memory, const OldEntries& entries) {
  jobs::CarryOver own = offered.statement;
  own.contract = contract;
  own.instance = instance;
  REDOUBT_CHECK(jobs::check_carry_over(own, offered.statement));
  const InstanceId& last = own.heads.back().instance;
  const auto newest = std::ranges::find(memory, last, &KnownLog::instance);
  if (newest == memory.end()) {
    return Error(Code::not_found, "instance " + last.hex() + " was never joined from here: whether its log is whole cannot be told");
  }
  for (auto later = newest + 1; later != memory.end(); ++later) {
    if (later->open) return Error(Code::log_proof, "the log of instance " + later->instance.hex() + " is left out");
  }
  REDOUBT_TRY(const auto untrusted_logs, fetch(own, entries));
  REDOUBT_TRY(const auto logs, jobs::CarriedLogs::build(contract, untrusted_logs));
  REDOUBT_CHECK(jobs::check_carry_over(logs.statement(instance), offered.statement));
  for (const KnownLog& known : memory) {
    if (const auto position = logs.find(known.instance)) REDOUBT_CHECK(check_known(known, logs.log(*position)));
  }
  return check_last(offered, logs.log(logs.count() - 1), *newest);
}

std::optional<std::string> contradiction(const CarryOverView& offered, const std::vector<KnownLog>& memory, const OldEntries& entries) {
  const InstanceId& last = offered.statement.heads.back().instance;
  const auto known = std::ranges::find(memory, last, &KnownLog::instance);
  if (known == memory.end()) return std::nullopt;
  const std::string origin = receipt::log_origin(last);
  const auto kept = receipt::Checkpoint::verify(known->note, origin, known->receipt_key);
  const auto shown = receipt::Checkpoint::verify(offered.checkpoint, origin, known->receipt_key);
  if (!kept.ok() || !shown.ok()) return std::nullopt;
  if (shown->head().size < kept->head().size) return rollback_report(*kept, *shown, "rolled back");
  const auto logs = fetch(offered.statement, entries);
  const auto log = logs.ok() ? receipt::Log::restore(last, logs->back().entries) : Result<receipt::Log>(logs.error());
  if (!log.ok()) return std::nullopt;
  const auto fork = receipt::fork_between(*kept, *shown, log->tree());
  return fork.ok() ? *fork : std::nullopt;
}

}  // namespace redoubt::sdk
