// What the hub's jobs do, and how they are put into the queue. Each may be repeated at any point.
//
// instance.start waits until an environment's program runs; dataset.deliver brings it ciphertext; query.run asks for the run of an
// approved query and stores packages and receipt in one transaction before the query is `done`. When an approval has lapsed the query goes back to voting and its run looks again until the rule is met once more. A run that finds its
// datasets closed is parked until they are ready; InstanceHost wakes it. A run that the program puts off (`unavailable`: it waits for people)
// is asked for again after a pause, kMaxRuns times at most; one that breaks uses up an attempt. A query whose run is given up is `failed`.
#pragma once

#include "untrusted/hub/instances/instance_host.h"
#include "untrusted/hub/jobs/worker.h"

namespace redoubt::hub {

inline constexpr std::string_view kStartJob = "instance.start";
inline constexpr std::string_view kDeliverJob = "dataset.deliver";
inline constexpr std::string_view kRunJob = "query.run";

// add_*_job put a job into the queue, in the transaction of what makes it necessary.
Status add_start_job(Transaction& transaction, const std::string& environment, Instant now);
Status add_deliver_job(Transaction& transaction, const std::string& environment, const std::string& manifest, Instant now);
// add_run_job: or queues the one anew that waits since an approval lapsed.
Status add_run_job(Transaction& transaction, const std::string& environment, const std::string& query, Instant now);

// kMaxRuns: how often a run is taken up at all, whatever became of it.
inline constexpr std::uint64_t kMaxRuns = 100'000;

// job_handlers: all of them outlive the handlers. given_up_handlers: what the failure of a job means.
std::map<std::string, Worker::Handler> job_handlers(Store& store, InstanceHost& host, Clock now);
std::map<std::string, Worker::GivenUp> given_up_handlers(Clock now);

}  // namespace redoubt::hub
