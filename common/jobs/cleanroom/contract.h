// The contract of a clean room: who takes part, by which keys, under which rules, on which Evidence (docs/specs/clean-room-documents.md).
//
// Signed JSON with closed keys; its digest is what instances, manifests and ballots are bound to, and every participant keeps
// the contract itself: none is ever taken from a server. A new contract is a new identity. Pure; immutable after parse.
#pragma once

#include "common/attest/appraise/policy.h"
#include "common/base/ids.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/hpke.h"
#include "common/jobs/cleanroom/approval.h"

namespace redoubt::jobs {

// PrivacyLevel: from the weakest to the strictest, so that a contract's floor is a comparison. k_anonymized accepts what
// aggregate_only accepts, and rows of attributes besides; differential_privacy alone holds against who knows everything else.
enum class PrivacyLevel { none, k_anonymized, aggregate_only, differential_privacy };
std::string_view name_of(PrivacyLevel level);
Result<PrivacyLevel> parse_privacy_level(std::string_view name);

struct Participant {
  std::string name;                             // 1 to 64 of [a-z0-9._-], unique in the contract
  crypto::Ed25519PublicKey signing_key;         // manifests, ballots, sessions
  crypto::HpkePublicKey hpke_key;             // results are sealed to it
  std::optional<crypto::Ed25519PublicKey> recovery_key;  // offline; without one a lost key means lost results
  bool votes;                                   // the approval rule counts this participant; dataset owners must vote
};

struct Contract {
  static constexpr std::size_t kMaxBytes = 256 * 1024;
  static constexpr std::size_t kMaxParticipants = 64;

  std::string environment;                 // its id, as participant names
  std::uint64_t epoch;                     // 1, then one more for every contract that replaces another
  std::optional<ContractDigest> previous;  // the contract that this one replaces
  std::vector<Participant> participants;   // sorted by name; no key occurs twice
  Approval approval;                       // whom a proposal needs; what it means is in verdict.h
  PrivacyLevel privacy_floor;              // no query may ask for less
  int k;                                   // smallest number of units behind a released row, 2 to 1000
  int recovery_quorum;                     // recovery keys that together may replace a participant; 0 = none
  appraise::Policy evidence;               // accepted platforms and Reference Values

  std::string canonical() const;
  // parse accepts canonical bytes only, and a contract that can work: someone votes, names and keys differ, results can be sealed to every participant, the approval rule
  // names voters and no more of them than there are, the policy is for this workload.
  static Result<Contract> parse(std::string_view text);
  // digest = SHA-256 over Fields("redoubt/contract/1", canonical()).
  ContractDigest digest() const;

  const Participant* find(std::string_view name) const;
  const Participant* find(const crypto::Ed25519PublicKey& signing_key) const;
};

// valid_name: 1 to 64 characters of [a-z0-9._-], starting with a letter or digit. Participants, environments, datasets.
Status check_name(std::string_view name, std::string_view what);

// What every listed participant signs before an instance accepts anything: {label, contract digest, instance id}.
Bytes instance_statement(const ContractDigest& contract, const InstanceId& instance);

}  // namespace redoubt::jobs
