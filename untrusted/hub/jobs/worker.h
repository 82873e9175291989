// Worker: a few threads that lease jobs from the store, run them, and write down how they ended.
//
// A job is leased, so that a hub that dies leaves it to the next one; handlers therefore repeat without harm. While a handler runs, its
// lease is extended; a hub that was paused for longer than its lease finds it gone, and what it then wants to write is refused, since
// handlers write with hold_lease. Workers of several hubs share one database. What fails for a reason that may pass is tried again after
// a growing pause, until the job's attempts are used up; then it is given up: the job fails, and in the same transaction so does what it was
// to bring. What waits for others is looked at again after a constant pause, without using up an attempt. The object owns its threads;
// handlers run on them, several at a time. Fault points of Store: "job.lease", "job.extend", "job.end", "job.given_up".
#pragma once

#include <condition_variable>
#include <map>
#include <thread>

#include "untrusted/hub/store/job_queue.h"

namespace redoubt::hub {

struct JobEnd {
  enum class Kind { done, failed, retry, wait, park } kind = Kind::done;
  std::string detail{};  // for people
};

class Worker {
 public:
  using Handler = std::function<JobEnd(const Job&)>;
  // GivenUp writes what a job's failure means, in the transaction in which it fails. It gets the reason, for people.
  using GivenUp = std::function<Status(Transaction&, const Job&, const std::string& reason)>;
  using Clock = std::function<Instant()>;

  struct Options {
    std::string hub = "hub";  // whose workers these are, in leases
    std::size_t threads = 2;
    std::chrono::milliseconds poll{500};
    std::int64_t lease_seconds = 120;
    std::chrono::milliseconds heartbeat{20'000};  // running jobs' leases are extended this often
    std::int64_t first_pause_seconds = 1;   // doubles with each attempt
    std::int64_t last_pause_seconds = 60;
    std::int64_t wait_seconds = 5;   // of JobEnd::Kind::wait
  };

  // `store` outlives this object. `handlers` by kind of job; jobs of other kinds stay in the queue. `given_up` by kind, where there is
  // something to write.
  Worker(Store& store, std::map<std::string, Handler> handlers, Clock now, Options options, std::map<std::string, GivenUp> given_up = {});
  // Waits for running handlers.
  ~Worker();

  void start();
  // wake: there may be work now. stop: no new job is taken; returns when running handlers have ended.
  void wake();
  void stop();

 private:
  void run(const std::string& owner);
  bool run_one(const std::string& owner);
  void end(const Job& job, const JobEnd& how);
  void give_up(const Job& job);
  // beat extends the leases of running handlers until the worker stops and the last has ended.
  void beat();

  Store& store_;
  const std::map<std::string, Handler> handlers_;
  const std::map<std::string, GivenUp> given_up_;
  const Clock now_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t wakes_ = 0;
  bool stopping_ = false;
  bool ended_ = false;                   // all handlers have
  std::map<std::string, Lease> held_;    // of running handlers, by worker
  std::vector<std::thread> threads_;
  std::thread heart_;
};

}  // namespace redoubt::hub
