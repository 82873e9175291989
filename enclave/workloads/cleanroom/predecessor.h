// Predecessor: the logs from before a restart, on their way from the host's word to something that the room counts on.
//
// The host names the last head once, at start (it goes into the boot entry), and hands over the entries later; they must reproduce
// that head. They stay its word until every participant of the contract has signed one statement over exactly these logs and
// this instance. A host that leaves out the last entries, forks a log or offers another one therefore needs the signature of
// everyone who saw more. Not thread-safe; the Room guards it.
#pragma once

#include "common/jobs/cleanroom/carried_logs.h"
#include "common/receipt/receipt_file.h"

namespace redoubt::cleanroom {

// Origin: where a proposal was reserved and its ballots' heads belong: this instance's own log, or an old one.
struct Origin {
  const receipt::Log& log;
  std::uint64_t since = 0;                // entries of all later logs together
  std::optional<std::size_t> position;    // of an old log
};

class Predecessor {
 public:
  // `head` is what the host named at start; nothing is accepted without one.
  Predecessor(const jobs::Contract& contract, const InstanceId& instance, std::optional<receipt::TreeHead> head);

  // offer: the host's logs, oldest first, and the last one's checkpoint. The same again changes nothing. `not_found` when no head
  // was named at start, `log_proof` when the logs do not reproduce it, and the errors of CarriedLogs::build.
  Status offer(const std::vector<jobs::OldLog>& untrusted_logs, std::string untrusted_checkpoint);

  // sign takes one participant's signed statement. `not_found` before an offer, `chain`, `binding`, `log_proof` (another head).
  // True when it was new.
  Result<bool> sign(const jobs::Participant& participant, const jobs::SignedDocument& document);

  // complete: an offer that every participant has signed.
  bool complete() const { return logs_.has_value() && missing().empty(); }
  // missing: who has not signed, sorted.
  std::vector<std::string> missing() const;
  // statement: what there is to sign; absent before an offer.
  const std::optional<jobs::CarryOver>& statement() const { return statement_; }
  // The last log's checkpoint, a note by the old receipt key, which only participants know.
  const std::string& checkpoint() const { return checkpoint_; }
  // logs: null before an offer. Unverified until complete().
  const jobs::CarriedLogs* logs() const { return logs_ ? &*logs_ : nullptr; }

  // origin of what names the old instance: `binding` for an instance that was not handed over, `unavailable` until complete().
  Result<Origin> origin(const InstanceId& old) const;
  // reserved: the index of the reservation, of a proposal that may still run here. `log_proof` without a reservation, `refused` when
  // an old log says that it was run.
  Result<std::uint64_t> reserved(const Origin& origin, const jobs::ProposalDigest& proposal) const;

  // proof: what a receipt needs so that ballots with these heads count. Only when complete().
  Result<receipt::CarriedProof> proof(std::size_t position, const std::vector<jobs::LogHead>& heads) const;

 private:
  const jobs::Contract& contract_;
  const InstanceId instance_;
  const std::optional<receipt::TreeHead> head_;
  std::optional<jobs::CarriedLogs> logs_;
  std::optional<jobs::CarryOver> statement_;
  std::string checkpoint_;
  std::map<std::string, crypto::Ed25519Signature> signatures_;
};

}  // namespace redoubt::cleanroom
