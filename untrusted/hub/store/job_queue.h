// Background jobs: durable, leased, retried.
//
// A worker leases a job for a while; if it dies, the lease ends and another takes the job, so work must be repeatable. Every
// change by a worker names the lease owner and is `refused` once the lease belongs to someone else. A job that used up its
// attempts is `failed`. A job that waits for keys is out of the queue until it is woken.
#pragma once

#include "untrusted/hub/store/page.h"

namespace redoubt::hub {

enum class JobState { queued, running, waiting_for_keys, done, failed };
std::string_view name_of(JobState state);

struct Job {
  std::string id;
  std::string kind;     // "query.run", ...
  std::string payload;  // JSON of the kind
  JobState state = JobState::queued;
  std::uint64_t attempts = 0;  // leases so far
  std::uint64_t max_attempts = 3;
  Instant run_after;
  std::optional<std::string> lease_owner;
  std::optional<Instant> lease_until;
  std::string detail;  // fixed text for people: why it failed or waits
  Instant created;
  Instant changed;
};

// add_job takes id, kind, payload, max_attempts, run_after and created; it starts queued.
Status add_job(Transaction& transaction, const Job& job);
Result<Job> get_job(Transaction& transaction, std::string_view id);
Result<Page<Job>> list_jobs(Transaction& transaction, const PageRequest& page);

// lease_job: the oldest job of `kind` that is due, or whose lease has ended; nothing when there is none. Jobs whose lease ended
// on their last attempt become failed.
Result<std::optional<Job>> lease_job(Transaction& transaction, std::string_view kind, std::string_view owner, Instant now,
                                     std::int64_t lease_seconds);
// release_leases: jobs that a hub which is gone was running are queued again; how many. Call it at start, when this process is the
// only one that has the store. The attempt that was cut off counts, but never as the last one.
Result<std::uint64_t> release_leases(Transaction& transaction, Instant now);
// extend_lease: `refused` when the lease is not `owner`'s any more.
Status extend_lease(Transaction& transaction, std::string_view id, std::string_view owner, Instant now, std::int64_t lease_seconds);
// finish_job: to done or failed. retry_job: back to the queue at `run_after`, or failed when no attempt is left. park_job: to
// waiting_for_keys; the attempt is given back. All are `refused` when the lease is not `owner`'s.
Status finish_job(Transaction& transaction, std::string_view id, std::string_view owner, JobState state, std::string_view detail, Instant now);
Status retry_job(Transaction& transaction, std::string_view id, std::string_view owner, Instant run_after, std::string_view detail, Instant now);
Status park_job(Transaction& transaction, std::string_view id, std::string_view owner, std::string_view detail, Instant now);
// wake_job: a job that waits for keys is queued again; `refused` in another state.
Status wake_job(Transaction& transaction, std::string_view id, Instant now);

}  // namespace redoubt::hub
