#include "untrusted/hub/jobs/worker.h"

namespace redoubt::hub {

Worker::Worker(Store& store, std::map<std::string, Handler> handlers, Clock now, Options options, std::map<std::string, GivenUp> given_up)
    : store_(store), handlers_(std::move(handlers)), given_up_(std::move(given_up)), now_(std::move(now)), options_(options) {}

Worker::~Worker() { stop(); }

void Worker::start() {
  for (std::size_t i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this, owner = options_.hub + "/worker-" + std::to_string(i)] { run(owner); });
  }
  heart_ = std::thread([this] { beat(); });
}

void Worker::wake() {
  const std::lock_guard lock(mutex_);
  ++wakes_;
  changed_.notify_all();
}

void Worker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  if (heart_.joinable()) heart_.join();
}

void Worker::beat() {
  for (;;) {
    std::vector<Lease> leases;
    {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, options_.heartbeat, [&] { return ended_; })) return;
      for (const auto& [worker, lease] : held_) leases.push_back(lease);
    }
    for (const Lease& lease : leases) {
      const Status extended = store_.claim("job.extend", [&](Transaction& transaction) {
        return extend_lease(transaction, lease, now_(), options_.lease_seconds);
      });
      static_cast<void>(extended.ok());  // a lease that is lost shows when the handler wants to write
    }
  }
}

void Worker::run(const std::string& owner) {
  for (;;) {
    std::uint64_t seen = 0;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      seen = wakes_;
    }
    if (run_one(owner)) continue;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, options_.poll, [&] { return stopping_ || wakes_ != seen; });
  }
}

bool Worker::run_one(const std::string& owner) {
  for (const auto& [kind, handler] : handlers_) {
    const auto job = store_.claim("job.lease", [&, &name = kind](Transaction& transaction) {
      return lease_job(transaction, name, owner, now_(), options_.lease_seconds);
    });
    if (!job.ok() || !job->has_value()) continue;
    const Job& leased = **job;
    if (leased.exhausted()) {
      give_up(leased);
      return true;
    }
    {
      const std::lock_guard lock(mutex_);
      held_[owner] = leased.lease();
    }
    JobEnd how;
    try {
      how = handler(leased);
    } catch (const std::exception&) {
      how = {JobEnd::Kind::retry, "internal error"};
    }
    {
      const std::lock_guard lock(mutex_);
      held_.erase(owner);
    }
    end(leased, how);
    return true;
  }
  return false;
}

void Worker::give_up(const Job& job) {
  const std::string reason = "given up after " + std::to_string(job.max_attempts) + " attempts" + (job.detail.empty() ? "" : ": " + job.detail);
  const Status written = store_.write("job.given_up", [&](Transaction& transaction) -> Status {
    REDOUBT_CHECK(hold_lease(transaction, job.lease()));
    if (const auto found = given_up_.find(job.kind); found != given_up_.end()) REDOUBT_CHECK(found->second(transaction, job, reason));
    return finish_job(transaction, job.lease(), JobState::failed, reason, now_());
  });
  static_cast<void>(written.ok());  // it is leased again when the lease has ended
}

void Worker::end(const Job& job, const JobEnd& how) {
  const Instant now = now_();
  const Lease lease = job.lease();
  const Status ended = store_.write("job.end", [&](Transaction& transaction) -> Status {
    switch (how.kind) {
      case JobEnd::Kind::done: return finish_job(transaction, lease, JobState::done, how.detail, now);
      case JobEnd::Kind::failed: return finish_job(transaction, lease, JobState::failed, how.detail, now);
      case JobEnd::Kind::wait: return defer_job(transaction, lease, now.plus_seconds(options_.wait_seconds), how.detail, now);
      case JobEnd::Kind::park: return park_job(transaction, lease, how.detail, now);
      case JobEnd::Kind::retry: break;
    }
    const std::int64_t doublings = std::min<std::int64_t>(static_cast<std::int64_t>(job.attempts) - 1, 16);
    const std::int64_t pause = std::min(options_.first_pause_seconds << std::max<std::int64_t>(doublings, 0), options_.last_pause_seconds);
    return retry_job(transaction, lease, now.plus_seconds(pause), how.detail, now);
  });
  static_cast<void>(ended.ok());  // the lease ends by itself, and the job is repeated
}

}  // namespace redoubt::hub
