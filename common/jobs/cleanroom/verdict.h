// decide: may this proposal run? The approval rule of a contract, as one pure function that the enclave and everybody who checks
// a receipt offline evaluate alike (docs/specs/clean-room-documents.md).
//
// It is given votes whose signatures, terms and log heads were checked before (enclave/workloads/cleanroom/approvals.h,
// client/sdk/receipt_check.h). Who carries them may drop, repeat and reorder them, and a voter may sign both ways. So: an approval
// is needed in every rule, and silence agrees to nothing; votes more than once count once; a voter who signed both ways rejects; a
// rejection never expires, an approval does; names that have no vote count nothing; order does not matter. What some of the ballots
// of voters who sign one each approve, all of them approve too: so who drops ballots can keep a proposal open, and no more. Pure.
#pragma once

#include <span>

#include "common/jobs/cleanroom/ballot.h"

namespace redoubt::jobs {

// The fact of a receipt that names the proposer: there where the contract does not count his approval, so that it can be judged offline.
inline constexpr std::string_view kProposerFact = "proposer";

// What one ballot says.
struct Vote {
  std::string voter;
  Decision decision = Decision::approve;
  Instant expires;
  std::uint64_t expires_at_size = 0;

  static Vote of(const Ballot& ballot) { return {ballot.voter, ballot.decision, ballot.expires, ballot.expires_at_size}; }
};

// What is voted on.
struct Subject {
  std::string submitter;            // participant name; empty when it is not known and the contract does not ask
  std::vector<std::string> owners;  // of the datasets that it names, in any order, perhaps several times
  std::optional<Instant> expires;   // of the proposal; absent where only ballots are at hand
};

// When it is judged. Expired means past at either end of the time, or with more entries in the log than a ballot allows.
struct Moment {
  Interval time;
  std::uint64_t log_size = 0;
};

enum class Standing {
  open,      // approvals are missing
  approved,
  rejected,  // no further ballot can approve it
};
std::string_view name_of(Standing standing);  // "open", "approved", "rejected"

struct Verdict {
  Standing standing = Standing::open;
  std::vector<std::string> approved;  // whose approval stands, sorted
  std::vector<std::string> rejected;  // who rejected, sorted
  std::vector<std::string> lapsed;    // whose approval has expired, sorted
  std::vector<std::string> awaited;   // who has not voted, and whose approval counts or is needed, sorted
  std::string reason;                 // one line: the rule, and why it stands so

  bool met() const { return standing == Standing::approved; }
};
// to_json: {approved, lapsed, met, missing, reason, rejected, state}, as doors and hub answer with it; missing is `awaited`.
json::Value to_json(const Verdict& verdict);

// decide: with unanimous, majority, owners and k_of_n the approvals of `needed` of a group: the voters, or the owners; without the
// submitter where his approval does not count. Besides, everyone with a veto approves. Rejected is a proposal that has expired, that
// somebody with a veto rejected, or that those who are left cannot approve. A group of nobody approves nothing.
Verdict decide(const Contract& contract, const Subject& subject, std::span<const Vote> votes, const Moment& moment);

}  // namespace redoubt::jobs
