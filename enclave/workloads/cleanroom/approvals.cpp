#include "enclave/workloads/cleanroom/approvals.h"

namespace redoubt::cleanroom {
namespace {

Status check_head(const Reserved& reserved, const jobs::LogHead& head, const receipt::Log& log) {
  if (head.size <= reserved.index) {
    return Error(Code::log_proof, "ballot: its log head of size " + std::to_string(head.size) +
                                      " does not include the reservation at " + std::to_string(reserved.index));
  }
  const auto root = log.tree().root_at(head.size);
  if (!root.ok()) {
    return Error(Code::log_proof, "ballot: its log head has size " + std::to_string(head.size) + ", this log only " +
                                      std::to_string(log.size()));
  }
  if (*root != head.root) return Error(Code::log_proof, "ballot: this log does not extend the head that its voter saw");
  return {};
}

}  // namespace

Status check_ballot(const jobs::Contract& contract, const Reserved& reserved, const jobs::SignedDocument& document,
                    const receipt::Log& log, std::uint64_t since, Instant now) {
  REDOUBT_TRY(const jobs::Ballot ballot, jobs::Ballot::parse(document.text));
  const jobs::Participant* voter = contract.find(ballot.voter);
  if (voter == nullptr || !voter->votes) return Error(Code::auth, "ballot: \"" + ballot.voter + "\" has no vote in this contract");
  REDOUBT_CHECK(jobs::verify_document(jobs::kBallotType, document, voter->signing_key));
  if (ballot.proposal != reserved.digest) {
    return Error(Code::binding, "ballot: expected proposal " + reserved.digest.hex() + ", found " + ballot.proposal.hex());
  }
  REDOUBT_CHECK(jobs::check_terms(reserved.proposal.terms, ballot.terms).context("ballot"));
  if (ballot.decision == jobs::Decision::approve) {  // a rejection that was held back until it expired is one all the same
    if (ballot.expires < now) return Error(Code::freshness, "ballot: expired at " + ballot.expires.text());
    if (const std::uint64_t size = log.size() + since; ballot.expires_at_size < size) {
      return Error(Code::freshness, "ballot: void beyond " + std::to_string(ballot.expires_at_size) + " log entries, there are " +
                                        std::to_string(size));
    }
  }
  return check_head(reserved, ballot.head, log);
}

}  // namespace redoubt::cleanroom
