#include "common/jobs/cleanroom/verdict.h"

#include <set>

namespace redoubt::jobs {
namespace {

using Names = std::set<std::string, std::less<>>;

bool past(Instant expires, const Interval& time) { return expires < time.begin || expires < time.end; }

// Ballots: every voter of the contract who voted, in exactly one of the three.
struct Ballots {
  Names approved, rejected, lapsed;

  bool hold(const std::string& name) const { return approved.contains(name) || rejected.contains(name) || lapsed.contains(name); }
};

Ballots sort_out(const Contract& contract, std::span<const Vote> votes, const Moment& moment) {
  Ballots out;
  for (const Vote& vote : votes) {
    const Participant* voter = contract.find(vote.voter);
    if (voter == nullptr || !voter->votes) continue;
    if (vote.decision == Decision::reject) {
      out.rejected.insert(vote.voter);
    } else if (past(vote.expires, moment.time) || vote.expires_at_size < moment.log_size) {
      out.lapsed.insert(vote.voter);
    } else {
      out.approved.insert(vote.voter);
    }
  }
  for (const std::string& name : out.rejected) {
    out.approved.erase(name);
    out.lapsed.erase(name);
  }
  for (const std::string& name : out.approved) out.lapsed.erase(name);
  return out;
}

// Group: those of whom `needed` must approve. With owners it may hold names without a vote: then it can never be enough.
struct Group {
  Names names;
  std::size_t needed = 0;
};

Group group_of(const Contract& contract, const Subject& subject) {
  Group group;
  if (contract.approval.rule == ApprovalRule::owners) {
    group.names.insert(subject.owners.begin(), subject.owners.end());
  } else {
    for (const Participant& participant : contract.participants) {
      if (participant.votes) group.names.insert(participant.name);
    }
  }
  if (!contract.approval.submitter_counts) group.names.erase(subject.submitter);
  switch (contract.approval.rule) {
    case ApprovalRule::unanimous:
    case ApprovalRule::owners: group.needed = group.names.size(); break;
    case ApprovalRule::majority: group.needed = group.names.size() / 2 + 1; break;
    case ApprovalRule::k_of_n: group.needed = static_cast<std::size_t>(contract.approval.k); break;
  }
  return group;
}

std::vector<std::string> listed(const Names& names) { return {names.begin(), names.end()}; }

bool votes_in(const Contract& contract, const std::string& name) {
  const Participant* participant = contract.find(name);
  return participant != nullptr && participant->votes;
}

// hopeless: why no further ballot can approve the proposal; empty while one can.
std::string hopeless(const Contract& contract, const Subject& subject, const Ballots& ballots, const Group& group, const Moment& moment) {
  if (subject.expires && past(*subject.expires, moment.time)) return "the proposal expired at " + subject.expires->text();
  for (const std::string& name : contract.approval.veto) {
    if (ballots.rejected.contains(name)) return name + " has a veto and rejected it";
  }
  if (group.names.empty()) return "the contract leaves nobody who may approve it";
  const auto possible = std::ranges::count_if(group.names, [&](const std::string& name) {
    return votes_in(contract, name) && !ballots.rejected.contains(name);
  });
  if (static_cast<std::size_t>(possible) < group.needed) {
    return std::to_string(group.needed) + " must approve, only " + std::to_string(possible) + " can";
  }
  return "";
}

}  // namespace

std::string_view name_of(Standing standing) {
  switch (standing) {
    case Standing::open: return "open";
    case Standing::approved: return "approved";
    case Standing::rejected: return "rejected";
  }
  return "";
}

json::Value to_json(const Verdict& verdict) {
  const auto names = [](const std::vector<std::string>& items) {
    json::Array out;
    for (const std::string& name : items) out.emplace_back(name);
    return json::Value(std::move(out));
  };
  return json::Object{{"approved", names(verdict.approved)}, {"lapsed", names(verdict.lapsed)}, {"met", verdict.met()},
                      {"missing", names(verdict.awaited)},   {"reason", verdict.reason},        {"rejected", names(verdict.rejected)},
                      {"state", name_of(verdict.standing)}};
}

Verdict decide(const Contract& contract, const Subject& subject, std::span<const Vote> votes, const Moment& moment) {
  const Ballots ballots = sort_out(contract, votes, moment);
  const Group group = group_of(contract, subject);
  Verdict verdict;
  verdict.approved = listed(ballots.approved);
  verdict.rejected = listed(ballots.rejected);
  verdict.lapsed = listed(ballots.lapsed);
  Names asked = group.names;
  asked.insert(contract.approval.veto.begin(), contract.approval.veto.end());
  for (const std::string& name : asked) {
    if (!ballots.hold(name) && votes_in(contract, name)) verdict.awaited.push_back(name);
  }
  const auto of_group = std::ranges::count_if(group.names, [&](const std::string& name) { return ballots.approved.contains(name); });
  const bool enough = !group.names.empty() && group.needed > 0 && static_cast<std::size_t>(of_group) >= group.needed;
  const bool no_veto = std::ranges::all_of(contract.approval.veto, [&](const std::string& name) { return ballots.approved.contains(name); });
  const std::string end = hopeless(contract, subject, ballots, group, moment);
  if (!end.empty()) {
    verdict.standing = Standing::rejected;
  } else if (enough && no_veto) {
    verdict.standing = Standing::approved;
  }
  verdict.reason = "approval is " + std::string(name_of(contract.approval.rule)) + ": " + std::to_string(verdict.approved.size()) +
                   " approved, " + std::to_string(verdict.rejected.size()) + " rejected, " + std::to_string(verdict.awaited.size()) + " missing";
  if (!verdict.lapsed.empty()) verdict.reason += ", " + std::to_string(verdict.lapsed.size()) + " expired";
  if (!end.empty()) verdict.reason += "; " + end;
  return verdict;
}

}  // namespace redoubt::jobs
