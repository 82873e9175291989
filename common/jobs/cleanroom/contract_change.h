// Contract changes: how one contract comes to follow another (docs/design/contract-change.md).
//
// A participant signs a change, which holds the next contract's whole text; voters of the old contract sign ballots on it; the old identity says once, in its
// log and by its receipt key, that the old contract's rule was met: the hand-over. Who holds the old contract verifies that chain and need not believe the host, the new identity or, beyond the place in
// the log, the old one. Whoever hands over the file may lie in every byte. Pure; immutable after parse.
#pragma once

#include "common/jobs/cleanroom/verdict.h"
#include "common/receipt/receipt_file.h"

namespace redoubt::jobs {

inline constexpr std::string_view kContractChangeType = "redoubt/contract-change/1";
inline constexpr std::string_view kChangeBallotType = "redoubt/change-ballot/1";
inline constexpr std::string_view kHandOverType = "redoubt/hand-over/1";
inline constexpr std::string_view kHandOverFileType = "redoubt/hand-over-file/1";

// Kinds of log entries.
inline constexpr std::string_view kChangeEntry = "change";               // content: change digest; before its ballots
inline constexpr std::string_view kChangeBallotEntry = "change-ballot";  // content: approval digest of the signed ballot
inline constexpr std::string_view kHandOverEntry = "hand-over";          // content: hand-over digest; the old contract has ended
inline constexpr std::string_view kSuccessionEntry = "succession";       // content: hand-over digest; in the log of the next contract

using ChangeDigest = FixedBytes<struct ChangeDigestTag, 32>;
using HandOverDigest = FixedBytes<struct HandOverDigestTag, 32>;

struct ContractChange {
  static constexpr std::size_t kMaxBytes = 640 * 1024;

  ContractDigest contract;  // that is to end
  InstanceId instance;
  std::string next;         // canonical text of the next contract
  std::string proposer;     // participant name
  BallotNonce nonce;
  Instant expires;

  std::string canonical() const;
  static Result<ContractChange> parse(std::string_view text);
  ChangeDigest digest() const;
};

// check_successor: `next` may follow `old`: it names it as previous, has the next epoch and the same environment. `binding`.
Status check_successor(const Contract& old, const Contract& next);

struct ChangeBallot {
  static constexpr std::size_t kMaxBytes = 8 * 1024;

  ContractDigest contract;
  InstanceId instance;
  ChangeDigest change;
  ContractDigest next;
  std::string voter;
  Decision decision = Decision::approve;
  Instant expires;
  std::uint64_t expires_at_size = 0;
  BallotNonce nonce;
  LogHead head;  // includes the change

  std::string canonical() const;
  static Result<ChangeBallot> parse(std::string_view text);
  Vote vote() const { return {voter, decision, expires, expires_at_size}; }
};

// HandOver: what the old identity signs.
struct HandOver {
  static constexpr std::size_t kMaxBytes = 32 * 1024;

  ContractDigest contract;  // that has ended
  InstanceId instance;
  ChangeDigest change;
  ContractDigest next;
  Interval time;                                  // of the program, when the rule was met
  LogHead head;                                   // of its log, just before the entry `hand-over`
  std::vector<receipt::ApprovalDigest> ballots;   // that count, for and against, sorted, each once

  std::string canonical() const;
  static Result<HandOver> parse(std::string_view text);
  HandOverDigest digest() const;
};

// HandOverFile: everything that shows a hand-over to who holds the old contract.
struct HandOverFile {
  static constexpr std::size_t kMaxBytes = 4U << 20;

  std::string old_contract;                    // canonical text
  SignedDocument change;
  std::vector<SignedDocument> ballots;         // those of the hand-over
  SignedDocument hand_over;                    // by the old receipt key
  std::vector<receipt::EarlierHead> extends;   // the head of each ballot, with the proof that hand_over's extends it
  receipt::Proof inclusion;                    // of the entry `hand-over`, below the checkpoint
  std::string checkpoint;                      // a note by the old receipt key

  std::string json() const;
  // parse: `malformed`.
  static Result<HandOverFile> parse(std::string_view text);
};

// What a hand-over file was shown to say.
struct VerifiedHandOver {
  Contract next;
  HandOver hand_over;
  Verdict verdict;
};

// verify_hand_over: as the design page lists it. `old_receipt_key`: of the old identity, as its Evidence showed it; without it the signature of the hand-over, its inclusion and
// its checkpoint are not looked at, and all the rest is. Errors: `chain` (a signature), `auth` (not in the old contract), `binding` (another contract, change or next contract), `log_proof` (a head or place that the log does
// not have), `refused` (the old contract's rule is not met).
Result<VerifiedHandOver> verify_hand_over(const HandOverFile& file, const Contract& old, const std::optional<crypto::Ed25519PublicKey>& old_receipt_key);

// decide_change: the old contract's rule on these votes. With `owners` every voter counts as one.
Verdict decide_change(const Contract& old, const ContractChange& change, std::span<const Vote> votes, const Moment& moment);

}  // namespace redoubt::jobs
