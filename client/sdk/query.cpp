#include "client/sdk/query.h"

#include <map>

namespace redoubt::sdk {
namespace {

bool word_character(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::vector<KnownDataset> known_datasets(const std::vector<DatasetView>& views, const jobs::Contract& contract,
                                         std::vector<std::string>* refused) {
  std::map<std::string, KnownDataset> newest;
  for (const DatasetView& view : views) {
    const auto verified = [&]() -> Result<jobs::Manifest> {
      REDOUBT_TRY(auto manifest, jobs::Manifest::parse(view.document.text));
      const jobs::Participant* owner = contract.find(manifest.owner);
      if (owner == nullptr) return Error(Code::auth, "owner \"" + manifest.owner + "\" is not in this contract");
      REDOUBT_CHECK(jobs::verify_document(jobs::kManifestType, view.document, owner->signing_key));
      if (manifest.contract != contract.digest()) return Error(Code::binding, "of another contract " + manifest.contract.hex());
      return manifest;
    }();
    if (!verified.ok()) {
      if (refused != nullptr) refused->push_back("dataset " + view.digest + ": " + verified.error().message());
      continue;
    }
    const auto found = newest.find(verified->dataset);
    if (found == newest.end() || found->second.manifest.version < verified->version) {
      newest.insert_or_assign(verified->dataset, KnownDataset{*verified, view.document, view.state});
    }
  }
  std::vector<KnownDataset> datasets;
  for (auto& [name, dataset] : newest) datasets.push_back(std::move(dataset));
  return datasets;
}

std::vector<std::string> mentioned(std::string_view sql, const std::vector<KnownDataset>& datasets) {
  std::string text(sql);
  std::ranges::transform(text, text.begin(), lower);
  std::vector<std::string> names;
  for (const KnownDataset& dataset : datasets) {
    const std::string& name = dataset.manifest.dataset;
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
      const bool begins = at == 0 || !word_character(text[at - 1]);
      const bool ends = at + name.size() == text.size() || !word_character(text[at + name.size()]);
      if (!begins || !ends) continue;
      names.push_back(name);
      break;
    }
  }
  return names;
}

Result<jobs::Proposal> make_proposal(const ProposalPlan& plan, const jobs::Contract& contract, const attest::Claims& claims,
                                     const InstanceView& instance, std::string_view proposer, crypto::Random& random) {
  jobs::Proposal proposal;
  proposal.terms.contract = contract.digest();
  proposal.terms.instance = claims.instance;
  proposal.terms.query = jobs::query_digest(plan.sql);
  proposal.terms.level = plan.level.value_or(contract.privacy_floor);
  proposal.terms.k = plan.k == 0 ? contract.k : plan.k;
  const bool noisy = proposal.terms.level == jobs::PrivacyLevel::differential_privacy;
  if (plan.noise && !noisy) return Error(Code::usage, "epsilon, delta and limits are for level differential_privacy");
  if (noisy) {
    proposal.terms.noise = plan.noise.value_or(jobs::Noise{{std::string(kDefaultEpsilon), std::string(kDefaultDelta)}});
  }
  proposal.terms.manifests = plan.manifests;
  proposal.terms.recipients = plan.recipients;
  proposal.terms.program = instance.program;
  proposal.terms.rule_set = instance.rule_set;
  std::ranges::sort(proposal.terms.manifests);
  std::ranges::sort(proposal.terms.recipients);
  proposal.proposer = proposer;
  proposal.sql = plan.sql;
  proposal.nonce = random.fixed<jobs::BallotNonce>();
  proposal.expires = plan.expires;
  REDOUBT_TRY(auto checked, jobs::Proposal::parse(proposal.canonical()));
  return checked;
}

Status judge_terms(const jobs::Proposal& proposal, const jobs::Contract& contract, const attest::Claims& claims,
                   const InstanceView& instance, const std::vector<KnownDataset>& datasets, const jobs::CarryOver* carried) {
  const jobs::Terms& terms = proposal.terms;
  jobs::Terms own = terms;  // what is ours to insist on; the rest is the proposer's choice, shown before signing
  own.contract = contract.digest();
  if (carried == nullptr || carried->find(terms.instance) == nullptr) own.instance = claims.instance;
  own.query = jobs::query_digest(proposal.sql);
  own.program = instance.program;
  own.rule_set = instance.rule_set;
  REDOUBT_CHECK(jobs::check_terms(own, terms).context("proposal"));
  if (terms.k < contract.k) {
    return Error(Code::refused, "proposal: expected k of at least " + std::to_string(contract.k) + ", found " + std::to_string(terms.k));
  }
  if (terms.level < contract.privacy_floor) {
    return Error(Code::refused, "proposal: expected a level of at least " + std::string(name_of(contract.privacy_floor)) + ", found " +
                                    std::string(name_of(terms.level)));
  }
  for (const std::string& recipient : terms.recipients) {
    if (contract.find(recipient) == nullptr) return Error(Code::refused, "proposal: recipient \"" + recipient + "\" is not in this contract");
  }
  for (const jobs::ManifestDigest& digest : terms.manifests) {
    const bool known = std::ranges::any_of(datasets, [&](const KnownDataset& dataset) { return dataset.manifest.digest() == digest; });
    if (!known) {
      return Error(Code::binding, "proposal: manifest " + digest.hex() + " is not the newest version of a dataset that its owner signed");
    }
  }
  return {};
}

jobs::SignedDocument make_ballot(const jobs::Proposal& proposal, jobs::Decision decision, const receipt::TreeHead& head,
                                 std::uint64_t log_size, Instant expires, const KeyFile& voter, crypto::Random& random,
                                 std::optional<receipt::ApprovalDigest> renews) {
  const jobs::Ballot ballot{proposal.terms,
                            proposal.digest(),
                            voter.name(),
                            decision,
                            expires,
                            log_size + kBallotLogRoom,
                            random.fixed<jobs::BallotNonce>(),
                            {head.size, head.root},
                            std::move(renews)};
  return jobs::sign_document(jobs::kBallotType, ballot.canonical(), voter.signing());
}

std::optional<receipt::ApprovalDigest> own_ballot(const std::vector<jobs::SignedDocument>& ballots, const jobs::ProposalDigest& proposal, const KeyFile& voter) {
  for (const jobs::SignedDocument& document : ballots) {
    const auto ballot = jobs::Ballot::parse(document.text);
    if (!ballot.ok() || ballot->voter != voter.name() || ballot->proposal != proposal) continue;
    if (jobs::verify_document(jobs::kBallotType, document, voter.signing().public_key()).ok()) return receipt::approval_digest(document.encode());
  }
  return std::nullopt;
}

}  // namespace redoubt::sdk
