#include "untrusted/hub/events/event_feed.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "common/base/json.h"
#include "untrusted/hub/store/accounts.h"

namespace redoubt::hub {
namespace {

constexpr std::uint64_t kNewAtOnce = 500;     // events
constexpr std::uint64_t kEarlierAtOnce = 100;  // events for one watcher
constexpr std::size_t kLookedUpAtOnce = 64;    // watchers in one transaction

// Ids and states hold no line end; JSON would escape one.
std::string id_line(std::string_view environment, std::int64_t number) { return "id: " + event_cursor(environment, number) + "\n"; }

// gap_text: what a watcher gets in the place of events that were removed before it was given them.
std::string gap_text(std::string_view environment, std::int64_t floor) { return id_line(environment, floor) + "event: gap\ndata: {}\n\n"; }

std::string text_of(const Event& event) {
  return id_line(event.environment, event.number) + "event: " + std::string(name_of(event.kind)) +
         "\ndata: " + json::canonical(json::Object{{"id", event.object}, {"state", event.state}}) + "\n\n";
}

}  // namespace

EventFeed::EventFeed(Store& store, std::function<Instant()> now, Options options)
    : store_(store), now_(std::move(now)), options_(options), thread_([this] { run(); }) {}

EventFeed::~EventFeed() { stop(); }

void EventFeed::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

EventFeed::Counts EventFeed::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

Result<net::StreamBody> EventFeed::open(const std::string& environment, const std::string& api_key, const std::string& subject,
                                        const std::optional<std::string>& cursor) {
  Watcher watcher{.environment = environment, .api_key = api_key, .subject = subject};
  REDOUBT_TRY(watcher.seen, store_.read([&](Transaction& transaction) {
    return cursor ? event_position(transaction, environment, *cursor) : last_event(transaction, environment);
  }));
  const auto stream = std::make_shared<net::BodyStream>(options_.max_buffered);
  // No data: nothing happens but that the client knows where it stands.
  static_cast<void>(stream->push(as_bytes(id_line(environment, watcher.seen) + "\n")));
  watcher.stream = stream;
  const std::lock_guard lock(mutex_);
  if (stopping_) return Error(Code::unavailable, "the hub is stopping");
  if (counts_.watchers >= options_.max_watchers) return Error(Code::unavailable, "too many event streams at once; try again later");
  std::size_t& count = of_subject_[subject];
  if (count >= options_.max_watchers_of_one) {
    return Error(Code::refused, "\"" + subject + "\" has " + std::to_string(count) + " event streams open: that is the most");
  }
  ++count;
  ++counts_.watchers;
  arrived_.push_back(std::move(watcher));
  changed_.notify_all();
  return net::StreamBody{stream};
}

void EventFeed::run() {
  const auto beats = std::max<std::int64_t>(options_.heartbeat / options_.poll, 1);
  for (std::int64_t looks = 1;; ++looks) {
    {
      std::unique_lock lock(mutex_);
      if (watchers_.empty() && arrived_.empty()) {
        changed_.wait(lock, [&] { return stopping_ || !arrived_.empty(); });
      } else {
        changed_.wait_for(lock, options_.poll, [&] { return stopping_; });
      }
      if (stopping_) {
        std::ranges::move(arrived_, std::back_inserter(watchers_));
        arrived_.clear();
        break;
      }
    }
    look(looks % beats == 0);
  }
  for (Watcher& watcher : watchers_) {
    if (const auto stream = watcher.stream.lock()) stream->finish();
  }
  watchers_.clear();
}

void EventFeed::look(bool beat) {
  // Nobody waits for what came while nobody watched; who arrives begins where it stands.
  if (watchers_.empty()) position_.reset();
  {
    const std::lock_guard lock(mutex_);
    std::ranges::move(arrived_, std::back_inserter(watchers_));
    arrived_.clear();
  }
  forget_gone();
  if (!position_) {
    const auto last = store_.read([](Transaction& transaction) { return last_event(transaction); });
    if (!last.ok()) return;
    position_ = *last;
  }
  // A database that does not answer is asked again at the next look: what was not given is still there.
  static_cast<void>(give_new(beat).ok());
  static_cast<void>(give_earlier().ok());
  if (!beat) return;
  for (Watcher& watcher : watchers_) {
    const bool quiet = std::exchange(watcher.quiet, true);
    const auto stream = watcher.stream.lock();
    if (quiet && stream && stream->buffered() == 0) static_cast<void>(stream->push(as_bytes(":\n\n")));
  }
}

Status EventFeed::give_new(bool beat) {
  std::vector<Event> events;
  std::set<std::string> valid;
  std::map<std::string_view, std::int64_t> floors;  // of environments with something new
  REDOUBT_CHECK(store_.read([&](Transaction& transaction) -> Status {
    REDOUBT_TRY(events, events_after(transaction, *position_, kNewAtOnce));
    std::set<std::string_view> touched;
    for (const Event& event : events) touched.insert(event.environment);
    std::set<std::string> wanted;
    for (const Watcher& watcher : watchers_) {
      if (beat || (!watcher.behind && touched.contains(watcher.environment))) wanted.insert(watcher.api_key);
    }
    REDOUBT_TRY(valid, valid_keys(transaction, wanted));
    for (const std::string_view environment : touched) {
      REDOUBT_TRY(floors[environment], event_floor(transaction, environment));
    }
    return {};
  }));
  std::map<std::string_view, std::vector<std::pair<std::int64_t, std::string>>> texts;
  for (const Event& event : events) texts[event.environment].emplace_back(event.number, text_of(event));
  for (Watcher& watcher : watchers_) {
    const auto found = texts.find(watcher.environment);
    const bool told = !watcher.behind && found != texts.end();
    if ((beat || told) && !valid.contains(watcher.api_key)) {
      end(watcher);
    } else if (told && floors.at(watcher.environment) > watcher.seen) {
      watcher.behind = true;  // of what it was not given yet, some was removed already
    } else if (told) {
      Portion portion{"", watcher.seen, true};
      for (const auto& [number, text] : found->second) {
        if (number <= watcher.seen) continue;
        portion.text += text;
        portion.last = number;
      }
      const auto stream = watcher.stream.lock();
      if (stream && portion.text.size() > options_.max_buffered - stream->buffered()) {
        watcher.behind = true;  // until it has taken what is there
      } else {
        give(watcher, portion);
      }
    }
  }
  if (!events.empty()) position_ = events.back().number;
  return {};
}

Status EventFeed::give_earlier() {
  std::vector<Watcher*> behind;
  for (Watcher& watcher : watchers_) {
    if (!watcher.behind) continue;
    if (const auto stream = watcher.stream.lock(); stream && stream->buffered() == 0) behind.push_back(&watcher);
  }
  while (!behind.empty()) {
    const std::size_t count = std::min(behind.size(), kLookedUpAtOnce);
    std::vector<Portion> portions;
    std::set<std::string> valid;
    REDOUBT_CHECK(store_.read([&](Transaction& transaction) -> Status {
      std::set<std::string> wanted;
      for (const Watcher* const watcher : std::span(behind).last(count)) {
        Portion portion{"", watcher->seen, false};
        REDOUBT_TRY(const std::int64_t floor, event_floor(transaction, watcher->environment));
        if (floor > portion.last) {
          portion.text = gap_text(watcher->environment, floor);
          portion.last = floor;
        }
        REDOUBT_TRY(const auto events, events_of(transaction, watcher->environment, portion.last, *position_, kEarlierAtOnce));
        portion.caught_up = events.size() < kEarlierAtOnce;
        for (const Event& event : events) {
          const std::string text = text_of(event);
          if (!portion.text.empty() && portion.text.size() + text.size() > options_.max_buffered) {
            portion.caught_up = false;
            break;
          }
          portion.text += text;
          portion.last = event.number;
        }
        portions.push_back(std::move(portion));
        wanted.insert(watcher->api_key);
      }
      REDOUBT_TRY(valid, valid_keys(transaction, wanted));
      return {};
    }));
    const auto now = std::span(behind).last(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (valid.contains(now[i]->api_key)) {
        give(*now[i], portions[i]);
      } else {
        end(*now[i]);
      }
    }
    behind.resize(behind.size() - count);
  }
  return {};
}

void EventFeed::give(Watcher& watcher, const Portion& portion) {
  watcher.behind = !portion.caught_up;
  watcher.seen = portion.last;
  if (portion.text.empty()) return;
  const auto stream = watcher.stream.lock();
  if (!stream) return;
  watcher.quiet = false;
  if (!stream->push(as_bytes(portion.text))) watcher.stream.reset();
}

void EventFeed::end(Watcher& watcher) {
  const auto stream = watcher.stream.lock();
  if (!stream) return;
  stream->finish();
  watcher.stream.reset();
  const std::lock_guard lock(mutex_);
  ++counts_.ended;
}

void EventFeed::forget_gone() {
  const auto gone = std::ranges::partition(watchers_, [](const Watcher& watcher) { return !watcher.stream.expired(); });
  if (gone.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const Watcher& watcher : gone) {
    --counts_.watchers;
    const auto found = of_subject_.find(watcher.subject);
    if (--found->second == 0) of_subject_.erase(found);
  }
  watchers_.erase(gone.begin(), gone.end());
}

Result<std::set<std::string>> EventFeed::valid_keys(Transaction& transaction, const std::set<std::string>& wanted) {
  std::set<std::string> out;
  for (const std::string& id : wanted) {
    const auto key = get_api_key(transaction, id);
    if (!key.ok() && key.error().code() != Code::not_found) return key.error();
    if (key.ok() && key->valid(now_())) out.insert(id);
  }
  return out;
}

}  // namespace redoubt::hub
