// Housekeeper: one thread that removes what the hub does not keep for ever (store/retention.h), at start and then every `interval`.
//
// What fails is tried again the next time: nothing depends on it but the size of the database. Several hubs of one database each do it, one
// transaction after another.
#pragma once

#include <condition_variable>
#include <thread>

#include "untrusted/hub/store/retention.h"

namespace redoubt::hub {

class Housekeeper {
 public:
  struct Options {
    std::chrono::milliseconds interval{600'000};
  };

  // `store` outlives this object.
  Housekeeper(Store& store, const Retention& keep, std::function<Instant()> now, const Options& options);
  // Stops.
  ~Housekeeper();
  void stop();

 private:
  void run();

  Store& store_;
  const Retention keep_;
  const std::function<Instant()> now_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace redoubt::hub
