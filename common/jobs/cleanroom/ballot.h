// Proposals and ballots: how a query comes to run (docs/specs/clean-room-documents.md).
//
// A proposer signs a proposal; the enclave checks it against the rules, and *reserves* it in its log before ballots open. A
// ballot is signed by a participant's contract key over everything that the run will use: contract, instance, query text
// digest, level, k and noise, dataset manifests, recipients, program measurement, rule-set version, decision, expiry by time and by
// log size, a nonce, and a log head that includes the reservation. A run needs ballots that all agree with the proposal in
// every field; a log that does not extend a ballot's head is refused. So a changed query, another dataset version, another
// program or a rolled-back log makes the ballot void. An approval that has lapsed is renewed by another ballot that names it. Pure; immutable after parse.
#pragma once

#include "common/base/instant.h"
#include "common/jobs/cleanroom/manifest.h"
#include "common/receipt/receipt.h"

namespace redoubt::jobs {

using ProposalDigest = FixedBytes<struct ProposalDigestTag, 32>;
using QueryDigest = FixedBytes<struct QueryDigestTag, 32>;
using BallotNonce = FixedBytes<struct BallotNonceTag, 16>;

inline constexpr std::string_view kProposalType = "redoubt/proposal/1";
inline constexpr std::string_view kBallotType = "redoubt/ballot/1";

// The version of the privacy rules that this build's engine enforces: bound into proposals, ballots and receipts. The engine's own
// name for its rules is asserted to be this one (enclave/workloads/cleanroom/engine/answer.cpp).
inline constexpr std::string_view kRuleSet = "redoubt/query-rules/6";

// query_digest = SHA-256 over Fields("redoubt/query/1", exact UTF-8 text).
QueryDigest query_digest(std::string_view sql);

// Terms: what a run binds to; the same in the proposal and in every ballot.
struct Terms {
  ContractDigest contract;
  InstanceId instance;
  QueryDigest query;
  PrivacyLevel level;
  int k;
  std::vector<ManifestDigest> manifests;       // of the datasets that the query may read, sorted, each once
  std::vector<std::string> recipients;         // participant names, sorted, each once; at least one
  appraise::ProgramDigest program;             // measurement of the enclave program
  std::string rule_set;                        // version of the privacy rules that the program enforces
  std::optional<Noise> noise = std::nullopt;   // at differential_privacy, and at no other level

  friend bool operator==(const Terms&, const Terms&) = default;
};

struct Proposal {
  static constexpr std::size_t kMaxBytes = 128 * 1024;
  static constexpr std::size_t kMaxSql = 32 * 1024;

  Terms terms;
  std::string proposer;  // participant name
  std::string sql;       // the exact text; terms.query is its digest
  BallotNonce nonce;
  Instant expires;

  std::string canonical() const;
  static Result<Proposal> parse(std::string_view text);
  ProposalDigest digest() const;
};

// What a receipt commits to as its inputs and parameters.
Bytes inputs_statement(const std::vector<ManifestDigest>& manifests);
Bytes parameters_statement(PrivacyLevel level, int k, const std::optional<Noise>& noise);

// The head of the log that a voter has seen and verified.
struct LogHead {
  std::uint64_t size = 0;  // entries
  receipt::TreeHash root;
  friend bool operator==(const LogHead&, const LogHead&) = default;
};

enum class Decision { approve, reject };

struct Ballot {
  static constexpr std::size_t kMaxBytes = 64 * 1024;

  Terms terms;
  ProposalDigest proposal;
  std::string voter;  // participant name
  Decision decision;
  Instant expires;
  std::uint64_t expires_at_size;  // log entries; void once the log is longer
  BallotNonce nonce;
  LogHead head;                   // includes the reservation of the proposal
  std::optional<receipt::ApprovalDigest> renews = std::nullopt;  // the voter's own approval of this proposal that this one stands in for, since that has lapsed

  std::string canonical() const;
  static Result<Ballot> parse(std::string_view text);
};

// renews: `later` names `earlier`, an approval by the same voter of the same proposal, as the one that it stands in for. Whoever carries ballots may bring them
// again and in any order, and a host may set its clock back; so the order of one voter's ballots is what that voter signed. Whether the earlier one has lapsed is not asked here.
bool renews(const Ballot& later, const Ballot& earlier, const receipt::ApprovalDigest& earlier_digest);

// check_terms tells in which field `found` differs from `expected`: `binding`, naming the field and both values.
Status check_terms(const Terms& expected, const Terms& found);

}  // namespace redoubt::jobs
