// Approval: the part of a contract that says who must agree to a proposal (docs/specs/clean-room-documents.md).
//
// What it means is in verdict.h. Silence never agrees: whatever a rule needs is an approval that somebody signed, so that a host
// that withholds ballots can delay a proposal and never push one through. That holds for a veto too: a participant with a veto
// is one without whose approval nothing runs. Pure; immutable after parse.
#pragma once

#include <string>
#include <vector>

#include "common/base/json.h"

namespace redoubt::jobs {

// unanimous: all voters. majority: more than half of the voters. owners: the owners of all datasets that the proposal names.
// k_of_n: any k voters.
enum class ApprovalRule { unanimous, majority, owners, k_of_n };
std::string_view name_of(ApprovalRule rule);
Result<ApprovalRule> parse_approval_rule(std::string_view name);

struct Approval {
  static constexpr int kMaxVoters = 64;

  ApprovalRule rule = ApprovalRule::unanimous;
  int k = 0;                      // of k_of_n, 1 to 64; 0 with every other rule
  std::vector<std::string> veto;  // participant names, sorted, each once; none with unanimous, where every voter has one
  bool submitter_counts = true;   // false: a submitter's own approval is not counted, others decide; who has a veto must approve all the same

  // to_json: "unanimous" alone for that rule with nothing else, so that contracts of before rules could be chosen keep their
  // digest; otherwise {rule, submitter_counts, veto} and with k_of_n {k}.
  json::Value to_json() const;
  // from_json accepts exactly what to_json() writes of a rule that is possible in itself; `malformed` otherwise.
  static Result<Approval> from_json(const json::Value& value);
  // text: the rule for people, in one line.
  std::string text() const;

  friend bool operator==(const Approval&, const Approval&) = default;
};

}  // namespace redoubt::jobs
