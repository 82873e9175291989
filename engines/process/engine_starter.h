// EngineStarter: keeps one engine started, so that a request need not wait for a program that starts.
//
// An engine that waits has looked at nothing and holds nothing: it has read its library and made itself ready for tables that come later.
// Each still gets one request. A thread of its own starts them, since an engine ends with the thread that started it; it ends with this
// object, and so do they. Thread-safe.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "engines/process/engine_conversation.h"

namespace redoubt::engines {

class EngineStarter {
 public:
  explicit EngineStarter(std::string program);
  EngineStarter(const EngineStarter&) = delete;
  EngineStarter& operator=(const EngineStarter&) = delete;
  ~EngineStarter();

  // take gives the engine that waits, or one that is started now; errors of StartedEngine::start.
  Result<StartedEngine> take();
  // prepare starts one ahead of the next take(), if none waits. Called when the last request is over, whose processor it would take.
  void prepare();

 private:
  void run();

  const std::string program_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;    // by take() or prepare()
  bool starting_ = false;  // by the thread
  bool over_ = false;
  std::optional<Result<StartedEngine>> started_;
  std::thread thread_;
};

}  // namespace redoubt::engines
