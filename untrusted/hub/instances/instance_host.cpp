#include "untrusted/hub/instances/instance_host.h"

#include "untrusted/hub/instances/old_logs.h"
#include "untrusted/hub/store/datasets.h"
#include "untrusted/hub/store/events.h"
#include "untrusted/hub/store/logs.h"

namespace redoubt::hub {
namespace {

constexpr std::size_t kMaxTold = 64;  // bytes of a state or an id that an event names

}  // namespace

InstanceHost::InstanceHost(Store& store, ObjectStore& objects, Launcher& launcher, Clock now, Options options, std::function<void()> wake)
    : store_(store), objects_(objects), launcher_(launcher), now_(std::move(now)), options_(options), wake_(std::move(wake)) {}

InstanceHost::~InstanceHost() { stop(); }

void InstanceHost::stop() {
  std::map<std::string, std::shared_ptr<Kept>> all;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    all.swap(kept_);
  }
  for (auto& [environment, kept] : all) {
    const std::lock_guard lock(kept->mutex);
    kept->stopping = true;
    kept->changed.notify_all();
  }
  for (auto& [environment, kept] : all) kept->thread.join();
}

void InstanceHost::ensure(const std::string& environment) {
  const std::lock_guard lock(mutex_);
  if (stopped_ || kept_.contains(environment)) return;
  const auto kept = std::make_shared<Kept>();
  kept_.emplace(environment, kept);
  kept->thread = std::thread([this, environment, kept] { keep(environment, *kept); });
}

std::shared_ptr<InstanceHost::Kept> InstanceHost::find(const std::string& environment) {
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find(environment);
  return found == kept_.end() ? nullptr : found->second;
}

InstanceView InstanceHost::view(const std::string& environment) {
  const auto kept = find(environment);
  if (!kept) return {};
  const std::lock_guard lock(kept->mutex);
  return kept->view;
}

std::map<std::string, std::string> InstanceHost::dataset_states(const std::string& environment) {
  const auto kept = find(environment);
  if (!kept) return {};
  const std::lock_guard lock(kept->mutex);
  return kept->datasets;
}

InstanceView InstanceHost::await(const std::string& environment, std::chrono::milliseconds timeout) {
  const auto kept = find(environment);
  if (!kept) return {};
  std::unique_lock lock(kept->mutex);
  kept->changed.wait_for(lock, timeout, [&] { return kept->view.state != "starting" || kept->stopping; });
  return kept->view;
}

void InstanceHost::poke(const std::string& environment) {
  const auto kept = find(environment);
  if (!kept) return;
  const std::lock_guard lock(kept->mutex);
  kept->poked = true;
  kept->changed.notify_all();
}

Result<HostDoor> InstanceHost::door(const std::string& environment) {
  std::string path;
  InstanceView now;
  if (const auto kept = find(environment)) {
    const std::lock_guard lock(kept->mutex);
    path = kept->door;
    now = kept->view;
  }
  if (path.empty()) {
    return Error(Code::unavailable, "the enclave program of this environment is " + now.state +
                                        (now.reason.empty() ? "" : ": " + now.reason));
  }
  return HostDoor::connect(path);
}

bool InstanceHost::pause(Kept& kept, std::chrono::milliseconds time) {
  std::unique_lock lock(kept.mutex);
  kept.changed.wait_for(lock, time, [&] { return kept.stopping || kept.poked; });
  kept.poked = false;
  return !kept.stopping;
}

void InstanceHost::keep(const std::string& environment, Kept& kept) {
  auto wait = options_.first_pause;
  for (;;) {
    const auto [reason, was_running] = run_once(environment, kept);
    if (was_running) wait = options_.first_pause;
    {
      const std::lock_guard lock(kept.mutex);
      if (kept.stopping) return;
      kept.door.clear();
      kept.datasets.clear();
      kept.told.clear();  // its instance's event said that it stopped, and with it its data is gone
      kept.view = {was_running ? "starting" : "failed", "", "", reason};
      kept.poked = false;
      kept.changed.notify_all();
    }
    if (!pause(kept, wait)) return;
    wait = std::min(wait * 2, options_.last_pause);
  }
}

std::pair<std::string, bool> InstanceHost::run_once(const std::string& environment, Kept& kept) {
  LaunchRequest request;
  request.environment = environment;
  std::optional<OldLogs> old;
  const Status known = store_.read([&](Transaction& transaction) -> Status {
    REDOUBT_TRY(const Environment record, get_environment(transaction, environment));
    request.contract = record.contract;
    REDOUBT_TRY(const jobs::Contract contract, jobs::Contract::parse(record.contract));
    auto logs = old_logs(transaction, environment, contract);
    if (!logs.ok() && logs.error().code() == Code::not_found) return {};  // none was open: there is nothing to go on from
    REDOUBT_CHECK(logs);
    request.previous = logs->head.text();
    old = std::move(*logs);
    return {};
  });
  if (!known.ok()) return {known.error().message(), false};

  auto program = launcher_.start(request);
  if (!program.ok()) return {program.error().message(), false};
  auto door = HostDoor::connect((*program)->host_door());
  if (!door.ok()) return {door.error().message(), false};
  const auto state = door->state();
  if (!state.ok()) return {state.error().message(), false};
  // What the program does not take (too many logs, not whole, or its own) it does not go on from; its queries then say so.
  if (old) static_cast<void>(door->offer_old_logs(old->logs, old->checkpoint).ok());
  const auto resumed = register_instance(environment, *state);
  if (!resumed.ok()) return {resumed.error().message(), false};
  {
    const std::lock_guard delivering(kept.deliver_mutex);
    kept.deliveries.clear();  // whatever the program was sent before, it has lost
  }
  {
    const std::lock_guard lock(kept.mutex);
    kept.door = (*program)->host_door();
    kept.view = {"running", state->address, state->instance.hex(), ""};
    kept.changed.notify_all();
  }
  wake_();
  std::string reason = "stopped";
  do {
    if (const auto ended = (*program)->why_ended()) {
      reason = *ended;
      break;
    }
    tend(environment, kept);
  } while (pause(kept, options_.poll));
  // What the program logged last is worth one more try; a program that is gone does not answer.
  static_cast<void>(archive(environment).ok());
  const Status stopped = store_.write("instance.stop", [&](Transaction& transaction) -> Status {
    return set_instance_state(transaction, state->instance, InstanceState::stopped);
  });
  static_cast<void>(stopped.ok());  // register_instance does it for whatever was left
  return {reason, true};
}

Result<bool> InstanceHost::register_instance(const std::string& environment, const RoomState& state) {
  return store_.write("instance.start", [&](Transaction& transaction) -> Result<bool> {
    for (;;) {  // instances of a hub that was killed
      const auto old = current_instance(transaction, environment);
      if (!old.ok()) break;
      REDOUBT_CHECK(set_instance_state(transaction, old->id, InstanceState::stopped));
    }
    const auto known = get_instance(transaction, state.instance);
    const bool resumed = known.ok() && known->environment == environment;
    if (resumed) {
      REDOUBT_CHECK(set_instance_state(transaction, state.instance, InstanceState::running));
    } else {
      REDOUBT_CHECK(add_instance(transaction, {state.instance, environment, state.boot, state.claims, InstanceState::running, now_()}));
    }
    // The keys that an earlier instance held are gone; one that goes on waits for its data only.
    const std::string_view reason = resumed ? "the program was started again and waits for its data" : "a new instance waits for everyone: redoubt environment verify";
    PageRequest page{.cursor = "", .count = kMaxPage};
    do {
      REDOUBT_TRY(const auto queries, list_queries(transaction, environment, page));
      for (const Query& query : queries.items) {
        if (query.state != QueryState::queued && query.state != QueryState::running) continue;
        REDOUBT_CHECK(set_query_state(transaction, query.id, query.state, QueryState::waiting_for_keys,
                                      reason, now_()));
      }
      page.cursor = queries.next;
    } while (!page.cursor.empty());
    return resumed;
  });
}

void InstanceHost::tend(const std::string& environment, Kept& kept) {
  // Each step is tried anew at the next look, so an error needs no more than that.
  static_cast<void>(archive(environment).ok());
  auto connection = door(environment);
  if (!connection.ok()) return;
  const auto state = connection->state();
  if (!state.ok()) return;
  {
    const std::lock_guard lock(kept.mutex);
    kept.datasets = state->datasets;
  }
  static_cast<void>(tell_datasets(environment, kept, state->datasets).ok());
  if (state->open) static_cast<void>(deliver(environment).ok());
  if (state->open) static_cast<void>(recall(environment, *state).ok());
  static_cast<void>(tend_queries(environment, *state).ok());
}

Status InstanceHost::tell_datasets(const std::string& environment, Kept& kept, const std::map<std::string, std::string>& states) {
  std::vector<std::pair<std::string, std::string>> changed;
  for (const auto& [dataset, state] : states) {
    const auto told = kept.told.find(dataset);
    const bool known = told != kept.told.end() && told->second == state;
    if (!known && dataset.size() <= kMaxTold && state.size() <= kMaxTold) changed.emplace_back(dataset, state);
  }
  if (changed.empty()) return {};
  // Of those that this hub has: until its ciphertext is here, the API says "uploading" whatever the program says.
  REDOUBT_CHECK(store_.read([&](Transaction& transaction) -> Status {
    std::erase_if(changed, [&](const auto& change) {
      const auto dataset = find_dataset(transaction, environment, change.first);
      return !dataset.ok() || dataset->state != DatasetState::stored;
    });
    return {};
  }));
  if (changed.empty()) return {};
  REDOUBT_CHECK(store_.write("dataset.told", [&](Transaction& transaction) -> Status {
    for (const auto& [dataset, state] : changed) REDOUBT_CHECK(add_event(transaction, environment, Event::Kind::dataset, dataset, state));
    return {};
  }));
  for (const auto& [dataset, state] : changed) kept.told.insert_or_assign(dataset, state);
  return {};
}

}  // namespace redoubt::hub
