// CarryOver: what participants sign so that a new instance may go on from the logs of earlier ones (docs/specs/clean-room-documents.md).
//
// Without sealed state a restarted program is a new instance that knows nothing. Its host hands it the old logs; they count
// only once every participant of the contract has signed one and the same statement: this contract, this new instance, these
// old instances with the sizes and roots of their logs. A participant signs after it has held the logs against what it saw of
// them itself, so that a host cannot drop what the old instance had logged. Pure; immutable after parse.
#pragma once

#include "common/jobs/cleanroom/ballot.h"

namespace redoubt::jobs {

inline constexpr std::string_view kCarryOverType = "redoubt/carry-over/1";

// The whole log of an instance that has ended.
struct CarriedHead {
  InstanceId instance;
  LogHead head;
  friend bool operator==(const CarriedHead&, const CarriedHead&) = default;
};

struct CarryOver {
  static constexpr std::size_t kMaxBytes = 8 * 1024;
  static constexpr std::size_t kMaxLogs = 16;  // restarts that one query may live through

  ContractDigest contract;
  InstanceId instance;             // the new one
  std::vector<CarriedHead> heads;  // oldest first, 1 to kMaxLogs, all instances distinct and none of them the new one

  std::string canonical() const;
  static Result<CarryOver> parse(std::string_view text);
  // digest = SHA-256 over Fields("redoubt/carry-over/1", canonical()): the content of the new log's `carried` entry.
  crypto::Sha256Digest digest() const;

  // find: the head of an instance's log, or null.
  const CarriedHead* find(const InstanceId& instance) const;

  friend bool operator==(const CarryOver&, const CarryOver&) = default;
};

// check_carry_over: `statement` says what `expected` says; `binding` or `log_proof`, naming the first difference.
Status check_carry_over(const CarryOver& expected, const CarryOver& statement);

}  // namespace redoubt::jobs
