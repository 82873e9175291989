// Room: one clean room, from its first entry in the log to sealed results. Everything an enclave program decides is here.
//
// It serves two doors. Calls with a `participant` come through an attested session that the named participant has
// authenticated; all others come from the host, which may lie, replay, drop and reorder: what they carry is signed by
// participants, or is ciphertext, or is refused. Nothing is accepted before every participant of the contract has joined.
// Repeating a call with the same bytes gives the same answer and changes nothing, so that the host may retry. Participants are
// shown no head of the log that the host has not said to have stored, so that a program that is killed takes no promise with
// it. Where its state is sealed every accepted change is durable before anyone is told, and a restarted program goes on with it (room_record.h). Plaintext and keys stay in this process. Errors hold fixed text, names, digests and counts, never data. Thread-safe: one lock; a running
// query holds it.
//
// Specifications: docs/design/clean-room-flow.md, docs/specs/clean-room-documents.md.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "common/attest/evidence/claims.h"
#include "common/jobs/cleanroom/contract_change.h"
#include "common/jobs/cleanroom/log_entries.h"
#include "common/jobs/cleanroom/verdict.h"
#include "common/receipt/receipt_file.h"
#include "enclave/runtime/clock/release_tick.h"
#include "enclave/runtime/clock/time_floor.h"
#include "enclave/workloads/cleanroom/approvals.h"
#include "enclave/workloads/cleanroom/dataset.h"
#include "engines/sql/accounts/noise_budget.h"
#include "enclave/workloads/cleanroom/predecessor.h"
#include "enclave/workloads/cleanroom/query_engine.h"
#include "enclave/workloads/cleanroom/room_record.h"

namespace redoubt::cleanroom {

using Now = std::function<Instant()>;
// Keep makes one record durable and sealed; after an error the room stays as it was, and so do all later calls that would change it.
using Keep = std::function<Status(ByteView)>;

// What a participant is told about a proposal, and what it can check: the proposal itself and its place in the log.
struct Reservation {
  jobs::SignedDocument proposal;
  jobs::ProposalDigest digest;
  InstanceId log;            // whose log holds it: this instance's, or one that it goes on from
  std::uint64_t index = 0;
  receipt::Proof inclusion;  // below `checkpoint`, or below the carried head of an old log
  std::string checkpoint;    // signed note of this instance's log
  // budget: of a query at differential_privacy, the accounts of its datasets after all reservations so far; absent while what the instances
  // before were asked is not known.
  std::optional<std::vector<BudgetLine>> budget = std::nullopt;
};

// One sealed result for one recipient.
struct ResultPackage {
  std::string recipient;
  Bytes sealed;  // crypto::HpkeMessage, info = jobs::result_statement
};

// ChangeView: a change of the contract, its place in the log, and how its ballots stand.
struct ChangeView {
  jobs::SignedDocument change;
  jobs::ChangeDigest digest;
  std::uint64_t index = 0;
  receipt::Proof inclusion;  // below `checkpoint`
  std::string checkpoint;
  jobs::Verdict verdict;
};

struct RunOutput {
  std::string receipt_file;  // JSON of receipt::ReceiptFile
  std::vector<ResultPackage> packages;
};

// CarryOverStatus: what participants are asked to sign after a restart.
struct CarryOverStatus {
  jobs::CarryOver statement;
  std::string checkpoint;            // of the last old log, a note by the old receipt key; the host's word
  std::vector<std::string> missing;  // who has not signed
};

struct RoomStatus {
  std::vector<std::string> joined;
  bool open = false;   // everyone has joined, and a contract that follows another has its hand-over
  bool ended = false;  // the contract was handed over to the next one
  std::vector<std::pair<jobs::ManifestDigest, DatasetState>> datasets;
  std::vector<std::pair<jobs::ProposalDigest, std::string>> proposals;  // "voting", "rejected", "approved", "done"
  std::uint64_t log_size = 0;
  std::optional<CarryOverStatus> carry_over;  // absent without old logs
  // What the carried logs reserved and nobody has handed over the text of, at most 1000: see recall().
  std::vector<jobs::ProposalDigest> forgotten;
};

class Room {
 public:
  // The keys of an instance, those of this boot, and what vouches for them.
  struct Identity {
    attest::Claims claims;
    crypto::Ed25519PrivateKey receipt_key;
    crypto::HpkePrivateKey hpke_key;
    appraise::ProgramDigest program;            // as the launcher measured it
    receipt::StoredEvidence evidence;           // Identity Evidence over the claims, kept beside every receipt
    std::map<std::string, Bytes> enrolments;    // the latest AkEnrolment that each participant left, for receipts
    Instant time_floor;                         // release date; the program's time is never below it
    std::optional<receipt::TreeHead> previous;  // last head of the instance before, as the host handed it over
  };

  // A new instance. `engine`, `random` must outlive the room. `tick` holds back refusals that may depend on data, or on what others asked; the room is locked meanwhile.
  Room(jobs::Contract contract, Identity identity, QueryEngine& engine, crypto::Random& random, Now host_clock, runtime::ReleaseTick tick = {});
  // restore: a new boot of an instance with these records, oldest first; `identity` has its keys, and what it says of a previous head and enrolments
  // is replaced by what was kept. `malformed`, `log_proof`, `chain`, `binding`: these are not the records of one room. Takes no call before keep_in().
  static Result<std::unique_ptr<Room>> restore(jobs::Contract contract, Identity identity, QueryEngine& engine, crypto::Random& random, Now host_clock,
                                               const std::vector<SecretBytes>& records, runtime::ReleaseTick tick = {});
  // keep_in: from now on every change is kept, and the boot first. Called before anybody is served. The error is the keeper's: it says nothing about the records.
  Status keep_in(Keep keep);

  // Everything that is accepted costs a write of the platform's anchor, so all of it is bounded (docs/design/sealed-state.md, "Wear").
  static constexpr std::size_t kMaxDatasets = 256;
  static constexpr std::size_t kMaxQueries = 10'000;
  static constexpr std::size_t kMaxEnrolments = 100;  // different ones, of one participant
  static constexpr std::size_t kMaxRefusals = 500;    // refused proposals of one participant
  static constexpr std::size_t kMaxKeys = 8;          // released for one dataset version
  static constexpr std::size_t kMaxChanges = 100;     // of the contract, proposed
  static constexpr std::size_t kMaxRenewals = 1000;   // of lapsed approvals of one participant

  const jobs::Contract& contract() const { return contract_; }
  const attest::Claims& claims() const { return identity_.claims; }

  // -- participants' door --
  Status join(const std::string& participant, const crypto::Ed25519Signature& signature);
  // release takes the HPKE-wrapped key of a dataset with its owner's signed manifest. `binding` for another key than the one that opened it, now or before a restart;
  // `refused` beyond kMaxKeys that did not.
  Result<jobs::ManifestDigest> release(const std::string& participant, const jobs::SignedDocument& manifest,
                                       ByteView wrapped_key);
  // add_enrolment keeps a participant's AkEnrolment for receipts, in place of an earlier one; one that it left before changes nothing. `malformed` or `chain` unless it can be
  // read and its enroller signed it; the enroller's key is in no contract, so whether it counts is for those to say who check receipts. `unavailable` beyond kMaxEnrolments.
  Status add_enrolment(const std::string& participant, ByteView enrolment);
  // carry_over takes a participant's signed CarryOver; errors of Predecessor::sign.
  Status carry_over(const std::string& participant, const jobs::SignedDocument& document);

  // -- host's door --
  // offer_old_logs: errors of Predecessor::offer.
  Status offer_old_logs(const std::vector<jobs::OldLog>& untrusted_logs, std::string untrusted_checkpoint);
  // acknowledge: the host says that it has stored this many entries of the log.
  void acknowledge(std::uint64_t untrusted_size);
  Result<jobs::ManifestDigest> put_manifest(const jobs::SignedDocument& manifest);
  // put_ciphertext returns the number of bytes held; the dataset opens by itself when key and bytes are complete.
  Result<std::uint64_t> put_ciphertext(const jobs::ManifestDigest& manifest, std::uint64_t offset, ByteView bytes);
  Result<Reservation> propose(const jobs::SignedDocument& proposal);
  // vote: errors of check_ballot; `refused` for a second ballot of a voter, since the first is final: unless that one approved and has lapsed, and the second names it (jobs::renews).
  Result<jobs::Verdict> vote(const jobs::ProposalDigest& proposal, const jobs::SignedDocument& ballot);
  // recall takes the text of a proposal that a carried log reserved, run or not, so that later queries are compared with it. Until the
  // room has all of them it answers none. `unavailable` before the carry-over is complete, `log_proof` for one that was not reserved.
  Status recall(const jobs::SignedDocument& proposal);
  // run: `unavailable` while the host or a participant can mend it; `refused` with one text, at a tick, for whatever may depend on data: rules
  // T4 and T5 against all that was reserved before, limits, killed engines.
  Result<RunOutput> run(const jobs::ProposalDigest& proposal);

  // A contract comes to an end where its participants approve the next one (docs/design/contract-change.md). propose_change: errors of check_successor; vote_change: as vote(), and a vote is final.
  Result<ChangeView> propose_change(const jobs::SignedDocument& change);
  Result<jobs::Verdict> vote_change(const jobs::ChangeDigest& change, const jobs::SignedDocument& ballot);
  // hand_over ends this contract and gives the file that shows it (jobs::HandOverFile); `refused` unless its approval rule is met now. Nothing but results that are done is given after it.
  Result<std::string> hand_over(const jobs::ChangeDigest& change);
  // succeed takes the hand-over of the contract before; a contract that follows another is open to nothing without it. Errors of verify_hand_over.
  Status succeed(std::string_view untrusted_file);

  // -- both --
  // contract_change: `unavailable` until the host has stored it. handed_over: the file, once this contract has ended.
  Result<ChangeView> contract_change(const jobs::ChangeDigest& change) const;
  std::optional<std::string> handed_over() const;
  // previous: the text of the head that this instance takes over from; empty without one.
  std::string previous() const;
  // reservation: `unavailable` until the host has stored it.
  Result<Reservation> reservation(const jobs::ProposalDigest& proposal) const;
  // verdict: what the contract's rule makes of the ballots so far, now.
  Result<jobs::Verdict> verdict(const jobs::ProposalDigest& proposal) const;
  RoomStatus status() const;
  // checkpoint of the whole log, for the host to store; stored_checkpoint of what it has stored, for participants.
  std::string checkpoint() const;
  std::string stored_checkpoint() const;
  Result<receipt::Proof> consistency(std::uint64_t from, std::uint64_t to) const;
  // entries: the encoded log entries from index `from`, at most 1000; stored_entries of what the host has stored.
  std::vector<Bytes> entries(std::uint64_t from) const;
  std::vector<Bytes> stored_entries(std::uint64_t from) const;
  // old_entries: the same of an old log; empty for a position that is none.
  std::vector<Bytes> old_entries(std::uint64_t position, std::uint64_t from) const;

 private:
  struct Query {
    Reserved reserved;
    jobs::SignedDocument document;
    std::map<std::string, jobs::Ballot> ballots;
    std::map<std::string, jobs::SignedDocument> ballot_documents;
    std::set<std::string, std::less<>> counted;  // the voters whose ballots the run rests on, for and against
    std::optional<RunOutput> output;
  };

  struct Change {
    jobs::ContractChange change;
    jobs::ChangeDigest digest;
    ContractDigest next;
    jobs::SignedDocument document;
    std::uint64_t index = 0;
    std::map<std::string, jobs::ChangeBallot> ballots;
    std::map<std::string, jobs::SignedDocument> documents;  // of the ballots
  };
  struct HandedOver {
    jobs::ChangeDigest change;
    ContractDigest next;
    std::string file;
  };

  // require_joined: by everyone, and succeeded. require_open: and the contract has not ended.
  Status require_joined() const;
  Status require_open() const;
  Result<Instant> now();  // `refused` when the host's clock stands below the floor
  struct Unlogged {};
  Room(Unlogged, jobs::Contract contract, Identity identity, QueryEngine& engine, crypto::Random& random, Now host_clock, runtime::ReleaseTick tick);
  // record: one that goes on from what stands; the caller adds entries and fields. keep_record makes it durable; settle keeps it and then applies it; apply, change: what a record changes.
  RoomRecord record(RoomRecord::Kind kind) const;
  RoomRecord boot_record(const std::optional<receipt::TreeHead>& before) const;
  Status keep_record(const RoomRecord& record);
  Status settle(const RoomRecord& record);
  Status apply(const RoomRecord& record);
  Status change(const RoomRecord& record);
  Status change_dataset(const RoomRecord& record);
  Status change_query(const RoomRecord& record);
  // apply_change, check_kept_change: of changes of the contract.
  Status apply_change(const RoomRecord& record);
  Status check_kept_change(const RoomRecord& record) const;
  static receipt::LogEntry entry_of_change(const jobs::ChangeDigest& digest);
  static receipt::LogEntry entry_of_change_ballot(const jobs::SignedDocument& ballot);
  Status check_change(const jobs::ContractChange& change, const jobs::SignedDocument& document) const;
  Status check_change_ballot(const Change& change, const jobs::ChangeBallot& ballot, const jobs::SignedDocument& document) const;
  jobs::Verdict verdict_of_change(const Change& change, Instant host) const;
  Result<ChangeView> view_of(const Change& change, std::uint64_t size, Instant host) const;
  Result<jobs::HandOverFile> hand_over_file(const Change& change, const jobs::Verdict& verdict, Instant now) const;
  Result<jobs::VerifiedHandOver> check_succession(std::string_view text) const;
  // check_kept: a record that was read back says what participants signed, and logs what its kind logs. Before it is applied.
  Status check_kept(const RoomRecord& record) const;
  Status check_kept_run(const RoomRecord& record) const;
  // signer_of a document that was kept: `chain` for who is not in the contract.
  Result<const jobs::Participant*> signer_of(const std::string& name) const;
  receipt::LogEntry acceptance_of(const std::string& name, const crypto::Ed25519Signature& signature) const;
  // key_release_of: the entry of the next key that the owner of a dataset releases.
  receipt::LogEntry key_release_of(const Dataset& dataset) const;
  Status keep_old_logs(const std::vector<jobs::OldLog>& logs);
  // refuse logs the refusal of a proposal, once; `charged` is whose it is, empty for a run. check_refusals: `unavailable` when that participant has had too many.
  Status refuse(const jobs::ProposalDigest& proposal, const std::string& charged);
  Status check_refusals(const jobs::Proposal& proposal, const jobs::ProposalDigest& digest) const;
  // not_answered logs a refusal whose reason must not show and gives it at the tick of a question that came then, or the error of keeping it.
  Error not_answered(const jobs::ProposalDigest& proposal, const std::string& charged, runtime::ReleaseTick::Milliseconds begun);
  Result<Dataset*> register_manifest(const jobs::SignedDocument& document);
  Status open_dataset(Dataset& dataset);
  Status check_proposal(const jobs::Proposal& proposal, Instant now) const;
  Status log_carried();
  // origin: of what names this instance or one that it goes on from; errors of Predecessor::origin.
  Result<Origin> origin(const InstanceId& instance) const;
  jobs::Verdict verdict_of(const Query& query, Instant host) const;
  // check_renewal: `refused` unless this second ballot of a voter may stand in for the first.
  Status check_renewal(const Query& query, const jobs::Ballot& ballot, Instant now) const;
  // check_approved: every ballot again, as of now, and the contract's rule; `refused` or `freshness` with the reason. Notes which ballots count.
  Status check_approved(Query& query, Instant now) const;
  Result<Reservation> reservation_of(const Query& query, std::uint64_t size) const;
  std::string note_at(std::uint64_t size) const;
  Result<std::vector<TableView>> tables(const jobs::Terms& terms) const;
  // A place in the order of all reservations: the position of the log, old ones first, and the index in it.
  using Place = std::pair<std::size_t, std::uint64_t>;
  Result<Place> place_of(const Reserved& reserved) const;
  std::vector<jobs::ProposalDigest> forgotten(std::size_t max) const;
  // earlier: the queries that were reserved before, run or not, over some of the same dataset versions. `unavailable` when this room
  // cannot know or trace one of them.
  Result<std::vector<Asked>> earlier(const Reserved& reserved) const;
  // history_known: `unavailable` until every reservation of the logs that this one goes on from is known by its text.
  Status history_known() const;
  // manifests_of the terms: `unavailable` when one is not here.
  Result<std::vector<const jobs::Manifest*>> manifests_of(const jobs::Terms& terms) const;
  // accounts: the budgets of these datasets, and of all that share a query with one of them, after all reservations before `before`.
  Result<NoiseBudget> accounts(const std::vector<jobs::ManifestDigest>& datasets, const Place& before) const;
  // reserve_noise judges a proposal that is about to be reserved, and gives the log entry of what it costs, if anything; not_answered() when its datasets do not
  // allow it.
  Result<std::vector<receipt::LogEntry>> reserve_noise(const jobs::Proposal& proposal, const jobs::ProposalDigest& digest, runtime::ReleaseTick::Milliseconds begun);
  // noise_allowed: whether the budgets hold this reservation, as of its place among all.
  Result<bool> noise_allowed(const Reserved& reserved) const;
  // noise_seed follows from the keys of the datasets, the contract, the query and the data: an instance that restarts, or that a host
  // forks, draws the same noise for the same question.
  Result<SecretBytes> noise_seed(const jobs::Terms& terms) const;
  std::optional<std::vector<BudgetLine>> budget_lines(const jobs::Terms& terms) const;
  // finish makes receipt and packages, and the record of the run with them. Nothing changes.
  Result<RoomRecord> finish(const Query& query, const jobs::ResultTable& table, Instant now) const;
  // carried_proof: that the old log which the proposal names extends every ballot's head; absent where it names this instance.
  Result<std::optional<receipt::CarriedProof>> carried_proof(const Query& query) const;
  // add_heads: puts into the file what shows that this log extends every ballot's head, as check_ballot found; after the receipt was issued.
  // `log` is this room's with the receipt.
  Status add_heads(const Query& query, const receipt::Log& log, receipt::ReceiptFile& file) const;
  receipt::ReceiptBody receipt_body(const Query& query, const std::string& result, const receipt::Salt& salt, std::uint64_t sequence, Instant now) const;
  ResultPackage seal(const jobs::Participant& recipient, const std::string& result, const receipt::Salt& salt,
                     const crypto::Sha256Digest& body) const;

  const jobs::Contract contract_;
  const ContractDigest contract_digest_;
  Identity identity_;
  QueryEngine& engine_;
  crypto::Random& random_;
  const Now host_clock_;
  const runtime::ReleaseTick tick_;

  mutable std::mutex mutex_;
  Keep keep_;  // empty: nothing is kept, and a restart is a new instance
  bool booted_ = true;  // the log has the entry of this boot
  runtime::TimeFloor floor_;
  receipt::Log log_;
  std::vector<Bytes> entries_;
  std::uint64_t stored_ = 0;  // entries that the host said to have stored
  Predecessor predecessor_;
  bool carried_ = false;      // the log says that the old ones were carried over
  std::map<std::string, crypto::Ed25519Signature> joined_;
  std::map<jobs::ManifestDigest, Dataset> datasets_;
  std::map<std::string, std::uint64_t> versions_;  // highest version seen of a dataset name
  std::map<jobs::ProposalDigest, Query> queries_;
  std::map<jobs::ChangeDigest, Change> changes_;
  std::optional<HandedOver> handed_over_;
  bool ended_before_ = false;              // a log that was carried over says that the contract has ended
  std::optional<std::string> succession_;  // hand-over file of the contract before
  std::set<jobs::ProposalDigest> refused_;
  std::map<std::string, std::size_t> refusals_;                      // of proposals, by participant
  std::map<std::string, std::size_t> renewals_;                      // of ballots, by participant
  std::map<std::string, std::set<crypto::Sha256Digest>> enrolled_;   // by participant
  std::map<jobs::ProposalDigest, Reserved> recalled_;  // of carried logs; what also runs here is in queries_ as well
};

}  // namespace redoubt::cleanroom
