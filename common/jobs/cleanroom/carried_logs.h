// CarriedLogs: the logs of the instances before a restart, read entry by entry from an untrusted host.
//
// An enclave and a participant both build it from what the host stored, and get the same statement (CarryOver) if and only
// if they were given the same bytes. That the logs hang together is checked here: every log begins with a boot entry, a log that
// took over from others holds the `carried` entry for exactly those before it, and the first one took over from nobody. That
// they are the true ones is not: only participants who remember heads of them can tell, and say so by their signatures.
// Immutable after build; bounded in logs and entries.
#pragma once

#include "common/jobs/cleanroom/carry_over.h"
#include "common/receipt/log.h"

namespace redoubt::jobs {

// What a host hands over, unverified.
struct OldLog {
  InstanceId instance;
  std::vector<Bytes> entries;  // encoded, from index 0
};

class CarriedLogs {
 public:
  static constexpr std::size_t kMaxEntries = 65'536;  // of all logs together

  // build: oldest first. `malformed` for what is no log, `refused` beyond the limits, `log_proof` for logs that do not hang together.
  static Result<CarriedLogs> build(const ContractDigest& contract, const std::vector<OldLog>& untrusted_logs);

  // statement: what participants sign for the new instance.
  CarryOver statement(const InstanceId& instance) const;

  std::size_t count() const { return logs_.size(); }
  // position of an instance's log; absent when it is none of these.
  std::optional<std::size_t> find(const InstanceId& instance) const;
  const receipt::Log& log(std::size_t position) const { return logs_.at(position).log; }
  // entries: encoded, as they were handed over.
  const std::vector<Bytes>& entries(std::size_t position) const { return logs_.at(position).encoded; }
  // entries_after: how many entries the logs after `position` hold together.
  std::uint64_t entries_after(std::size_t position) const;

  // reservation: the index of a proposal's reservation in one log; absent without one.
  std::optional<std::uint64_t> reservation(std::size_t position, const ProposalDigest& proposal) const;
  // reservations: the proposals that one log reserved, in its order, each once, with the index of the entry.
  std::vector<std::pair<std::uint64_t, ProposalDigest>> reservations(std::size_t position) const;
  // has_run: any of the logs says that this proposal was run.
  bool has_run(const ProposalDigest& proposal) const;
  // has_hand_over: one of the logs says that the contract was handed over to another.
  bool has_hand_over() const;

 private:
  struct Part {
    receipt::Log log;
    std::vector<Bytes> encoded;
    std::vector<receipt::LogEntry> entries;
  };
  explicit CarriedLogs(const ContractDigest& contract) : contract_(contract) {}
  static Result<Part> read(const OldLog& untrusted_log);
  Status check_links() const;

  ContractDigest contract_;
  std::vector<Part> logs_;
};

// follows: the log of `instance` took over from exactly these older ones (and its `carried` entry says so).
bool follows(const std::vector<receipt::LogEntry>& entries, const CarryOver& older);

}  // namespace redoubt::jobs
