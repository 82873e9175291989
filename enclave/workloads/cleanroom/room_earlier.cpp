// What was asked before: the order of reservations, also over restarts, for rules T4 and T5.
//
// All reservations count, run or not: a query that a fork of this log answered was reserved in this one too, since every ballot's head
// holds it. So two forks cannot each answer a half of what together would tell about few people.
#include "enclave/workloads/cleanroom/room.h"

namespace redoubt::cleanroom {

Result<Room::Place> Room::place_of(const Reserved& reserved) const {
  REDOUBT_TRY(const Origin from, origin(reserved.proposal.terms.instance));
  return Place{from.position.value_or(std::numeric_limits<std::size_t>::max()), reserved.index};
}

std::vector<jobs::ProposalDigest> Room::forgotten(std::size_t max) const {
  std::vector<jobs::ProposalDigest> out;
  if (!predecessor_.complete()) return out;
  const jobs::CarriedLogs& logs = *predecessor_.logs();
  for (std::size_t position = 0; position < logs.count(); ++position) {
    for (const auto& [index, digest] : logs.reservations(position)) {
      if (out.size() < max && !recalled_.contains(digest) && !queries_.contains(digest)) out.push_back(digest);
    }
  }
  return out;
}

Status Room::recall(const jobs::SignedDocument& document) {
  const std::lock_guard lock(mutex_);
  REDOUBT_CHECK(require_open());
  REDOUBT_TRY(jobs::Proposal proposal, jobs::Proposal::parse(document.text));
  const jobs::Participant* proposer = contract_.find(proposal.proposer);
  if (proposer == nullptr) return Error(Code::auth, "proposal: \"" + proposal.proposer + "\" is not in this contract");
  REDOUBT_CHECK(jobs::verify_document(jobs::kProposalType, document, proposer->signing_key));
  const jobs::ProposalDigest digest = proposal.digest();
  if (recalled_.contains(digest)) return {};
  REDOUBT_TRY(const Origin from, predecessor_.origin(proposal.terms.instance).context("proposal: instance"));
  const auto index = from.position ? predecessor_.logs()->reservation(*from.position, digest) : std::nullopt;
  if (!index) return Error(Code::log_proof, "proposal: the log of the instance that it names has no reservation of it");
  recalled_.emplace(digest, Reserved{std::move(proposal), digest, *index});
  return {};
}

Status Room::history_known() const {
  if (identity_.previous && !carried_) {
    return Error(Code::unavailable, "what the instance before was asked is not known yet: its log is not carried over");
  }
  if (const auto unknown = forgotten(1); !unknown.empty()) {
    return Error(Code::unavailable, "what the instance before was asked is not known yet: the host has not handed over proposal " +
                                        unknown.front().hex());
  }
  return {};
}

Result<std::vector<Asked>> Room::earlier(const Reserved& reserved) const {
  std::vector<Asked> out;
  const jobs::Terms& own = reserved.proposal.terms;
  if (own.level == jobs::PrivacyLevel::none) return out;  // it releases nothing that a threshold protects
  REDOUBT_CHECK(history_known());
  if (own.noise) return out;  // its budget bounds what it tells together with all others
  REDOUBT_TRY(const Place own_place, place_of(reserved));
  std::map<Place, const Reserved*> before;
  const auto consider = [&](const Reserved& other) -> Status {
    const jobs::Terms& terms = other.proposal.terms;
    const bool shares = std::ranges::any_of(terms.manifests, [&](const auto& manifest) { return std::ranges::find(own.manifests, manifest) != own.manifests.end(); });
    if (!shares || terms.level == jobs::PrivacyLevel::none || terms.noise) return {};
    REDOUBT_TRY(const Place place, place_of(other));
    if (place < own_place) before.emplace(place, &other);
    return {};
  };
  for (const auto& [digest, other] : recalled_) REDOUBT_CHECK(consider(other));
  for (const auto& [digest, query] : queries_) REDOUBT_CHECK(consider(query.reserved));
  for (const auto& [place, other] : before) {
    const jobs::Terms& terms = other->proposal.terms;
    Asked asked{other->proposal.sql, terms.level, terms.k, {}};
    for (const jobs::ManifestDigest& digest : terms.manifests) {
      const auto found = datasets_.find(digest);
      if (found == datasets_.end() || found->second.state() != DatasetState::ready) {
        return Error(Code::unavailable, "dataset " + digest.hex() + ", over which an earlier query was asked, is not ready: its owner releases the key, " +
                                            "the host its ciphertext");
      }
      asked.tables.push_back(found->second.view());
    }
    out.push_back(std::move(asked));
  }
  return out;
}

}  // namespace redoubt::cleanroom
