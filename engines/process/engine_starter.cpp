#include "engines/process/engine_starter.h"

namespace redoubt::engines {

EngineStarter::EngineStarter(std::string program) : program_(std::move(program)), thread_([this] { run(); }) {}

EngineStarter::~EngineStarter() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void EngineStarter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return over_ || (wanted_ && !started_); });
    if (over_) return;
    wanted_ = false;
    starting_ = true;
    lock.unlock();
    auto started = StartedEngine::start(program_);
    lock.lock();
    starting_ = false;
    started_.emplace(std::move(started));
    changed_.notify_all();
  }
}

Result<StartedEngine> EngineStarter::take() {
  std::unique_lock lock(mutex_);
  bool ahead = started_ || starting_;  // begun before this request
  for (;;) {
    // One that was killed while it waited is not an answer to anybody's request.
    if (started_ && ahead && started_->ok() && !(*started_)->waiting()) {
      started_.reset();
      ahead = false;
    }
    if (started_) break;
    wanted_ = wanted_ || !starting_;
    changed_.notify_all();
    changed_.wait(lock);
  }
  Result<StartedEngine> taken = std::move(*started_);
  started_.reset();
  return taken;
}

void EngineStarter::prepare() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = wanted_ || (!started_ && !starting_);
  }
  changed_.notify_all();
}

}  // namespace redoubt::engines
