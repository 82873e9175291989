// What the host brings to a program and takes from it: manifests, ciphertext, proposals, ballots; the log.
#include "common/jobs/cleanroom/ballot.h"
#include "common/receipt/note.h"
#include "untrusted/hub/instances/instance_host.h"
#include "untrusted/hub/instances/waiting.h"
#include "untrusted/hub/store/datasets.h"
#include "untrusted/hub/store/job_queue.h"
#include "untrusted/hub/store/logs.h"

namespace redoubt::hub {
namespace {

constexpr std::string_view kReady = "ready";
constexpr std::string_view kWaitingForCiphertext = "waiting_for_ciphertext";
constexpr std::size_t kMaxReason = 400;

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

bool lapses(const Error& error) { return error.code() == Code::freshness && error.message().find("ballot: ") != std::string::npos; }

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
  // A ballot that has expired is not taken any more. That ends an approved query unless the others are enough without it; one that is
  // still voted on goes on.
  std::optional<Error> expired;
  bool met = false;
  for (const BallotRecord& record : ballots) {
    REDOUBT_TRY(const auto ballot, jobs::SignedDocument::decode(record.document, jobs::Ballot::kMaxBytes));
    const auto counted = connection.vote(query.id, ballot);
    if (counted.ok()) {
      met = counted->met;
    } else if (counted.error().code() == Code::freshness) {
      expired = counted.error();
    } else {
      return counted.error();
    }
  }
  if (expired && !met && query.state != QueryState::proposed) return *expired;
  return {};
}

// recall hands over what the program wants to know of queries that were asked before a restart.
Status InstanceHost::recall(const std::string& environment, const RoomState& state) {
  if (state.forgotten.empty()) return {};
  REDOUBT_TRY(HostDoor connection, door(environment));
  for (const std::string& proposal : state.forgotten) {
    const auto query = store_.read([&](Transaction& transaction) { return get_query(transaction, proposal); });
    if (!query.ok()) continue;  // lost; the program says so to whoever waits
    REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(query->proposal, jobs::Proposal::kMaxBytes));
    const Status taken = connection.recall(document);
    if (!taken.ok() && !permanent(taken.error())) return taken;
  }
  return {};
}

// archive_with stores what is new of the log together with what `also` writes, under the environment's log_mutex, and then tells
// the program how much is stored: only that much of the log it shows to participants.
Status InstanceHost::archive_with(const std::string& environment, HostDoor& connection, std::string_view name,
                                  const std::function<Status(Transaction&)>& also) {
  REDOUBT_TRY(const Instance instance, store_.read([&](Transaction& transaction) { return current_instance(transaction, environment); }));
  REDOUBT_TRY(const std::uint64_t size, store_.read([&](Transaction& transaction) { return log_size(transaction, instance.id); }));
  std::vector<Bytes> entries;
  std::string checkpoint;
  receipt::TreeHead head;
  do {
    REDOUBT_TRY(RoomLog log, connection.log(size + entries.size()));
    REDOUBT_TRY(const auto note, receipt::UnverifiedNote::parse(log.checkpoint));
    REDOUBT_TRY(head, receipt::TreeHead::parse(note.text));
    checkpoint = std::move(log.checkpoint);
    if (log.entries.empty()) break;
    std::ranges::move(log.entries, std::back_inserter(entries));
  } while (size + entries.size() < head.size);
  const bool whole = size + entries.size() == head.size;
  const auto last = store_.read([&](Transaction& transaction) { return last_checkpoint(transaction, instance.id); });
  if (!also && entries.empty() && last.ok() && *last == checkpoint) return {};
  REDOUBT_CHECK(store_.write(name, [&](Transaction& transaction) -> Status {
    REDOUBT_CHECK(append_entries(transaction, instance.id, size, entries));
    if (whole) REDOUBT_CHECK(put_checkpoint(transaction, instance.id, head, checkpoint));
    return also ? also(transaction) : Status();
  }));
  const auto told = connection.log(size + entries.size());
  return told.ok() ? Status() : Status(told.error());
}

Status InstanceHost::archive(const std::string& environment) {
  const auto kept = find(environment);
  if (!kept) return Error(Code::unavailable, "the enclave program is not running");
  const std::lock_guard one_at_a_time(kept->log_mutex);
  REDOUBT_TRY(HostDoor connection, door(environment));
  return archive_with(environment, connection, "log.archive", nullptr);
}

Status InstanceHost::run(const std::string& environment, const std::string& query, const StoreRun& store) {
  const auto kept = find(environment);
  if (!kept) return Error(Code::unavailable, "the enclave program is not running");
  // A log that says "was run" without the result beside it would lose the result with the program: nobody else archives meanwhile.
  const std::lock_guard one_at_a_time(kept->log_mutex);
  REDOUBT_TRY(HostDoor connection, door(environment));
  const auto output = connection.run(query);
  if (!output.ok()) return output.error();
  bool stored = false;
  const Status archived = archive_with(environment, connection, "query.finish", [&](Transaction& transaction) -> Status {
    REDOUBT_CHECK(store(transaction, *output));
    stored = true;
    return {};
  });
  const auto present = store_.read([&](Transaction& transaction) { return get_query(transaction, query); });
  if (stored && present.ok() && present->state == QueryState::done) return {};  // the program ended before it was told
  return archived;
}

Result<bool> InstanceHost::ready(const std::string& environment, const std::vector<std::string>& manifests) {
  REDOUBT_TRY(HostDoor connection, door(environment));
  REDOUBT_TRY(const RoomState state, connection.state());
  return state.open && std::ranges::all_of(manifests, [&](const std::string& manifest) {
    const auto found = state.datasets.find(manifest);
    return found != state.datasets.end() && found->second == kReady;
  });
}

Status InstanceHost::note_waiting(const Query& query, const std::string& reason) {
  if (query.state != QueryState::waiting_for_keys || reason.empty() || query.detail == reason) return {};
  return store_.write("query.waiting", [&](Transaction& transaction) {
    return set_query_state(transaction, query.id, query.state, query.state, reason, now_());
  });
}

Status InstanceHost::fail_query(const Query& query, std::string_view reason) {
  REDOUBT_CHECK(store_.write("query.fail", [&](Transaction& transaction) -> Status {
    static_cast<void>(wake_job(transaction, run_job_id(query.id), now_()).ok());  // there is one only once it was approved
    return set_query_state(transaction, query.id, query.state, QueryState::failed, reason, now_());
  }));
  wake_();
  return {};
}

// tend_queries offers proposals that the instance does not know, says whom approved ones wait for, and wakes their runs.
Status InstanceHost::tend_queries(const std::string& environment, const RoomState& state) {
  std::vector<Query> open;
  std::string contract_text;
  REDOUBT_CHECK(store_.read([&](Transaction& transaction) -> Status {
    REDOUBT_TRY(const Environment record, get_environment(transaction, environment));
    contract_text = record.contract;
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
  if (open.empty()) return {};
  REDOUBT_TRY(const jobs::Contract contract, jobs::Contract::parse(contract_text));
  REDOUBT_TRY(const auto datasets, all_datasets(store_, environment));
  std::map<std::string, std::string> owners;
  for (const Dataset& dataset : datasets) {
    REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(dataset.manifest, jobs::Manifest::kMaxBytes));
    REDOUBT_TRY(const auto manifest, jobs::Manifest::parse(document.text));
    owners.emplace(dataset.object, manifest.owner);
  }
  for (const Query& query : open) REDOUBT_CHECK(tend_query(environment, state, contract, owners, query));
  return {};
}

Status InstanceHost::tend_query(const std::string& environment, const RoomState& state, const jobs::Contract& contract,
                                const std::map<std::string, std::string>& owners, const Query& query) {
  REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(query.proposal, jobs::Proposal::kMaxBytes));
  REDOUBT_TRY(const auto proposal, jobs::Proposal::parse(document.text));
  const Status noted = note_waiting(query, waiting_for(state, contract, proposal, owners));
  if (!state.open) return noted;
  if (!state.proposals.contains(query.id)) {
    const Status offered = redeliver(environment, query);
    if (!offered.ok()) {
      const Error& error = offered.error();
      if (error.code() == Code::binding) return fail_query(query, kApproveAgain);
      if (lapses(error)) {
        const std::string reason = error.message().substr(0, kMaxReason) + std::string(kVoteAgain);
        return store_.write("query.vote", [&](Transaction& transaction) { return set_query_state(transaction, query.id, query.state, QueryState::proposed, reason, now_()); });
      }
      // A manifest that is not there yet is not_found.
      if (permanent(error) && error.code() != Code::not_found) return fail_query(query, error.message().substr(0, kMaxReason));
      return {};
    }
  }
  if (query.state != QueryState::waiting_for_keys) return {};
  std::vector<std::string> manifests;
  for (const auto& manifest : proposal.terms.manifests) manifests.push_back(manifest.hex());
  REDOUBT_TRY(const bool can_run, ready(environment, manifests));
  if (!can_run) return {};
  const Status woken = store_.write("query.wake",
                                    [&](Transaction& transaction) { return wake_job(transaction, run_job_id(query.id), now_()); });
  if (woken.ok()) wake_();
  return {};
}

}  // namespace redoubt::hub
