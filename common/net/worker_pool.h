// WorkerPool: a few threads that run handlers, exchange steps and file reads, so that the I/O thread never waits.
//
// The queue of new work is bounded: when it is full, submit says so and the caller refuses its peer. Work that goes on with
// something admitted earlier (the next piece of a download) is never refused. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace redoubt::net {

class WorkerPool {
 public:
  // `threads` at least 1; at most `max_queued` new jobs wait.
  WorkerPool(std::size_t threads, std::size_t max_queued);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  // Waits for running jobs; queued ones are dropped.
  ~WorkerPool();

  // submit: false when the queue is full and the job is not a continuation, or after stop.
  bool submit(std::function<void()> job, bool continuation);
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::size_t max_queued_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace redoubt::net
