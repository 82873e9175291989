// Background jobs: durable, leased, retried.
//
// A worker leases a job for a while; if it dies, the lease ends and another takes the job, so work must be repeatable. Every lease has
// a fencing token that only grows: a worker that was paused while another took its job is `refused` whatever it wants to write, when
// that is written in a transaction with hold_lease. Workers of several hubs lease from one database at the same time and never the
// same job. A job whose home is a hub is leased by that hub alone: what it needs is on that machine. A job whose attempts are used up is
// leased once more, as `exhausted`: whoever gets it does not run it, and writes down in one transaction that it failed and what that
// means for what it was to bring. A job that waits for keys is out of the queue until it is woken.
#pragma once

#include <map>

#include "untrusted/hub/store/page.h"

namespace redoubt::hub {

enum class JobState { queued, running, waiting_for_keys, done, failed };
std::string_view name_of(JobState state);

// Lease: one worker's right to one job, for one time.
struct Lease {
  std::string job;
  std::string owner;
  std::uint64_t fence = 0;  // fencing token
};

struct Job {
  std::string id;
  std::string kind;     // "query.run", ...
  std::string payload;  // JSON of the kind
  JobState state = JobState::queued;
  std::string home;            // id of the hub that alone may run it; empty: any
  std::uint64_t attempts = 0;  // leases that count
  std::uint64_t max_attempts = 3;
  Instant run_after;
  std::optional<std::string> lease_owner;
  std::optional<Instant> lease_until;
  std::uint64_t fence = 0;  // how often it was leased
  std::string detail;  // fixed text for people: why it failed or waits
  Instant created;
  Instant changed;

  Lease lease() const { return {id, lease_owner.value_or(""), fence}; }
  // exhausted: all attempts were used up before this lease.
  bool exhausted() const { return attempts > max_attempts; }
};

// add_job takes id, kind, payload, home, max_attempts, run_after and created; it starts queued.
Status add_job(Transaction& transaction, const Job& job);
Result<Job> get_job(Transaction& transaction, std::string_view id);
Result<Page<Job>> list_jobs(Transaction& transaction, const PageRequest& page);
// count_jobs: how many there are, by kind and name of the state.
Result<std::map<std::pair<std::string, std::string>, std::uint64_t>> count_jobs(Transaction& transaction);

// lease_job: the oldest job of `kind` that is due, or whose lease has ended, and that has no home or the owner's; nothing when there is
// none. `owner` is HUB/WORKER, or a name alone. In Store::claim, hubs do not wait for each other.
Result<std::optional<Job>> lease_job(Transaction& transaction, std::string_view kind, std::string_view owner, Instant now,
                                     std::int64_t lease_seconds);
// release_leases: jobs that workers of `hub` (nothing: of any) were running are queued again; how many. Call it at start, when no other
// process is that hub. The attempt that was cut off counts, but never as the last one; what was exhausted stays so.
Result<std::uint64_t> release_leases(Transaction& transaction, std::optional<std::string_view> hub, Instant now);
// hold_lease: `refused` unless the lease is still the job's last. While the transaction is open, nobody takes the job. What a job brings
// is written in a transaction that calls this first.
Status hold_lease(Transaction& transaction, const Lease& lease);
// extend_lease: `refused` when another has taken the job, or it has ended.
Status extend_lease(Transaction& transaction, const Lease& lease, Instant now, std::int64_t lease_seconds);
// finish_job: to done or failed. retry_job: back to the queue at `run_after`. defer_job: the same, and the attempt is given back. park_job:
// to waiting_for_keys; the attempt is given back. All are `refused` when the lease is not the job's last.
Status finish_job(Transaction& transaction, const Lease& lease, JobState state, std::string_view detail, Instant now);
Status retry_job(Transaction& transaction, const Lease& lease, Instant run_after, std::string_view detail, Instant now);
Status defer_job(Transaction& transaction, const Lease& lease, Instant run_after, std::string_view detail, Instant now);
Status park_job(Transaction& transaction, const Lease& lease, std::string_view detail, Instant now);
// wake_job: a job that waits for keys is queued again; `refused` in another state.
Status wake_job(Transaction& transaction, std::string_view id, Instant now);
// repeat_job: a job that ended, or waits, is queued anew with all its attempts. One that runs is left alone: it looks again.
Status repeat_job(Transaction& transaction, std::string_view id, Instant now);

}  // namespace redoubt::hub
