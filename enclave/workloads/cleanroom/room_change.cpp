// Changes of the contract: proposed, voted on and handed over under the old one, and taken up under the next (docs/design/contract-change.md).
#include "common/base/reader.h"
#include "enclave/workloads/cleanroom/room.h"

namespace redoubt::cleanroom {
namespace {

receipt::LogEntry change_entry(std::string_view kind, ByteView digest) {
  return {std::string(kind), crypto::Sha256Digest::from(digest, "entry").value()};  // of 32 bytes, as all digests
}

template <class D>
Status expect_digest(std::string_view what, const D& expected, const D& found) {
  if (expected == found) return {};
  return Error(Code::binding, std::string(what) + ": expected " + expected.hex() + ", found " + found.hex());
}

}  // namespace

receipt::LogEntry Room::entry_of_change(const jobs::ChangeDigest& digest) { return change_entry(jobs::kChangeEntry, digest.view()); }
receipt::LogEntry Room::entry_of_change_ballot(const jobs::SignedDocument& ballot) {
  return change_entry(jobs::kChangeBallotEntry, receipt::approval_digest(ballot.encode()).view());
}

Status Room::check_change(const jobs::ContractChange& change, const jobs::SignedDocument& document) const {
  const jobs::Participant* proposer = contract_.find(change.proposer);
  if (proposer == nullptr) return Error(Code::auth, "contract change: \"" + change.proposer + "\" is not in this contract");
  REDOUBT_CHECK(jobs::verify_document(jobs::kContractChangeType, document, proposer->signing_key).context("contract change"));
  REDOUBT_CHECK(expect_digest("contract change: contract", contract_digest_, change.contract));
  REDOUBT_CHECK(expect_digest("contract change: instance", identity_.claims.instance, change.instance));
  REDOUBT_TRY(const jobs::Contract next, jobs::Contract::parse(change.next));
  return jobs::check_successor(contract_, next);
}

// check_change_ballot: what holds of it whenever it is looked at; expiry is for vote_change and the rule.
Status Room::check_change_ballot(const Change& change, const jobs::ChangeBallot& ballot, const jobs::SignedDocument& document) const {
  const jobs::Participant* voter = contract_.find(ballot.voter);
  if (voter == nullptr || !voter->votes) return Error(Code::auth, "change ballot: \"" + ballot.voter + "\" has no vote in this contract");
  REDOUBT_CHECK(jobs::verify_document(jobs::kChangeBallotType, document, voter->signing_key).context("change ballot"));
  REDOUBT_CHECK(expect_digest("change ballot: contract", contract_digest_, ballot.contract));
  REDOUBT_CHECK(expect_digest("change ballot: instance", identity_.claims.instance, ballot.instance));
  REDOUBT_CHECK(expect_digest("change ballot: change", change.digest, ballot.change));
  REDOUBT_CHECK(expect_digest("change ballot: next contract", change.next, ballot.next));
  if (ballot.head.size <= change.index) {
    return Error(Code::log_proof, "change ballot: its log head of size " + std::to_string(ballot.head.size) + " does not include the change at " + std::to_string(change.index));
  }
  const auto root = log_.tree().root_at(ballot.head.size);
  if (!root.ok()) {
    return Error(Code::log_proof, "change ballot: its log head has size " + std::to_string(ballot.head.size) + ", this log only " + std::to_string(log_.size()));
  }
  if (*root != ballot.head.root) return Error(Code::log_proof, "change ballot: this log does not extend the head that its voter saw");
  return {};
}

jobs::Verdict Room::verdict_of_change(const Change& change, Instant host) const {
  std::vector<jobs::Vote> votes;
  for (const auto& [voter, ballot] : change.ballots) votes.push_back(ballot.vote());
  return jobs::decide_change(contract_, change.change, votes, {{floor_.value(), host}, log_.size()});
}

Result<ChangeView> Room::view_of(const Change& change, std::uint64_t size, Instant host) const {
  if (change.index >= size) return Error(Code::unavailable, "the host has not stored the change yet");
  REDOUBT_TRY(auto inclusion, log_.tree().inclusion(change.index, size));
  return ChangeView{change.document, change.digest, change.index, std::move(inclusion), note_at(size), verdict_of_change(change, host)};
}

Result<ChangeView> Room::propose_change(const jobs::SignedDocument& document) {
  const std::lock_guard lock(mutex_);
  REDOUBT_CHECK(require_open());
  REDOUBT_TRY(const Instant time, now());
  REDOUBT_TRY(const jobs::ContractChange change, jobs::ContractChange::parse(document.text));
  REDOUBT_CHECK(check_change(change, document));
  const jobs::ChangeDigest digest = change.digest();
  if (const auto known = changes_.find(digest); known != changes_.end()) return view_of(known->second, log_.size(), time);
  if (change.expires < time) return Error(Code::freshness, "contract change: expired at " + change.expires.text());
  if (changes_.size() >= kMaxChanges) return Error(Code::unavailable, "contract change: too many");
  runtime::TimeFloor floor = floor_;
  REDOUBT_CHECK(floor.saw(change.expires, time).context("contract change"));
  RoomRecord kept = record(RoomRecord::Kind::change);
  kept.floor = floor.value();
  kept.entries.push_back(entry_of_change(digest));
  REDOUBT_CHECK(settle(kept.add(document.encode()).add(Writer().u64be(log_.size()).view())));
  return view_of(changes_.at(digest), log_.size(), time);
}

Result<jobs::Verdict> Room::vote_change(const jobs::ChangeDigest& digest, const jobs::SignedDocument& document) {
  const std::lock_guard lock(mutex_);
  REDOUBT_CHECK(require_open());
  REDOUBT_TRY(const Instant time, now());
  const auto found = changes_.find(digest);
  if (found == changes_.end()) return Error(Code::not_found, "no contract change " + digest.hex());
  const Change& change = found->second;
  REDOUBT_TRY(const jobs::ChangeBallot ballot, jobs::ChangeBallot::parse(document.text));
  if (const auto known = change.documents.find(ballot.voter); known != change.documents.end()) {
    if (known->second.encode() == document.encode()) return verdict_of_change(change, time);
    return Error(Code::refused, "\"" + ballot.voter + "\" has voted on this change");
  }
  REDOUBT_CHECK(check_change_ballot(change, ballot, document));
  if (ballot.decision == jobs::Decision::approve && (ballot.expires < time || ballot.expires_at_size < log_.size())) {
    return Error(Code::freshness, "change ballot: expired at " + ballot.expires.text() + ", or void beyond " + std::to_string(ballot.expires_at_size) + " log entries");
  }
  runtime::TimeFloor floor = floor_;
  REDOUBT_CHECK(floor.saw(ballot.expires, time).context("change ballot"));
  RoomRecord kept = record(RoomRecord::Kind::change_ballot);
  kept.floor = floor.value();
  kept.entries.push_back(entry_of_change_ballot(document));
  REDOUBT_CHECK(settle(kept.add(digest.view()).add(document.encode())));
  return verdict_of_change(change, time);
}

Result<jobs::HandOverFile> Room::hand_over_file(const Change& change, const jobs::Verdict& verdict, Instant now) const {
  std::vector<std::string> counted = verdict.approved;
  counted.insert(counted.end(), verdict.rejected.begin(), verdict.rejected.end());
  jobs::HandOverFile file;
  jobs::HandOver out{contract_digest_, identity_.claims.instance, change.digest, change.next, {floor_.value(), now}, {log_.size(), log_.tree().root()}, {}};
  for (const std::string& voter : counted) {
    const jobs::SignedDocument& document = change.documents.at(voter);
    const jobs::LogHead& head = change.ballots.at(voter).head;
    REDOUBT_TRY(auto proof, log_.tree().consistency(head.size, log_.size()));
    file.extends.push_back({head.size, head.root, std::move(proof)});
    file.ballots.push_back(document);
    out.ballots.push_back(receipt::approval_digest(document.encode()));
  }
  std::ranges::sort(out.ballots);
  file.old_contract = contract_.canonical();
  file.change = change.document;
  file.hand_over = jobs::sign_document(jobs::kHandOverType, out.canonical(), identity_.receipt_key);
  receipt::Log ahead = log_;  // as it will be
  const std::uint64_t index = ahead.append(change_entry(jobs::kHandOverEntry, out.digest().view()));
  REDOUBT_TRY(file.inclusion, ahead.tree().inclusion(index, ahead.size()));
  file.checkpoint = ahead.checkpoint(identity_.receipt_key).note();
  return file;
}

Result<std::string> Room::hand_over(const jobs::ChangeDigest& digest) {
  const std::lock_guard lock(mutex_);
  const auto found = changes_.find(digest);
  if (handed_over_ && found != changes_.end() && found->second.next == handed_over_->next && found->second.digest == handed_over_->change) return handed_over_->file;
  REDOUBT_CHECK(require_open());
  REDOUBT_TRY(const Instant time, now());
  if (found == changes_.end()) return Error(Code::not_found, "no contract change " + digest.hex());
  const jobs::Verdict verdict = verdict_of_change(found->second, time);
  if (!verdict.met()) return Error(Code::refused, verdict.reason);
  REDOUBT_TRY(const jobs::HandOverFile file, hand_over_file(found->second, verdict, time));
  REDOUBT_TRY(const jobs::HandOver said, jobs::HandOver::parse(file.hand_over.text));
  RoomRecord kept = record(RoomRecord::Kind::hand_over);
  kept.entries.push_back(change_entry(jobs::kHandOverEntry, said.digest().view()));
  REDOUBT_CHECK(settle(kept.add(file.json())));
  return handed_over_->file;
}

// check_succession: the hand-over to this room's contract, from the one that it names as previous.
Result<jobs::VerifiedHandOver> Room::check_succession(std::string_view text) const {
  if (!contract_.previous) return Error(Code::refused, "succession: this contract follows no other");
  REDOUBT_TRY(const auto file, jobs::HandOverFile::parse(text));
  REDOUBT_TRY(const jobs::Contract old, jobs::Contract::parse(file.old_contract).context("succession: old contract"));
  REDOUBT_CHECK(expect_digest("succession: old contract", *contract_.previous, old.digest()));
  REDOUBT_TRY(auto shown, jobs::verify_hand_over(file, old, std::nullopt));
  REDOUBT_CHECK(expect_digest("succession: next contract", contract_digest_, shown.next.digest()));
  return shown;
}

Status Room::succeed(std::string_view untrusted_file) {
  const std::lock_guard lock(mutex_);
  if (succession_) return *succession_ == untrusted_file ? Status() : Error(Code::refused, "succession: another hand-over was taken up before");
  REDOUBT_TRY(const auto shown, check_succession(untrusted_file));
  RoomRecord kept = record(RoomRecord::Kind::succession);
  kept.entries.push_back(change_entry(jobs::kSuccessionEntry, shown.hand_over.digest().view()));
  return settle(kept.add(untrusted_file));
}

Result<ChangeView> Room::contract_change(const jobs::ChangeDigest& digest) const {
  const std::lock_guard lock(mutex_);
  const auto found = changes_.find(digest);
  if (found == changes_.end()) return Error(Code::not_found, "no contract change " + digest.hex());
  return view_of(found->second, stored_, host_clock_());
}

std::optional<std::string> Room::handed_over() const {
  const std::lock_guard lock(mutex_);
  return handed_over_ ? std::optional(handed_over_->file) : std::nullopt;
}

Status Room::apply_change(const RoomRecord& record) {
  using Kind = RoomRecord::Kind;
  if (record.kind == Kind::succession) {
    succession_ = record.text(0);
    return {};
  }
  if (record.kind == Kind::hand_over) {
    REDOUBT_TRY(const auto file, jobs::HandOverFile::parse(record.text(0)));
    REDOUBT_TRY(const auto said, jobs::HandOver::parse(file.hand_over.text));
    handed_over_ = HandedOver{said.change, said.next, record.text(0)};
    for (auto& [digest, dataset] : datasets_) dataset.close();  // nothing is computed any more
    return {};
  }
  if (record.kind == Kind::change) {
    REDOUBT_TRY(auto document, jobs::SignedDocument::decode(record.text(0), jobs::ContractChange::kMaxBytes));
    REDOUBT_TRY(auto change, jobs::ContractChange::parse(document.text));
    REDOUBT_TRY(const auto next, jobs::Contract::parse(change.next));
    const jobs::ChangeDigest digest = change.digest();
    changes_.emplace(digest, Change{std::move(change), digest, next.digest(), std::move(document), log_.size(), {}, {}});
    return {};
  }
  REDOUBT_TRY(const auto digest, record.fixed<jobs::ChangeDigest>(0, "change"));
  const auto found = changes_.find(digest);
  if (found == changes_.end()) return Error(Code::malformed, "no contract change " + digest.hex());
  REDOUBT_TRY(auto document, jobs::SignedDocument::decode(record.text(1), jobs::ChangeBallot::kMaxBytes));
  REDOUBT_TRY(auto ballot, jobs::ChangeBallot::parse(document.text));
  const std::string voter = ballot.voter;
  found->second.documents.emplace(voter, std::move(document));
  found->second.ballots.emplace(voter, std::move(ballot));
  return {};
}

Status Room::check_kept_change(const RoomRecord& record) const {
  using Kind = RoomRecord::Kind;
  const auto logs = [&](const receipt::LogEntry& entry) -> Status {
    if (record.entries == std::vector<receipt::LogEntry>{entry}) return {};
    return Error(Code::log_proof, "it logs something else than what it says");
  };
  if (record.kind == Kind::succession) {
    REDOUBT_TRY(const auto shown, check_succession(record.text(0)));
    return logs(change_entry(jobs::kSuccessionEntry, shown.hand_over.digest().view()));
  }
  if (record.kind == Kind::hand_over) {
    REDOUBT_TRY(const auto file, jobs::HandOverFile::parse(record.text(0)));
    REDOUBT_TRY(const auto shown, jobs::verify_hand_over(file, contract_, identity_.receipt_key.public_key()));
    if (shown.hand_over.head != jobs::LogHead{log_.size(), log_.tree().root()}) return Error(Code::log_proof, "a hand-over over another log");
    return logs(change_entry(jobs::kHandOverEntry, shown.hand_over.digest().view()));
  }
  if (record.kind == Kind::change) {
    REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(record.text(0), jobs::ContractChange::kMaxBytes));
    REDOUBT_TRY(const auto change, jobs::ContractChange::parse(document.text));
    REDOUBT_CHECK(check_change(change, document));
    Reader index(record.fields[1].reveal(), "index");
    const std::uint64_t place = index.u64be();
    REDOUBT_CHECK(index.finish());
    if (place != log_.size()) return Error(Code::log_proof, "a contract change with another place than its entry has");
    return logs(entry_of_change(change.digest()));
  }
  REDOUBT_TRY(const auto digest, record.fixed<jobs::ChangeDigest>(0, "change"));
  const auto found = changes_.find(digest);
  if (found == changes_.end()) return Error(Code::malformed, "no contract change " + digest.hex());
  REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(record.text(1), jobs::ChangeBallot::kMaxBytes));
  REDOUBT_TRY(const auto ballot, jobs::ChangeBallot::parse(document.text));
  if (found->second.ballots.contains(ballot.voter)) return Error(Code::chain, "a second ballot of \"" + ballot.voter + "\" on a change");
  REDOUBT_CHECK(check_change_ballot(found->second, ballot, document));
  return logs(entry_of_change_ballot(document));
}

}  // namespace redoubt::cleanroom
