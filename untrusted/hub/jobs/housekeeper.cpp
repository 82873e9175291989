#include "untrusted/hub/jobs/housekeeper.h"

namespace redoubt::hub {

Housekeeper::Housekeeper(Store& store, const Retention& keep, std::function<Instant()> now, const Options& options)
    : store_(store), keep_(keep), now_(std::move(now)), options_(options), thread_([this] { run(); }) {}

Housekeeper::~Housekeeper() { stop(); }

void Housekeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::run() {
  for (;;) {
    const auto stop = [&] {
      const std::lock_guard lock(mutex_);
      return stopping_;
    };
    static_cast<void>(trim(store_, keep_, now_(), stop).ok());
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, options_.interval, [&] { return stopping_; })) return;
  }
}

}  // namespace redoubt::hub
