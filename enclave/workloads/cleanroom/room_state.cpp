// What stands and how it is kept: each accepted change is one record, durable before the room changes by it, and a restart changes by the same records.
#include "common/base/reader.h"
#include "common/receipt/boot_entry.h"
#include "enclave/workloads/cleanroom/room.h"

namespace redoubt::cleanroom {
namespace {

Result<Bytes> encode_log(const jobs::OldLog& log) {
  Writer out;
  out.bytes(log.instance.view());
  for (const Bytes& entry : log.entries) {
    if (entry.size() > receipt::LogEntry::kMaxSize) return Error(Code::malformed, "old log: an entry of " + std::to_string(entry.size()) + " bytes");
    out.sized16be(entry);
  }
  return out.take();
}

Result<jobs::OldLog> decode_log(ByteView bytes) {
  Reader reader(bytes, "old log");
  jobs::OldLog log;
  log.instance = reader.fixed<InstanceId>();
  while (reader.ok() && reader.remaining() > 0) log.entries.push_back(to_bytes(reader.sized16be(receipt::LogEntry::kMaxSize)));
  REDOUBT_CHECK(reader.finish());
  return log;
}

}  // namespace

RoomRecord Room::record(RoomRecord::Kind kind) const {
  RoomRecord out;
  out.kind = kind;
  out.floor = floor_.value();
  out.size = log_.size();
  out.root = log_.tree().root();
  return out;
}

RoomRecord Room::boot_record(const std::optional<receipt::TreeHead>& before) const {
  RoomRecord out = record(RoomRecord::Kind::boot);
  out.add(identity_.claims.boot.view()).add(before ? before->text() : std::string());
  out.entries.push_back(receipt::boot_entry(identity_.claims.digest(), before));
  return out;
}

Status Room::keep_record(const RoomRecord& record) {
  if (!booted_ && record.kind != RoomRecord::Kind::boot) return Error(Code::internal, "a restored room was not told where its state is kept");
  if (!keep_) return {};
  // What restore() would not take back is never written: it would cost the whole instance.
  if (const Status good = check_kept(record); !good.ok()) return Error(Code::refused, "it could not be read back: " + good.error().message());
  REDOUBT_TRY(const SecretBytes encoded, record.encode());
  return keep_(encoded.reveal());
}

Status Room::settle(const RoomRecord& record) {
  REDOUBT_CHECK(keep_record(record));
  return apply(record);
}

Status Room::keep_in(Keep keep) {
  const std::lock_guard lock(mutex_);
  if (keep_ || (booted_ && log_.size() != 1)) return Error(Code::internal, "a room was told too late where its state is kept");
  RoomRecord boot = booted_ ? boot_record(identity_.previous) : boot_record(log_.head());
  if (booted_) {  // it stands already, and this is its record
    boot.size = 0;
    boot.root = receipt::empty_root();
  }
  REDOUBT_TRY(const SecretBytes encoded, boot.encode());
  REDOUBT_CHECK(keep(encoded.reveal()));
  keep_ = std::move(keep);
  if (booted_) return {};
  REDOUBT_CHECK(apply(boot));
  booted_ = true;
  // The program before may have ended right before this entry. A state that is full takes it no more, and still gives what is done.
  if (const Status carried = log_carried(); !carried.ok() && carried.error().code() != Code::refused) return carried;
  // What participants saw lies below this head, and what was kept outlives the program: nothing is promised that could be lost. The host archives the rest.
  stored_ = log_.size();
  return {};
}

Result<std::unique_ptr<Room>> Room::restore(jobs::Contract contract, Identity identity, QueryEngine& engine, crypto::Random& random, Now host_clock,
                                            const std::vector<SecretBytes>& records, runtime::ReleaseTick tick) {
  if (records.empty()) return Error(Code::not_found, "restoring: no records");
  std::unique_ptr<Room> room;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::string name = "restoring: record " + std::to_string(i);
    REDOUBT_TRY(const RoomRecord record, RoomRecord::decode(records[i].reveal()).context(name));
    if (!room) {
      if (record.kind != RoomRecord::Kind::boot) return Error(Code::malformed, name + ": expected a boot");
      identity.previous.reset();
      if (const std::string previous = record.text(1); !previous.empty()) {
        REDOUBT_TRY(identity.previous, receipt::TreeHead::parse(previous).context(name));
      }
      identity.enrolments.clear();
      room.reset(new Room(Unlogged(), std::move(contract), std::move(identity), engine, random, std::move(host_clock), std::move(tick)));
    }
    REDOUBT_CHECK(room->check_kept(record).context(name));
    REDOUBT_CHECK(room->apply(record).context(name));
  }
  room->booted_ = false;
  return room;
}

Status Room::keep_old_logs(const std::vector<jobs::OldLog>& logs) {
  RoomRecord kept = record(RoomRecord::Kind::old_logs);
  kept.add(predecessor_.checkpoint());
  for (const jobs::OldLog& log : logs) {
    REDOUBT_TRY(const Bytes encoded, encode_log(log));
    kept.add(encoded);
  }
  return keep_record(kept);
}

Status Room::apply(const RoomRecord& record) {
  if (record.size != log_.size() || record.root != log_.tree().root()) {
    return Error(Code::log_proof, "expected a log of " + std::to_string(record.size) + " entries with root " + record.root.hex() + ", found " +
                                      std::to_string(log_.size()) + " with root " + log_.tree().root().hex());
  }
  REDOUBT_CHECK(change(record));
  for (const receipt::LogEntry& entry : record.entries) {
    entries_.push_back(entry.encode());
    log_.append(entry);
  }
  floor_ = runtime::TimeFloor(std::max(floor_.value(), record.floor));
  return {};
}

Status Room::change(const RoomRecord& record) {
  using Kind = RoomRecord::Kind;
  switch (record.kind) {
    case Kind::boot: return {};
    case Kind::refusal:
      for (const receipt::LogEntry& entry : record.entries) refused_.insert(jobs::ProposalDigest(entry.content.array()));
      if (const std::string charged = record.text(0); !charged.empty()) ++refusals_[charged];
      return {};
    case Kind::carried:
      carried_ = true;
      ended_before_ = predecessor_.logs()->has_hand_over();
      return {};
    case Kind::change:
    case Kind::change_ballot:
    case Kind::hand_over:
    case Kind::succession: return apply_change(record);
    case Kind::join: {
      REDOUBT_TRY(const auto signature, record.fixed<crypto::Ed25519Signature>(1, "join"));
      joined_.emplace(record.text(0), signature);
      return {};
    }
    case Kind::carry_over: {
      const jobs::Participant* participant = contract_.find(record.text(0));
      if (participant == nullptr) return Error(Code::malformed, "carry-over: not a participant");
      REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(record.text(1), jobs::CarryOver::kMaxBytes));
      const auto taken = predecessor_.sign(*participant, document);
      return taken.ok() ? Status() : Status(taken.error());
    }
    case Kind::enrolment:
      enrolled_[record.text(0)].insert(crypto::sha256(record.fields[1].reveal()));
      identity_.enrolments.insert_or_assign(record.text(0), to_bytes(record.fields[1].reveal()));
      return {};
    case Kind::old_logs: {
      std::vector<jobs::OldLog> logs;
      for (std::size_t i = 1; i < record.fields.size(); ++i) {
        REDOUBT_TRY(logs.emplace_back(), decode_log(record.fields[i].reveal()));
      }
      return predecessor_.offer(logs, record.text(0));
    }
    case Kind::manifest:
    case Kind::key:
    case Kind::dataset: return change_dataset(record);
    case Kind::proposal:
    case Kind::ballot:
    case Kind::run: return change_query(record);
  }
  return Error(Code::malformed, "a kind that this release does not know");
}

Status Room::change_dataset(const RoomRecord& record) {
  if (record.kind == RoomRecord::Kind::manifest) {
    REDOUBT_TRY(auto document, jobs::SignedDocument::decode(record.text(0), jobs::Manifest::kMaxBytes));
    REDOUBT_TRY(jobs::Manifest manifest, jobs::Manifest::parse(document.text));
    const jobs::ManifestDigest digest = manifest.digest();
    versions_[manifest.dataset] = manifest.version;
    datasets_.emplace(digest, Dataset(std::move(manifest), std::move(document)));
    return {};
  }
  REDOUBT_TRY(const auto digest, record.fixed<jobs::ManifestDigest>(0, "dataset"));
  const auto found = datasets_.find(digest);
  if (found == datasets_.end()) return Error(Code::malformed, "dataset: no manifest " + digest.hex());
  if (record.kind == RoomRecord::Kind::key) found->second.set_key(record.fields[1].clone());
  if (record.kind == RoomRecord::Kind::dataset) found->second.note_logged();
  return {};
}

Status Room::change_query(const RoomRecord& record) {
  if (record.kind == RoomRecord::Kind::proposal) {
    REDOUBT_TRY(auto document, jobs::SignedDocument::decode(record.text(0), jobs::Proposal::kMaxBytes));
    REDOUBT_TRY(jobs::Proposal proposal, jobs::Proposal::parse(document.text));
    Reader index(record.fields[1].reveal(), "index");
    const std::uint64_t reserved = index.u64be();
    REDOUBT_CHECK(index.finish());
    const jobs::ProposalDigest digest = proposal.digest();
    queries_.emplace(digest, Query{{std::move(proposal), digest, reserved}, std::move(document), {}, {}, {}, std::nullopt});
    return {};
  }
  REDOUBT_TRY(const auto digest, record.fixed<jobs::ProposalDigest>(0, "proposal"));
  const auto found = queries_.find(digest);
  if (found == queries_.end()) return Error(Code::malformed, "no proposal " + digest.hex());
  if (record.kind == RoomRecord::Kind::ballot) {
    REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(record.text(1), jobs::Ballot::kMaxBytes));
    REDOUBT_TRY(jobs::Ballot ballot, jobs::Ballot::parse(document.text));
    const std::string voter = ballot.voter;
    const bool renewed = !found->second.ballot_documents.insert_or_assign(voter, document).second;
    found->second.ballots.insert_or_assign(voter, std::move(ballot));
    if (renewed) ++renewals_[voter];
    return {};
  }
  RunOutput output{record.text(1), {}};
  for (std::size_t i = 2; i < record.fields.size(); i += 2) output.packages.push_back({record.text(i), to_bytes(record.fields[i + 1].reveal())});
  found->second.output = std::move(output);
  return {};
}

}  // namespace redoubt::cleanroom
