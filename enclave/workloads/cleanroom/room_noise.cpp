// Noise and its budgets: what a query at differential_privacy costs, whether its datasets still allow it, and where its noise comes from.
#include <algorithm>
#include <limits>
#include <set>

#include "enclave/workloads/cleanroom/room.h"

namespace redoubt::cleanroom {

Result<std::vector<const jobs::Manifest*>> Room::manifests_of(const jobs::Terms& terms) const {
  std::vector<const jobs::Manifest*> out;
  for (const jobs::ManifestDigest& digest : terms.manifests) {
    const auto found = datasets_.find(digest);
    if (found == datasets_.end()) {
      return Error(Code::unavailable, "the manifest of dataset " + digest.hex() + ", which a query with noise reads, is not here: the host hands it over");
    }
    out.push_back(&found->second.manifest());
  }
  return out;
}

Result<NoiseBudget> Room::accounts(const std::vector<jobs::ManifestDigest>& datasets, const Place& before) const {
  REDOUBT_CHECK(history_known());
  std::map<Place, const Reserved*> reservations;
  const auto consider = [&](const Reserved& other) -> Status {
    if (!other.proposal.terms.noise) return {};
    REDOUBT_TRY(const Place place, place_of(other));
    if (place < before) reservations.emplace(place, &other);
    return {};
  };
  for (const auto& [digest, other] : recalled_) REDOUBT_CHECK(consider(other));
  for (const auto& [digest, query] : queries_) REDOUBT_CHECK(consider(query.reserved));
  // Whether an earlier query was refused may hang on another dataset of it, and so on what was asked of that one.
  std::set<jobs::ManifestDigest> linked(datasets.begin(), datasets.end());
  const auto shares = [&](const Reserved& other) {
    return std::ranges::any_of(other.proposal.terms.manifests, [&](const auto& manifest) { return linked.contains(manifest); });
  };
  for (std::size_t known = 0; known != linked.size();) {
    known = linked.size();
    for (const auto& [place, other] : reservations) {
      if (shares(*other)) linked.insert(other->proposal.terms.manifests.begin(), other->proposal.terms.manifests.end());
    }
  }
  NoiseBudget out;
  for (const auto& [place, other] : reservations) {
    if (!shares(*other)) continue;
    REDOUBT_TRY(const auto manifests, manifests_of(other->proposal.terms));
    const auto verdict = out.admit(other->proposal.terms, manifests);
    if (!verdict.ok() && verdict.error().code() != Code::refused) return verdict.error();
  }
  return out;
}

Result<std::vector<receipt::LogEntry>> Room::reserve_noise(const jobs::Proposal& proposal, const jobs::ProposalDigest& digest, runtime::ReleaseTick::Milliseconds begun) {
  REDOUBT_TRY(const auto manifests, manifests_of(proposal.terms));
  // Whether it could ever be answered does not hang on what was asked before.
  REDOUBT_TRY([[maybe_unused]] const auto alone, NoiseBudget().admit(proposal.terms, manifests).context("proposal"));
  REDOUBT_CHECK(check_least_price(proposal.terms.noise->loss, manifests).context("proposal"));
  // What instances before this one were asked may not be known yet. The reservation stands, and the run is judged when it is.
  std::vector<receipt::LogEntry> out;
  if (!history_known().ok()) return out;
  REDOUBT_TRY(NoiseBudget budget, accounts(proposal.terms.manifests, {std::numeric_limits<std::size_t>::max(), log_.size()}));
  REDOUBT_TRY(const NoiseBudget::Verdict verdict, budget.admit(proposal.terms, manifests));
  if (verdict == NoiseBudget::Verdict::refused) return not_answered(digest, proposal.proposer, begun);
  if (verdict == NoiseBudget::Verdict::reserved) out.push_back({std::string(jobs::kBudgetEntry), budget.digest(digest, manifests)});
  return out;
}

Result<bool> Room::noise_allowed(const Reserved& reserved) const {
  REDOUBT_TRY(const Place place, place_of(reserved));
  REDOUBT_TRY(NoiseBudget budget, accounts(reserved.proposal.terms.manifests, place));
  REDOUBT_TRY(const auto manifests, manifests_of(reserved.proposal.terms));
  const auto verdict = budget.admit(reserved.proposal.terms, manifests);
  if (!verdict.ok() && verdict.error().code() == Code::refused) return false;
  REDOUBT_TRY(const NoiseBudget::Verdict found, verdict);
  return found != NoiseBudget::Verdict::refused;
}

Result<SecretBytes> Room::noise_seed(const jobs::Terms& terms) const {
  if (!terms.noise) return SecretBytes();
  std::vector<sql::dp::TouchedDataset> touched;
  for (const jobs::ManifestDigest& digest : terms.manifests) {
    const auto found = datasets_.find(digest);
    if (found == datasets_.end() || !found->second.has_key()) return Error(Code::unavailable, "a dataset's key is not here");
    touched.push_back({sql::dp::DatasetDigest(digest.array()), &found->second.key()});
  }
  REDOUBT_TRY(const auto seed, sql::dp::NoiseSeed::derive(touched, contract_digest_, sql::dp::QueryDigest(terms.query.array()),
                                                          {terms.program.view(), terms.rule_set}));
  return seed.secret().clone();
}

std::optional<std::vector<BudgetLine>> Room::budget_lines(const jobs::Terms& terms) const {
  if (!terms.noise) return std::nullopt;
  const auto manifests = manifests_of(terms);
  const auto budget = accounts(terms.manifests, {std::numeric_limits<std::size_t>::max(), log_.size()});
  const auto cost = noise_price(terms.noise->loss);
  if (!manifests.ok() || !budget.ok() || !cost.ok()) return std::nullopt;
  std::vector<BudgetLine> out;
  for (const jobs::Manifest* manifest : *manifests) {
    if (auto line = budget->line(*manifest, cost->rho)) out.push_back(std::move(*line));
  }
  return out;
}

}  // namespace redoubt::cleanroom
