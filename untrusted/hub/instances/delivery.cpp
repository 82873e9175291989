// What the host brings to a program and takes from it: manifests, ciphertext, proposals, ballots; the log.
#include "common/jobs/cleanroom/ballot.h"
#include "common/receipt/note.h"
#include "untrusted/hub/instances/instance_host.h"
#include "untrusted/hub/store/datasets.h"
#include "untrusted/hub/store/job_queue.h"
#include "untrusted/hub/store/logs.h"

namespace redoubt::hub {
namespace {

constexpr std::string_view kReady = "ready";
constexpr std::string_view kWaitingForCiphertext = "waiting_for_ciphertext";

Result<std::vector<Dataset>> all_datasets(Store& store, const std::string& environment) {
  return store.read([&](Transaction& transaction) -> Result<std::vector<Dataset>> {
    std::vector<Dataset> out;
    PageRequest page{.cursor = "", .count = kMaxPage};
    do {
      REDOUBT_TRY(auto found, list_datasets(transaction, environment, page));
      std::ranges::move(found.items, std::back_inserter(out));
      page.cursor = found.next;
    } while (!page.cursor.empty());
    return out;
  });
}

// send streams an object. The program takes bytes that it has already without counting them again.
Status send(HostDoor& door, const ObjectReader& object, const std::string& manifest) {
  std::uint64_t offset = 0;
  while (offset < object.size()) {
    Bytes part(static_cast<std::size_t>(std::min<std::uint64_t>(kCiphertextPart, object.size() - offset)));
    REDOUBT_TRY(const std::size_t size, object.read(offset, part));
    if (size != part.size()) return Error(Code::unavailable, "object " + manifest + ": shorter than when it was opened");
    const auto taken = door.put_ciphertext(manifest, offset, std::move(part));
    if (!taken.ok()) return taken.error();
    offset += size;
  }
  return {};
}

// permanent: the program looked at it and will say the same again.
bool permanent(const Error& error) { return error.code() != Code::unavailable && error.code() != Code::internal; }

}  // namespace

Status InstanceHost::deliver(const std::string& environment) {
  const auto kept = find(environment);
  if (!kept) return Error(Code::unavailable, "the enclave program is not running");
  const std::lock_guard one_at_a_time(kept->deliver_mutex);
  REDOUBT_TRY(HostDoor connection, door(environment));
  REDOUBT_TRY(const RoomState state, connection.state());
  if (!state.open) return Error(Code::unavailable, "not everyone has joined");
  REDOUBT_TRY(const auto datasets, all_datasets(store_, environment));
  for (const Dataset& dataset : datasets) {
    const auto found = state.datasets.find(dataset.object);
    if (found != state.datasets.end() && found->second == kReady) continue;
    if (found == state.datasets.end()) {
      REDOUBT_TRY(const auto manifest, jobs::SignedDocument::decode(dataset.manifest, jobs::Manifest::kMaxBytes));
      const Status taken = connection.put_manifest(manifest);
      if (!taken.ok() && permanent(taken.error())) continue;
      REDOUBT_CHECK(std::move(taken));
    }
    if (dataset.state != DatasetState::stored) continue;
    {
      const std::lock_guard lock(kept->mutex);
      if (kept->stopping) return Error(Code::unavailable, "stopping");
    }
    // Once for an instance; again, ever less often, while it says that it has the key and lacks the bytes, as after a wrong key.
    Delivery& delivery = kept->deliveries[{state.instance, dataset.object}];
    if (delivery.count > 0) {
      if (found == state.datasets.end() || found->second != kWaitingForCiphertext || delivery.skip-- > 0) continue;
      delivery.skip = 1 << std::min(delivery.count, 10);
    }
    REDOUBT_TRY(const ObjectName name, ObjectName::parse(dataset.object));
    REDOUBT_TRY(const ObjectReader object, objects_.read(name));
    const Status sent = send(connection, object, dataset.object);
    if (!sent.ok() && !permanent(sent.error())) return sent;
    ++delivery.count;
    if (!connection.open()) {
      REDOUBT_TRY(connection, door(environment));
    }
  }
  return {};
}

Status InstanceHost::redeliver(const std::string& environment, const Query& query) {
  REDOUBT_TRY(HostDoor connection, door(environment));
  REDOUBT_TRY(const auto proposal, jobs::SignedDocument::decode(query.proposal, jobs::Proposal::kMaxBytes));
  const auto taken = connection.propose(proposal);
  if (!taken.ok()) return taken.error();
  REDOUBT_TRY(const auto ballots, store_.read([&](Transaction& transaction) { return get_ballots(transaction, query.id); }));
  for (const BallotRecord& record : ballots) {
    REDOUBT_TRY(const auto ballot, jobs::SignedDocument::decode(record.document, jobs::Ballot::kMaxBytes));
    const auto counted = connection.vote(query.id, ballot);
    if (!counted.ok()) return counted.error();
  }
  return {};
}

Status InstanceHost::archive(const std::string& environment) {
  const auto kept = find(environment);
  if (!kept) return Error(Code::unavailable, "the enclave program is not running");
  const std::lock_guard one_at_a_time(kept->log_mutex);
  REDOUBT_TRY(HostDoor connection, door(environment));
  REDOUBT_TRY(const Instance instance, store_.read([&](Transaction& transaction) { return current_instance(transaction, environment); }));
  REDOUBT_TRY(std::uint64_t size, store_.read([&](Transaction& transaction) { return log_size(transaction, instance.id); }));
  for (;;) {
    REDOUBT_TRY(const RoomLog log, connection.log(size));
    REDOUBT_TRY(const auto note, receipt::UnverifiedNote::parse(log.checkpoint));
    REDOUBT_TRY(const auto head, receipt::TreeHead::parse(note.text));
    const std::uint64_t reached = size + log.entries.size();
    const auto last = store_.read([&](Transaction& transaction) { return last_checkpoint(transaction, instance.id); });
    if (log.entries.empty() && last.ok() && *last == log.checkpoint) return {};
    REDOUBT_CHECK(store_.write("log.archive", [&](Transaction& transaction) -> Status {
      REDOUBT_CHECK(append_entries(transaction, instance.id, size, log.entries));
      if (reached < head.size) return {};
      return put_checkpoint(transaction, instance.id, head, log.checkpoint);
    }));
    if (reached >= head.size || log.entries.empty()) return {};
    size = reached;
  }
}

Result<bool> InstanceHost::ready(const std::string& environment, const std::vector<std::string>& manifests) {
  REDOUBT_TRY(HostDoor connection, door(environment));
  REDOUBT_TRY(const RoomState state, connection.state());
  return state.open && std::ranges::all_of(manifests, [&](const std::string& manifest) {
    const auto found = state.datasets.find(manifest);
    return found != state.datasets.end() && found->second == kReady;
  });
}

// tend_queries offers proposals that the instance does not know, and wakes runs that waited for keys.
Status InstanceHost::tend_queries(const std::string& environment, const RoomState& state) {
  std::vector<Query> open;
  REDOUBT_CHECK(store_.read([&](Transaction& transaction) -> Status {
    PageRequest page{.cursor = "", .count = kMaxPage};
    do {
      REDOUBT_TRY(auto found, list_queries(transaction, environment, page));
      for (Query& query : found.items) {
        if (query.state == QueryState::proposed || query.state == QueryState::waiting_for_keys) open.push_back(std::move(query));
      }
      page.cursor = found.next;
    } while (!page.cursor.empty());
    return {};
  }));
  for (const Query& query : open) {
    if (!state.proposals.contains(query.id)) {
      const Status offered = redeliver(environment, query);
      if (!offered.ok() && offered.error().code() == Code::binding) {
        REDOUBT_CHECK(store_.write("query.fail", [&](Transaction& transaction) -> Status {
          static_cast<void>(wake_job(transaction, run_job_id(query.id), now_()).ok());  // there is one only once it was approved
          return set_query_state(transaction, query.id, query.state, QueryState::failed, kApproveAgain, now_());
        }));
        wake_();
        continue;
      }
      if (!offered.ok()) continue;
    }
    if (query.state != QueryState::waiting_for_keys) continue;
    REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(query.proposal, jobs::Proposal::kMaxBytes));
    REDOUBT_TRY(const auto proposal, jobs::Proposal::parse(document.text));
    std::vector<std::string> manifests;
    for (const auto& manifest : proposal.terms.manifests) manifests.push_back(manifest.hex());
    REDOUBT_TRY(const bool can_run, ready(environment, manifests));
    if (!can_run) continue;
    const Status woken = store_.write("query.wake",
                                      [&](Transaction& transaction) { return wake_job(transaction, run_job_id(query.id), now_()); });
    if (woken.ok()) wake_();
  }
  return {};
}

}  // namespace redoubt::hub
