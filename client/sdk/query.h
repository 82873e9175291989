// query: proposals and ballots as a participant makes and judges them (docs/specs/approval.md).
//
// A proposal comes from another participant by way of the hub; it is judged against the contract, the instance that was
// appraised and the manifests that their owners signed, before a ballot binds all of it. Pure, but for the randomness passed in.
#pragma once

#include "client/sdk/enclave_client.h"
#include "client/sdk/hub_client.h"

namespace redoubt::sdk {

// A dataset version that its owner signed under the contract.
struct KnownDataset {
  jobs::Manifest manifest;
  jobs::SignedDocument document;
  std::string state;  // the hub's word
};

// known_datasets: the newest version of each dataset; documents that no owner of the contract signed are left out and named
// in `refused`.
std::vector<KnownDataset> known_datasets(const std::vector<DatasetView>& views, const jobs::Contract& contract,
                                         std::vector<std::string>* refused);

// mentioned: the datasets whose names stand in the text as words. A guess that the proposer sees before signing.
std::vector<std::string> mentioned(std::string_view sql, const std::vector<KnownDataset>& datasets);

struct ProposalPlan {
  std::string sql;
  std::vector<jobs::ManifestDigest> manifests;
  std::vector<std::string> recipients;
  int k = 0;
  Instant expires;
  std::optional<jobs::PrivacyLevel> level = std::nullopt;  // absent: the contract's floor
  std::optional<jobs::Noise> noise = std::nullopt;         // for differential_privacy; absent: the defaults
};

// The loss of a query at differential_privacy that names none.
inline constexpr std::string_view kDefaultEpsilon = "1";
inline constexpr std::string_view kDefaultDelta = "0.000001";

// make_proposal: `usage` for noise at another level; errors of Proposal::parse.
Result<jobs::Proposal> make_proposal(const ProposalPlan& plan, const jobs::Contract& contract, const attest::Claims& claims,
                                     const InstanceView& instance, std::string_view proposer, crypto::Random& random);

// judge_terms: the proposal binds this contract, this instance (or one that `carried`, what this participant signed for it,
// names; may be null), this program and rule set, at least the contract's k, known
// recipients, and only datasets that are known here. `binding` or `refused`, naming the field.
Status judge_terms(const jobs::Proposal& proposal, const jobs::Contract& contract, const attest::Claims& claims,
                   const InstanceView& instance, const std::vector<KnownDataset>& datasets, const jobs::CarryOver* carried);

// Entries that the log may grow by before a ballot is void.
inline constexpr std::uint64_t kBallotLogRoom = 1000;

// make_ballot: `head` includes the reservation; `log_size` is head.size, and more when later logs went on from that one. `renews`: an own approval that has lapsed.
jobs::SignedDocument make_ballot(const jobs::Proposal& proposal, jobs::Decision decision, const receipt::TreeHead& head,
                                 std::uint64_t log_size, Instant expires, const KeyFile& voter, crypto::Random& random,
                                 std::optional<receipt::ApprovalDigest> renews = std::nullopt);

// own_ballot: the digest of the ballot on this proposal, among those that the hub shows, that `voter` signed; nothing without one.
std::optional<receipt::ApprovalDigest> own_ballot(const std::vector<jobs::SignedDocument>& ballots, const jobs::ProposalDigest& proposal, const KeyFile& voter);

}  // namespace redoubt::sdk
