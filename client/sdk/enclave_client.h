// EnclaveClient: an attested session with an enclave program and the participants' door behind it (docs/design/clean-room-flow.md).
//
// It exists only after the program's Evidence was accepted against the contract that the participant holds itself. From then
// on the connection ends in that program; what it says of its log is still checked by proofs. Answers are bounded and strict.
// One thread at a time.
#pragma once

#include "client/sdk/attested_session.h"
#include "client/sdk/key_file.h"
#include "client/sdk/open_door.h"
#include "client/sdk/votes.h"
#include "common/jobs/cleanroom/carry_over.h"
#include "common/jobs/cleanroom/contract_change.h"
#include "common/receipt/log.h"

namespace redoubt::sdk {

// What a participant brings to every session. Borrowed: it must outlive the client.
struct Relying {
  const jobs::Contract& contract;
  const KeyFile& keys;
  ratls::Appraise appraise;
  crypto::Random& random;
  ratls::Now now;
};

// CarryOverView: the old logs that the host of a new instance handed it. Nothing of it is verified.
struct CarryOverView {
  jobs::CarryOver statement;
  std::string checkpoint;            // of the last old log
  std::vector<std::string> missing;  // who has not signed, as the program says
};

// InstanceView: what the program says of itself through the session. claims and contract are checked, the rest is its word.
struct InstanceView {
  std::vector<std::string> joined;
  bool open = false;
  std::string rule_set;
  std::string engine_sandbox;       // what holds the query engine; "no landlock" in it where the kernel has none
  appraise::ProgramDigest program;  // equals what the Evidence showed
  receipt::Checkpoint checkpoint;
  std::optional<CarryOverView> carry_over;  // after a restart that could not go on from sealed state
  std::string state;                        // whether what it keeps is sealed, and how this boot began; empty from programs of an earlier release
  std::optional<std::string> previous = std::nullopt;  // text of the head that the instance takes over from, empty for none; absent from programs of an earlier release
};

// BudgetView: what the program says of a dataset's budget of privacy loss, after all reservations so far. Decimal text, for people.
struct BudgetView {
  std::string dataset;
  std::string epsilon_reserved, epsilon_total, delta_total;
  std::string rho_cost, rho_reserved, rho_left, rho_total;
};

// ReservationView: a proposal and its verified place in the log.
struct ReservationView {
  jobs::SignedDocument document;
  jobs::Proposal proposal;
  std::uint64_t index = 0;
  receipt::Checkpoint checkpoint;  // of this instance's log
  receipt::TreeHead head;          // includes the reservation: of this log, or of the old log that it was carried over with
  std::uint64_t log_size = 0;      // entries since, and with, that log's first
  VotesView votes;                 // how its ballots stand, as the program says through the session
  // budgets: at differential_privacy; empty where the program does not know yet what the instances before it were asked.
  std::vector<BudgetView> budgets = {};
};

class EnclaveClient {
 public:
  // connect: errors of HttpClient::connect. `record` gets the appraisal, also when it was not accepted; may be null.
  static Result<EnclaveClient> connect(const Address& address, const Relying& relying,
                                       std::shared_ptr<SessionRecord> record = nullptr);

  // claims of the appraised program.
  const attest::Claims& claims() const { return *appraisal_.claims; }
  const appraise::Appraisal& appraisal() const { return appraisal_; }

  // instance: `binding` when the answer names other claims, another contract or another program than the Evidence did.
  Result<InstanceView> instance();
  // join signs {contract digest, instance id}.
  Status join();
  Status leave_enrolment(ByteView enrolment);
  // release hands over a dataset's object key, sealed to the program's attested key for this manifest and instance.
  Status release(const jobs::SignedDocument& manifest, const SecretBytes& object_key);
  // carry_over signs the statement; old_entries are unverified.
  Status carry_over(const jobs::CarryOver& statement);
  Result<std::vector<Bytes>> old_entries(std::uint64_t position, std::uint64_t from);
  // reservation: `carried` is the statement that this participant signed for this instance, or null. `binding` for another proposal than asked for, `chain` for a wrong signature, `log_proof` for a place that
  // the log does not show.
  Result<ReservationView> reservation(const jobs::ProposalDigest& proposal, const jobs::CarryOver* carried);

  // handed_over: the hand-over file of a contract that has ended; unverified (jobs::verify_hand_over). `not_found` while it has not.
  Result<std::string> handed_over();

  Result<receipt::Checkpoint> checkpoint();
  // consistency: unverified; verify it against the two heads.
  Result<receipt::Proof> consistency(std::uint64_t from, std::uint64_t to);
  // entries from index `from`; at most 1000 at a time.
  Result<std::vector<receipt::LogEntry>> entries(std::uint64_t from);

 private:
  EnclaveClient(net::HttpClient client, const Relying& relying, appraise::Appraisal appraisal)
      : client_(std::move(client)), relying_(relying), appraisal_(std::move(appraisal)) {}
  Result<receipt::Checkpoint> verify_note(std::string_view note) const;

  net::HttpClient client_;
  Relying relying_;
  appraise::Appraisal appraisal_;
};

// check_reservation: the place in the log that an answer {index, inclusion, checkpoint} claims for a proposal.
Result<receipt::Checkpoint> check_reservation(const jobs::ProposalDigest& proposal, std::uint64_t index,
                                              const receipt::Proof& inclusion, std::string_view note,
                                              const attest::Claims& claims);

}  // namespace redoubt::sdk
