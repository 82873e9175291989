#include "common/jobs/cleanroom/carried_logs.h"

#include <set>

#include "common/jobs/cleanroom/contract_change.h"

namespace redoubt::jobs {
namespace {

bool has_entry(const std::vector<receipt::LogEntry>& entries, std::string_view kind) {
  return std::ranges::find(entries, kind, &receipt::LogEntry::kind) != entries.end();
}

}  // namespace

bool follows(const std::vector<receipt::LogEntry>& entries, const CarryOver& older) {
  return std::ranges::find(entries, receipt::LogEntry{std::string(receipt::kCarriedEntry), older.digest()}) != entries.end();
}

Result<CarriedLogs::Part> CarriedLogs::read(const OldLog& untrusted_log) {
  const std::string name = "log of instance " + untrusted_log.instance.hex();
  Part part{receipt::Log(untrusted_log.instance), untrusted_log.entries, {}};
  for (const Bytes& bytes : untrusted_log.entries) {
    REDOUBT_TRY(receipt::LogEntry entry,
                receipt::LogEntry::parse(bytes).context(name + ": entry " + std::to_string(part.entries.size())));
    part.log.append(entry);
    part.entries.push_back(std::move(entry));
  }
  if (part.entries.empty() || part.entries.front().kind != receipt::kBootEntry) {
    return Error(Code::log_proof, name + ": expected a boot entry first");
  }
  return part;
}

Result<CarriedLogs> CarriedLogs::build(const ContractDigest& contract, const std::vector<OldLog>& untrusted_logs) {
  if (untrusted_logs.empty() || untrusted_logs.size() > CarryOver::kMaxLogs) {
    return Error(Code::refused, "old logs: expected 1 to " + std::to_string(CarryOver::kMaxLogs) + ", found " +
                                    std::to_string(untrusted_logs.size()));
  }
  std::size_t total = 0;
  for (const OldLog& old : untrusted_logs) total += old.entries.size();
  if (total > kMaxEntries) {
    return Error(Code::refused, "old logs: expected at most " + std::to_string(kMaxEntries) + " entries, found " + std::to_string(total));
  }
  CarriedLogs out(contract);
  for (const OldLog& old : untrusted_logs) {
    if (out.find(old.instance)) return Error(Code::malformed, "old logs: instance " + old.instance.hex() + " occurs twice");
    REDOUBT_TRY(Part part, read(old));
    out.logs_.push_back(std::move(part));
  }
  REDOUBT_CHECK(out.check_links());
  return out;
}

Status CarriedLogs::check_links() const {
  CarryOver older{contract_, {}, {}};
  for (const Part& part : logs_) {
    older.instance = part.log.instance();
    const std::string name = "log of instance " + older.instance.hex();
    if (older.heads.empty()) {
      if (has_entry(part.entries, receipt::kCarriedEntry)) {
        return Error(Code::log_proof, name + ": it took over from logs that are not here");
      }
    } else if (!follows(part.entries, older)) {
      return Error(Code::log_proof, name + ": it did not take over from the logs before it");
    }
    older.heads.push_back({part.log.instance(), {part.log.size(), part.log.tree().root()}});
  }
  return {};
}

CarryOver CarriedLogs::statement(const InstanceId& instance) const {
  CarryOver out{contract_, instance, {}};
  for (const Part& part : logs_) out.heads.push_back({part.log.instance(), {part.log.size(), part.log.tree().root()}});
  return out;
}

std::optional<std::size_t> CarriedLogs::find(const InstanceId& instance) const {
  for (std::size_t i = 0; i < logs_.size(); ++i) {
    if (logs_[i].log.instance() == instance) return i;
  }
  return std::nullopt;
}

std::uint64_t CarriedLogs::entries_after(std::size_t position) const {
  std::uint64_t count = 0;
  for (std::size_t i = position + 1; i < logs_.size(); ++i) count += logs_[i].log.size();
  return count;
}

std::optional<std::uint64_t> CarriedLogs::reservation(std::size_t position, const ProposalDigest& proposal) const {
  const auto& entries = logs_.at(position).entries;
  const receipt::LogEntry wanted{std::string(receipt::kReservationEntry), crypto::Sha256Digest(proposal.array())};
  const auto found = std::ranges::find(entries, wanted);
  if (found == entries.end()) return std::nullopt;
  return static_cast<std::uint64_t>(found - entries.begin());
}

std::vector<std::pair<std::uint64_t, ProposalDigest>> CarriedLogs::reservations(std::size_t position) const {
  std::vector<std::pair<std::uint64_t, ProposalDigest>> out;
  std::uint64_t index = 0;
  std::set<crypto::Sha256Digest> seen;
  for (const receipt::LogEntry& entry : logs_.at(position).entries) {
    if (entry.kind == receipt::kReservationEntry && seen.insert(entry.content).second) out.emplace_back(index, ProposalDigest(entry.content.array()));
    ++index;
  }
  return out;
}

bool CarriedLogs::has_hand_over() const {
  return std::ranges::any_of(logs_, [](const Part& part) { return has_entry(part.entries, kHandOverEntry); });
}

bool CarriedLogs::has_run(const ProposalDigest& proposal) const {
  const receipt::LogEntry wanted{std::string(receipt::kRunEntry), crypto::Sha256Digest(proposal.array())};
  return std::ranges::any_of(logs_, [&](const Part& part) { return std::ranges::find(part.entries, wanted) != part.entries.end(); });
}

}  // namespace redoubt::jobs
