// EventFeed: streams of an environment's events to those who watch it, as server-sent events (WHATWG HTML, section 9.2).
//
// The operator's zone. The source is the store's table of events (store/events.h), which all hubs of a database write: one thread looks there
// for what is new, every `poll` while anybody watches, and gives it to all watchers. A watcher costs a connection and a few hundred bytes. It begins
// behind a cursor, or now, and is brought to the present in portions, each once it has taken the one before. Every event has its cursor as
// id, and the first thing that comes is the cursor of the place where the watcher stands, so that who reconnects with it misses nothing. What
// a watcher does not take stays in the table, and it is behind again; what is removed there before it takes it (store/retention.h) is told as
// one event `gap`; the server lets go of one that takes nothing (common/net). Before an event is sent, and at each heartbeat, the API key must be valid still: else the
// stream ends. What a key may watch is decided before open(). Thread-safe.
#pragma once

#include <condition_variable>
#include <map>
#include <set>
#include <thread>

#include "common/net/body_stream.h"
#include "common/net/http_message.h"
#include "untrusted/hub/store/events.h"

namespace redoubt::hub {

class EventFeed {
 public:
  struct Options {
    std::chrono::milliseconds poll{200};
    std::chrono::milliseconds heartbeat{15'000};  // a multiple of poll
    std::size_t max_buffered = 64U << 10;         // bytes that wait for one watcher
    std::size_t max_watchers = 2'000;
    std::size_t max_watchers_of_one = 200;        // with all API keys of one subject
  };

  // `store` outlives this object.
  EventFeed(Store& store, std::function<Instant()> now, Options options);
  // Stops.
  ~EventFeed();
  // stop ends all streams; open() is `unavailable` from then on.
  void stop();

  // open: the body of an answer: the environment's events behind `cursor`, or from now on. `malformed` for a cursor that is not of this
  // environment; `freshness` for one that events behind it are not kept for any more; `refused` when `subject`, whose API key it is, watches as much as it may; `unavailable` when all together do.
  Result<net::StreamBody> open(const std::string& environment, const std::string& api_key, const std::string& subject,
                               const std::optional<std::string>& cursor);

  struct Counts {
    std::uint64_t watchers = 0;
    std::uint64_t ended = 0;    // because their API key was not valid any more
  };
  Counts counts() const;

 private:
  struct Watcher {
    std::weak_ptr<net::BodyStream> stream{};
    std::string environment{};
    std::string api_key{};
    std::string subject{};
    std::int64_t seen = 0;  // number of the last event that it was given
    bool behind = true;     // there may be earlier ones than those that everybody is given
    bool quiet = true;      // since the last heartbeat
  };
  // Portion: what one watcher is to get.
  struct Portion {
    std::string text;
    std::int64_t last = 0;
    bool caught_up = false;
  };

  void run();
  void look(bool beat);
  Status give_new(bool beat);
  Status give_earlier();
  void give(Watcher& watcher, const Portion& portion);
  void forget_gone();
  Result<std::set<std::string>> valid_keys(Transaction& transaction, const std::set<std::string>& wanted);
  void end(Watcher& watcher);

  Store& store_;
  const std::function<Instant()> now_;
  const Options options_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  bool stopping_ = false;
  std::vector<Watcher> arrived_;
  std::map<std::string, std::size_t> of_subject_;
  Counts counts_;
  // Of the thread alone.
  std::vector<Watcher> watchers_;
  std::optional<std::int64_t> position_;  // number of the last event that everybody was given who is not behind
  std::thread thread_;
};

}  // namespace redoubt::hub
