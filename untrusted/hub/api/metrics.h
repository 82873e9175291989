// Metrics: what the hub counts of itself, as Prometheus reads it (text exposition format 0.0.4).
//
// Labels are routes as openapi.json writes them, statuses, kinds and states: all from short lists of ours. No id, no name, nothing that a
// caller chose. Whoever may read it learns how busy this hub is and with what; the listener is off unless the operator names one, and takes
// this machine's own addresses alone. Thread-safe.
#pragma once

#include <array>
#include <map>
#include <mutex>

#include "common/net/server.h"
#include "untrusted/hub/events/event_feed.h"

namespace redoubt::hub {

class Metrics {
 public:
  // count notes one answer. `route`: a path template, or empty for requests that have none.
  void count(std::string_view method, std::string_view route, int status, std::int64_t microseconds);

  // Others: what is counted elsewhere, at the moment of reading.
  struct Others {
    std::map<std::pair<std::string, std::string>, std::uint64_t> jobs{};  // by kind and state
    bool database = true;                                                 // it answered
    EventFeed::Counts events{};
    net::HttpServer::Counts connections{};
  };
  std::string text(const Others& others) const;

 private:
  static constexpr std::array<std::int64_t, 11> kBounds{1'000,   2'500,   5'000,     10'000,    25'000,   50'000,
                                                        100'000, 250'000, 1'000'000, 5'000'000, 30'000'000};  // microseconds
  struct Route {
    std::map<int, std::uint64_t> statuses;
    std::array<std::uint64_t, kBounds.size()> below{};  // answers that took at most that long
    std::uint64_t answers = 0;
    std::int64_t microseconds = 0;
  };

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Route> routes_;  // by method and path template
};

}  // namespace redoubt::hub
