#include "untrusted/hub/instances/old_logs.h"

#include "common/receipt/note.h"
#include "untrusted/hub/store/logs.h"

namespace redoubt::hub {
namespace {

constexpr std::uint64_t kMaxInstances = 64;  // that are looked at

struct Stored {
  jobs::OldLog log;
  std::vector<receipt::LogEntry> entries;
  receipt::TreeHead head;
  std::string checkpoint;

  std::size_t count(std::string_view kind) const {
    return static_cast<std::size_t>(std::ranges::count(entries, kind, &receipt::LogEntry::kind));
  }
};

// load reads an instance's log up to its last checkpoint; `not_found` when there is none.
Result<Stored> load(Transaction& transaction, const InstanceId& instance) {
  Stored out;
  REDOUBT_TRY(out.checkpoint, last_checkpoint(transaction, instance));
  REDOUBT_TRY(const auto note, receipt::UnverifiedNote::parse(out.checkpoint));
  REDOUBT_TRY(out.head, receipt::TreeHead::parse(note.text));
  out.log.instance = instance;
  while (out.entries.size() < out.head.size) {
    REDOUBT_TRY(auto more, get_entries(transaction, instance, out.entries.size(), 1000));
    if (more.empty()) return Error(Code::not_found, "log of instance " + instance.hex() + ": ends before its checkpoint");
    for (Bytes& bytes : more) {
      if (out.entries.size() == out.head.size) break;
      REDOUBT_TRY(out.entries.emplace_back(), receipt::LogEntry::parse(bytes));
      out.log.entries.push_back(std::move(bytes));
    }
  }
  return out;
}

// chain gives the logs that the one at `position` (of `stored`, newest first) goes on from, and itself; empty when some of them
// are not in the store.
std::vector<jobs::OldLog> chain(const std::vector<Stored>& stored, std::size_t position, const ContractDigest& contract, std::size_t depth) {
  const Stored& last = stored[position];
  if (last.count(receipt::kCarriedEntry) == 0) return {last.log};
  if (depth == jobs::CarryOver::kMaxLogs) return {};
  for (std::size_t older = position + 1; older < stored.size(); ++older) {
    auto logs = chain(stored, older, contract, depth + 1);
    const auto built = jobs::CarriedLogs::build(contract, logs);
    if (!built.ok() || !jobs::follows(last.entries, built->statement(last.log.instance))) continue;
    logs.push_back(last.log);
    return logs;
  }
  return {};
}

}  // namespace

Result<OldLogs> old_logs(Transaction& transaction, const std::string& environment, const jobs::Contract& contract) {
  REDOUBT_TRY(const auto instances, list_instances(transaction, environment, kMaxInstances));
  std::vector<Stored> stored;  // those that were open
  for (const InstanceId& instance : instances) {
    auto loaded = load(transaction, instance);
    if (!loaded.ok() && loaded.error().code() == Code::not_found) continue;
    if (!loaded.ok()) return loaded.error();
    if (loaded->count(receipt::kAcceptanceEntry) == contract.participants.size()) stored.push_back(std::move(*loaded));
    if (!stored.empty() && stored.back().count(receipt::kCarriedEntry) == 0) break;  // nothing older belongs to it
  }
  if (stored.empty()) return Error(Code::not_found, "no earlier instance was open");
  return OldLogs{chain(stored, 0, contract.digest(), 1), stored.front().head, stored.front().checkpoint};
}

}  // namespace redoubt::hub
