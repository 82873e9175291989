#include "enclave/workloads/cleanroom/room.h"

#include "common/attest/evidence/tpm/enrolment.h"
#include "enclave/workloads/cleanroom/unanswered.h"

namespace redoubt::cleanroom {
namespace {

constexpr std::size_t kMaxEntriesPerCall = 1000;
constexpr std::size_t kDatasetKey = 32;

// part_of: from index `from`, below `end`, which is at most the number of entries.
std::vector<Bytes> part_of(const std::vector<Bytes>& entries, std::uint64_t from, std::uint64_t end) {
  if (from >= end) return {};
  const auto begin = entries.begin() + static_cast<std::ptrdiff_t>(from);
  const std::size_t count = std::min(kMaxEntriesPerCall, static_cast<std::size_t>(end - from));
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

template <class D>
crypto::Sha256Digest content(const D& digest) {
  return crypto::Sha256Digest(digest.array());
}

}  // namespace

Room::Room(jobs::Contract contract, Identity identity, QueryEngine& engine, crypto::Random& random, Now host_clock, runtime::ReleaseTick tick)
    : Room(Unlogged(), std::move(contract), std::move(identity), engine, random, std::move(host_clock), std::move(tick)) {
  apply(boot_record(identity_.previous)).value();  // cannot fail: a boot on an empty log
}

Room::Room(Unlogged, jobs::Contract contract, Identity identity, QueryEngine& engine, crypto::Random& random, Now host_clock, runtime::ReleaseTick tick)
    : contract_(std::move(contract)),
      contract_digest_(contract_.digest()),
      identity_(std::move(identity)),
      engine_(engine),
      random_(random),
      host_clock_(std::move(host_clock)),
      tick_(std::move(tick)),
      floor_(identity_.time_floor),
      log_(identity_.claims.instance),
      predecessor_(contract_, identity_.claims.instance, identity_.previous) {}

Status Room::require_open() const {
  REDOUBT_CHECK(require_joined());
  if (handed_over_) return Error(Code::refused, "this contract has ended: it was handed over to contract " + handed_over_->next.hex());
  if (ended_before_) return Error(Code::refused, "this contract has ended: the log that was carried over says that it was handed over");
  return {};
}

Status Room::require_joined() const {
  for (const jobs::Participant& participant : contract_.participants) {
    if (!joined_.contains(participant.name)) {
      return Error(Code::refused, "participant \"" + participant.name + "\" has not joined this instance yet");
    }
  }
  if (contract_.previous && !succession_) {
    return Error(Code::refused, "this contract follows " + contract_.previous->hex() + ": the hand-over from that one is not here yet");
  }
  return {};
}

Result<Instant> Room::now() { return floor_.check(host_clock_()); }

Status Room::join(const std::string& name, const crypto::Ed25519Signature& signature) {
  const std::lock_guard lock(mutex_);
  const jobs::Participant* participant = contract_.find(name);
  if (participant == nullptr) return Error(Code::auth, "\"" + name + "\" is not in this contract");
  REDOUBT_CHECK(crypto::verify(participant->signing_key,
                               jobs::instance_statement(contract_digest_, identity_.claims.instance), signature)
                    .context("joining"));
  if (joined_.contains(name)) return {};
  RoomRecord kept = record(RoomRecord::Kind::join);
  kept.add(name).add(signature.view());
  kept.entries.push_back(acceptance_of(name, signature));
  REDOUBT_CHECK(settle(kept));
  return log_carried();
}

Status Room::carry_over(const std::string& name, const jobs::SignedDocument& document) {
  const std::lock_guard lock(mutex_);
  const jobs::Participant* participant = contract_.find(name);
  if (participant == nullptr) return Error(Code::auth, "\"" + name + "\" is not in this contract");
  // Counted first and kept then: without its record it leads to nothing, since nothing else can be kept either.
  REDOUBT_TRY(const bool is_new, predecessor_.sign(*participant, document));
  if (is_new) REDOUBT_CHECK(keep_record(record(RoomRecord::Kind::carry_over).add(name).add(document.encode())));
  return log_carried();
}

// log_carried: from this entry on the old logs are part of this one's history.
Status Room::log_carried() {
  if (carried_ || !predecessor_.complete() || !require_open().ok()) return {};
  RoomRecord kept = record(RoomRecord::Kind::carried);
  kept.entries.push_back({std::string(receipt::kCarriedEntry), predecessor_.statement()->digest()});
  return settle(kept);
}

Status Room::refuse(const jobs::ProposalDigest& proposal, const std::string& charged) {
  if (refused_.contains(proposal)) return {};
  RoomRecord kept = record(RoomRecord::Kind::refusal);
  kept.entries.push_back({std::string(receipt::kRefusalEntry), content(proposal)});
  return settle(kept.add(charged));
}

Error Room::not_answered(const jobs::ProposalDigest& proposal, const std::string& charged, runtime::ReleaseTick::Milliseconds begun) {
  const Status logged = refuse(proposal, charged);
  // Nobody sees the entry before the tick either: whoever asks for the log waits for this room's lock.
  tick_.hold(begun);
  return logged.ok() ? unanswered() : logged.error();
}

Status Room::check_refusals(const jobs::Proposal& proposal, const jobs::ProposalDigest& digest) const {
  const auto found = refusals_.find(proposal.proposer);
  if (found == refusals_.end() || found->second < kMaxRefusals || refused_.contains(digest)) return {};
  return Error(Code::unavailable, "proposal: " + std::to_string(kMaxRefusals) + " of \"" + proposal.proposer + "\" were refused by this instance, it judges no more of them");
}

Status Room::offer_old_logs(const std::vector<jobs::OldLog>& untrusted_logs, std::string untrusted_checkpoint) {
  const std::lock_guard lock(mutex_);
  const bool known = predecessor_.statement().has_value();
  REDOUBT_CHECK(predecessor_.offer(untrusted_logs, std::move(untrusted_checkpoint)));
  return known ? Status() : keep_old_logs(untrusted_logs);
}

void Room::acknowledge(std::uint64_t untrusted_size) {
  const std::lock_guard lock(mutex_);
  stored_ = std::max(stored_, std::min(untrusted_size, log_.size()));
}

Result<Origin> Room::origin(const InstanceId& instance) const {
  if (instance == identity_.claims.instance) return Origin{log_, 0, std::nullopt};
  REDOUBT_TRY(Origin old, predecessor_.origin(instance));
  old.since += log_.size();
  return old;
}

Status Room::add_enrolment(const std::string& name, ByteView enrolment) {
  const std::lock_guard lock(mutex_);
  if (contract_.find(name) == nullptr) return Error(Code::auth, "\"" + name + "\" is not in this contract");
  REDOUBT_TRY(const tpm::AkEnrolment read, tpm::AkEnrolment::decode(enrolment));
  REDOUBT_CHECK(read.verify());
  const Bytes encoded = read.encode();
  if (const auto known = enrolled_.find(name); known != enrolled_.end()) {
    if (known->second.contains(crypto::sha256(encoded))) return {};
    if (known->second.size() >= kMaxEnrolments) {
      return Error(Code::unavailable, "enrolment: \"" + name + "\" has left " + std::to_string(kMaxEnrolments) + " here, there is no room for more");
    }
  }
  RoomRecord kept = record(RoomRecord::Kind::enrolment);
  return settle(kept.add(name).add(encoded));
}

Result<Dataset*> Room::register_manifest(const jobs::SignedDocument& document) {
  REDOUBT_CHECK(require_open());
  REDOUBT_TRY(jobs::Manifest manifest, jobs::Manifest::parse(document.text));
  const jobs::Participant* owner = contract_.find(manifest.owner);
  if (owner == nullptr) return Error(Code::auth, "manifest: owner \"" + manifest.owner + "\" is not in this contract");
  REDOUBT_CHECK(jobs::verify_document(jobs::kManifestType, document, owner->signing_key));
  if (!owner->votes) return Error(Code::refused, "manifest: an owner of datasets must have a vote");
  if (manifest.contract != contract_digest_) {
    return Error(Code::binding, "manifest: expected contract " + contract_digest_.hex() + ", found " + manifest.contract.hex());
  }
  const jobs::ManifestDigest digest = manifest.digest();
  if (const auto known = datasets_.find(digest); known != datasets_.end()) return &known->second;
  for (const auto& [other, dataset] : datasets_) {
    if (dataset.manifest().dataset == manifest.dataset && dataset.manifest().owner != manifest.owner) {
      return Error(Code::refused, "manifest: dataset \"" + manifest.dataset + "\" belongs to \"" + dataset.manifest().owner + "\"");
    }
  }
  const auto version = versions_.find(manifest.dataset);
  if (version != versions_.end() && manifest.version <= version->second) {
    return Error(Code::freshness, "manifest: version " + std::to_string(manifest.version) + " of \"" + manifest.dataset +
                                      "\" is not above version " + std::to_string(version->second));
  }
  if (manifest.ciphertext_size > Dataset::kMaxCiphertext) return Error(Code::refused, "manifest: the dataset is too large");
  if (datasets_.size() >= kMaxDatasets) return Error(Code::unavailable, "too many datasets");
  RoomRecord kept = record(RoomRecord::Kind::manifest);
  kept.entries.push_back(jobs::upload_entry(digest));
  REDOUBT_CHECK(settle(kept.add(document.encode())));
  return &datasets_.at(digest);
}

Status Room::open_dataset(Dataset& dataset) {
  if (dataset.state() == DatasetState::ready || !dataset.has_key() ||
      dataset.received() < dataset.manifest().ciphertext_size) {
    return {};
  }
  REDOUBT_CHECK(dataset.open().context("opening dataset " + dataset.manifest().dataset));
  TableView table = dataset.view();
  table.checked_before = false;
  const Status fits = engine_.load(table);
  if (!fits.ok()) {
    dataset.close();
    return fits.error().context("checking dataset " + dataset.manifest().dataset);
  }
  if (dataset.logged()) return {};  // before a restart
  RoomRecord kept = record(RoomRecord::Kind::dataset);
  kept.entries.push_back(jobs::taken_in_entry(dataset.digest()));
  const Status done = settle(kept.add(dataset.digest().view()));
  if (!done.ok()) dataset.close();
  return done;
}

Result<jobs::ManifestDigest> Room::release(const std::string& participant, const jobs::SignedDocument& document,
                                           ByteView wrapped_key) {
  const std::lock_guard lock(mutex_);
  REDOUBT_TRY(Dataset* const dataset, register_manifest(document));
  if (dataset->manifest().owner != participant) {
    return Error(Code::auth, "only its owner releases a dataset: expected \"" + dataset->manifest().owner + "\", found \"" +
                                 participant + "\"");
  }
  const Bytes statement = jobs::dataset_key_statement(dataset->digest(), identity_.claims.instance);
  REDOUBT_TRY(const crypto::HpkeMessage message, crypto::HpkeMessage::parse(wrapped_key));
  REDOUBT_TRY(SecretBytes key,
              crypto::hpke_open_secret(identity_.hpke_key, message, statement, statement).context("unwrapping the dataset key"));
  if (key.size() != kDatasetKey) return Error(Code::malformed, "dataset key: expected 32 bytes");
  if (!dataset->has_key() || !(dataset->key() == key)) {
    if (dataset->logged()) return Error(Code::binding, "dataset key: not the one that opened this version of the dataset");
    if (dataset->keys() >= kMaxKeys) {
      return Error(Code::refused, "dataset key: " + std::to_string(kMaxKeys) + " were released for this version, and none opened it: release a new version");
    }
    RoomRecord kept = record(RoomRecord::Kind::key);
    kept.entries.push_back(key_release_of(*dataset));
    REDOUBT_CHECK(settle(kept.add(dataset->digest().view()).add(key.reveal())));
  }
  REDOUBT_CHECK(open_dataset(*dataset));
  return dataset->digest();
}

Result<jobs::ManifestDigest> Room::put_manifest(const jobs::SignedDocument& document) {
  const std::lock_guard lock(mutex_);
  REDOUBT_TRY(const Dataset* const dataset, register_manifest(document));
  return dataset->digest();
}

Result<std::uint64_t> Room::put_ciphertext(const jobs::ManifestDigest& digest, std::uint64_t offset, ByteView bytes) {
  const std::lock_guard lock(mutex_);
  REDOUBT_CHECK(require_open());
  const auto found = datasets_.find(digest);
  if (found == datasets_.end()) return Error(Code::not_found, "no manifest " + digest.hex());
  REDOUBT_CHECK(found->second.put(offset, bytes));
  REDOUBT_CHECK(open_dataset(found->second));
  return found->second.received();
}

Status Room::check_proposal(const jobs::Proposal& proposal, Instant now) const {
  const jobs::Terms& terms = proposal.terms;
  jobs::Terms own = terms;  // what this instance and contract demand; the rest is the proposer's choice
  own.contract = contract_digest_;  // the instance was looked at before
  own.program = identity_.program;
  own.rule_set = engine_.rule_set();
  REDOUBT_CHECK(jobs::check_terms(own, terms).context("proposal"));
  if (terms.k < contract_.k) {
    return Error(Code::refused, "proposal: k of " + std::to_string(terms.k) + " is below the contract's " + std::to_string(contract_.k));
  }
  if (terms.level < contract_.privacy_floor) {
    return Error(Code::refused, "proposal: level " + std::string(name_of(terms.level)) + " is below the contract's " +
                                    std::string(name_of(contract_.privacy_floor)));
  }
  if (proposal.expires < now) return Error(Code::freshness, "proposal: expired at " + proposal.expires.text());
  for (const std::string& name : terms.recipients) {
    if (contract_.find(name) == nullptr) return Error(Code::refused, "proposal: recipient \"" + name + "\" is not in this contract");
  }
  return {};
}

Result<Reservation> Room::propose(const jobs::SignedDocument& document) {
  const std::lock_guard lock(mutex_);
  const auto begun = tick_.begin();
  REDOUBT_CHECK(require_open());
  REDOUBT_TRY(const Instant time, now());
  REDOUBT_TRY(jobs::Proposal proposal, jobs::Proposal::parse(document.text));
  const jobs::Participant* proposer = contract_.find(proposal.proposer);
  if (proposer == nullptr) return Error(Code::auth, "proposal: \"" + proposal.proposer + "\" is not in this contract");
  REDOUBT_CHECK(jobs::verify_document(jobs::kProposalType, document, proposer->signing_key));
  const jobs::ProposalDigest digest = proposal.digest();
  if (const auto known = queries_.find(digest); known != queries_.end()) return reservation_of(known->second, log_.size());
  REDOUBT_TRY(const Origin from, origin(proposal.terms.instance).context("proposal: instance"));
  if (queries_.size() >= kMaxQueries) return Error(Code::unavailable, "too many proposals");
  REDOUBT_CHECK(check_proposal(proposal, time));
  REDOUBT_CHECK(check_refusals(proposal, digest));

  std::vector<const jobs::Manifest*> schema;
  for (const jobs::ManifestDigest& manifest : proposal.terms.manifests) {
    const auto found = datasets_.find(manifest);
    if (found == datasets_.end()) return Error(Code::not_found, "proposal: no dataset with manifest " + manifest.hex());
    schema.push_back(&found->second.manifest());
  }
  REDOUBT_TRY(const QueryCheck check, engine_.check(proposal.sql, schema, {proposal.terms.level, proposal.terms.k, proposal.terms.noise}));
  if (!check.accepted) {
    REDOUBT_CHECK(refuse(digest, proposal.proposer));
    return Error(Code::refused, "rule " + check.rule + ": " + check.message);
  }
  if (check.datasets.size() != schema.size()) {
    return Error(Code::refused, "proposal: names " + std::to_string(schema.size()) + " datasets, its query reads " +
                                    std::to_string(check.datasets.size()));
  }
  runtime::TimeFloor floor = floor_;
  REDOUBT_CHECK(floor.saw(proposal.expires, time).context("proposal"));
  RoomRecord kept = record(RoomRecord::Kind::proposal);
  kept.floor = floor.value();
  std::uint64_t index = 0;
  if (from.position) {  // its reservation stands in an old log, and counts from there
    REDOUBT_TRY(index, predecessor_.reserved(from, digest));
  } else {
    if (proposal.terms.noise) {
      REDOUBT_TRY(kept.entries, reserve_noise(proposal, digest, begun));
    }
    index = log_.size() + kept.entries.size();
    kept.entries.push_back({std::string(receipt::kReservationEntry), content(digest)});
  }
  REDOUBT_CHECK(settle(kept.add(document.encode()).add(Writer().u64be(index).view())));
  return reservation_of(queries_.at(digest), log_.size());
}

Result<Reservation> Room::reservation_of(const Query& query, std::uint64_t size) const {
  REDOUBT_TRY(const Origin from, origin(query.reserved.proposal.terms.instance));
  const std::uint64_t below = from.position ? from.log.size() : size;
  if (query.reserved.index >= below) return Error(Code::unavailable, "the host has not stored the reservation yet");
  REDOUBT_TRY(auto inclusion, from.log.tree().inclusion(query.reserved.index, below));
  return Reservation{query.document,       query.reserved.digest, from.log.instance(), query.reserved.index,
                     std::move(inclusion), note_at(size), budget_lines(query.reserved.proposal.terms)};
}

Result<Reservation> Room::reservation(const jobs::ProposalDigest& proposal) const {
  const std::lock_guard lock(mutex_);
  const auto found = queries_.find(proposal);
  if (found == queries_.end()) return Error(Code::not_found, "no proposal " + proposal.hex());
  return reservation_of(found->second, stored_);
}

Result<jobs::Verdict> Room::vote(const jobs::ProposalDigest& proposal, const jobs::SignedDocument& document) {
  const std::lock_guard lock(mutex_);
  REDOUBT_CHECK(require_open());
  REDOUBT_TRY(const Instant time, now());
  const auto found = queries_.find(proposal);
  if (found == queries_.end()) return Error(Code::not_found, "no proposal " + proposal.hex());
  const Query& query = found->second;
  REDOUBT_TRY(const jobs::Ballot ballot, jobs::Ballot::parse(document.text));
  if (const auto known = query.ballot_documents.find(ballot.voter); known != query.ballot_documents.end()) {
    if (known->second.encode() == document.encode()) return verdict_of(query, time);
    REDOUBT_CHECK(check_renewal(query, ballot, time));
  }
  REDOUBT_TRY(const Origin from, origin(query.reserved.proposal.terms.instance));
  REDOUBT_CHECK(check_ballot(contract_, query.reserved, document, from.log, from.since, time));
  runtime::TimeFloor floor = floor_;
  REDOUBT_CHECK(floor.saw(ballot.expires, time).context("ballot"));
  RoomRecord kept = record(RoomRecord::Kind::ballot);
  kept.floor = floor.value();
  kept.entries.push_back({std::string(receipt::kBallotEntry), content(receipt::approval_digest(document.encode()))});
  REDOUBT_CHECK(settle(kept.add(proposal.view()).add(document.encode())));
  return verdict_of(query, time);
}

RoomStatus Room::status() const {
  const std::lock_guard lock(mutex_);
  RoomStatus status;
  for (const auto& [name, signature] : joined_) status.joined.push_back(name);
  status.open = require_joined().ok();
  status.ended = status.open && !require_open().ok();
  for (const auto& [digest, dataset] : datasets_) status.datasets.emplace_back(digest, dataset.state());
  for (const auto& [digest, query] : queries_) {
    const jobs::Standing standing = verdict_of(query, host_clock_()).standing;
    status.proposals.emplace_back(digest, query.output                              ? "done"
                                          : standing == jobs::Standing::open ? "voting"
                                                                             : std::string(name_of(standing)));
  }
  status.log_size = log_.size();
  if (predecessor_.statement()) {
    status.carry_over = CarryOverStatus{*predecessor_.statement(), predecessor_.checkpoint(), predecessor_.missing()};
    status.forgotten = forgotten(kMaxEntriesPerCall);
  }
  return status;
}

// note_at requires size <= log_.size(); origins of ours are always valid key names, so that signing cannot be refused.
std::string Room::note_at(std::uint64_t size) const {
  return receipt::Checkpoint::sign({receipt::log_origin(log_.instance()), size, log_.tree().root_at(size).value()}, identity_.receipt_key)
      .value()
      .note();
}

std::string Room::previous() const {
  const std::lock_guard lock(mutex_);
  return identity_.previous ? identity_.previous->text() : std::string();
}

std::string Room::checkpoint() const {
  const std::lock_guard lock(mutex_);
  return note_at(log_.size());
}

std::string Room::stored_checkpoint() const {
  const std::lock_guard lock(mutex_);
  return note_at(stored_);
}

Result<receipt::Proof> Room::consistency(std::uint64_t from, std::uint64_t to) const {
  const std::lock_guard lock(mutex_);
  return log_.tree().consistency(from, to);
}

std::vector<Bytes> Room::entries(std::uint64_t from) const {
  const std::lock_guard lock(mutex_);
  return part_of(entries_, from, entries_.size());
}

std::vector<Bytes> Room::stored_entries(std::uint64_t from) const {
  const std::lock_guard lock(mutex_);
  return part_of(entries_, from, stored_);
}

std::vector<Bytes> Room::old_entries(std::uint64_t position, std::uint64_t from) const {
  const std::lock_guard lock(mutex_);
  const jobs::CarriedLogs* logs = predecessor_.logs();
  if (logs == nullptr || position >= logs->count()) return {};
  const std::vector<Bytes>& old = logs->entries(static_cast<std::size_t>(position));
  return part_of(old, from, old.size());
}

}  // namespace redoubt::cleanroom
