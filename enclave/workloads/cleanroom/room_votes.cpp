// What the ballots come to: the contract's approval rule, evaluated as whoever checks the receipt will evaluate it.
#include "enclave/workloads/cleanroom/room.h"

namespace redoubt::cleanroom {

jobs::Verdict Room::verdict_of(const Query& query, Instant host) const {
  const jobs::Proposal& proposal = query.reserved.proposal;
  jobs::Subject subject{proposal.proposer, {}, proposal.expires};
  for (const jobs::ManifestDigest& digest : proposal.terms.manifests) {
    const auto found = datasets_.find(digest);
    // Propose demanded every manifest; data of nobody is nobody's to approve.
    subject.owners.push_back(found == datasets_.end() ? std::string() : found->second.manifest().owner);
  }
  std::vector<jobs::Vote> votes;
  for (const auto& [voter, ballot] : query.ballots) votes.push_back(jobs::Vote::of(ballot));
  const auto from = origin(proposal.terms.instance);
  const std::uint64_t size = from.ok() ? from->log.size() + from->since : std::numeric_limits<std::uint64_t>::max();
  return jobs::decide(contract_, subject, votes, {{floor_.value(), host}, size});
}

Result<jobs::Verdict> Room::verdict(const jobs::ProposalDigest& proposal) const {
  const std::lock_guard lock(mutex_);
  const auto found = queries_.find(proposal);
  if (found == queries_.end()) return Error(Code::not_found, "no proposal " + proposal.hex());
  return verdict_of(found->second, host_clock_());
}

Status Room::check_renewal(const Query& query, const jobs::Ballot& ballot, Instant now) const {
  const std::string voted = "\"" + ballot.voter + "\" has voted on this proposal";
  const auto lapsed = verdict_of(query, now).lapsed;
  if (query.output || std::ranges::find(lapsed, ballot.voter) == lapsed.end()) return Error(Code::refused, voted);
  const auto digest = receipt::approval_digest(query.ballot_documents.at(ballot.voter).encode());
  if (!jobs::renews(ballot, query.ballots.at(ballot.voter), digest)) {
    return Error(Code::refused, voted + "; that approval has lapsed: expected a ballot that renews " + digest.hex());
  }
  const auto count = renewals_.find(ballot.voter);
  if (count == renewals_.end() || count->second < kMaxRenewals) return {};
  return Error(Code::unavailable, "ballot: \"" + ballot.voter + "\" has renewed " + std::to_string(kMaxRenewals) + " approvals in this instance, it takes no more of them");
}

Status Room::check_approved(Query& query, Instant now) const {
  REDOUBT_TRY(const Origin from, origin(query.reserved.proposal.terms.instance));
  Status lapsed;
  for (const auto& [voter, document] : query.ballot_documents) {
    const Status good = check_ballot(contract_, query.reserved, document, from.log, from.since, now);
    if (good.ok()) continue;
    if (good.error().code() != Code::freshness) return good;
    lapsed = good;  // without it there may still be enough
  }
  const jobs::Verdict verdict = verdict_of(query, now);
  if (verdict.standing == jobs::Standing::open && !lapsed.ok()) return lapsed;
  if (!verdict.met()) return Error(Code::refused, verdict.reason);
  query.counted.clear();
  query.counted.insert(verdict.approved.begin(), verdict.approved.end());
  query.counted.insert(verdict.rejected.begin(), verdict.rejected.end());
  return {};
}

}  // namespace redoubt::cleanroom
