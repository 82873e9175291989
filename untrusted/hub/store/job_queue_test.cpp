// Goal: a job is one worker's at a time, at the hub where it belongs, and its end is always somebody's to write. Method: leases at chosen times,
// on each kind of database.
#include <gtest/gtest.h>

#include "untrusted/hub/store/hubs.h"
#include "untrusted/hub/store/job_queue.h"
#include "untrusted/hub/store/records_test_fixture.h"

namespace redoubt::hub {
namespace {

class JobRecords : public Records {};
REDOUBT_ON_BOTH_BACKENDS(JobRecords);

TEST_P(JobRecords, AJobIsHeldByOneWorkerAndTakenOverWhenItsLeaseEnds) {
  const auto add = [&](std::string id, Instant run_after) {
    Job job;
    job.id = std::move(id);
    job.kind = "query.run";
    job.payload = "{}";
    job.max_attempts = 2;
    job.run_after = run_after;
    job.created = kNow;
    return write([&](Transaction& t) { return add_job(t, job); });
  };
  const auto lease = [&](std::string_view owner, std::int64_t at) {
    return OrDie(write([&](Transaction& t) { return lease_job(t, "query.run", owner, kNow.plus_seconds(at), 10); }));
  };
  const auto state = [&](std::string_view id) { return OrDie(write([&](Transaction& t) { return get_job(t, id); })).state; };
  EXPECT_FALSE(lease("w1", 0));
  EXPECT_OK(add("later", kNow.plus_seconds(50)));
  EXPECT_OK(add("now", kNow));
  EXPECT_ERROR(add("now", kNow), Code::refused, "already exists");
  const auto job = lease("w1", 0);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->id, "now");
  EXPECT_EQ(job->attempts, 1U);
  EXPECT_EQ(job->lease_until, kNow.plus_seconds(10));
  EXPECT_FALSE(lease("w2", 9));
  EXPECT_OK(write([&](Transaction& t) { return extend_lease(t, job->lease(), kNow.plus_seconds(9), 10); }));
  EXPECT_OK(write([&](Transaction& t) { return hold_lease(t, job->lease()); }));
  EXPECT_FALSE(lease("w2", 18));
  auto taken = lease("w2", 19);  // the lease of w1 has ended
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->fence, job->fence + 1);
  // Whoever was paused meanwhile writes nothing, also where the other has the same name.
  Lease same_name = job->lease();
  same_name.owner = "w2";
  for (const Lease& old : {job->lease(), same_name}) {
    const std::string text = "not held by " + old.owner;
    EXPECT_ERROR(write([&](Transaction& t) { return hold_lease(t, old); }), Code::refused, text);
    EXPECT_ERROR(write([&](Transaction& t) { return finish_job(t, old, JobState::done, "", kNow); }), Code::refused, text);
    EXPECT_ERROR(write([&](Transaction& t) { return retry_job(t, old, kNow, "", kNow); }), Code::refused, text);
    EXPECT_ERROR(write([&](Transaction& t) { return park_job(t, old, "", kNow); }), Code::refused, text);
    EXPECT_ERROR(write([&](Transaction& t) { return extend_lease(t, old, kNow, 10); }), Code::refused, text);
  }
  EXPECT_EQ(state("now"), JobState::running);
  // Waiting for keys costs no attempt.
  EXPECT_OK(write([&](Transaction& t) { return park_job(t, taken->lease(), "keys", kNow.plus_seconds(20)); }));
  EXPECT_FALSE(lease("w2", 40));
  EXPECT_EQ(state("now"), JobState::waiting_for_keys);
  EXPECT_OK(write([&](Transaction& t) { return wake_job(t, "now", kNow.plus_seconds(21)); }));
  EXPECT_ERROR(write([&](Transaction& t) { return wake_job(t, "now", kNow.plus_seconds(21)); }), Code::refused, "found queued");
  taken = lease("w2", 21);
  ASSERT_TRUE(taken);
  EXPECT_OK(write([&](Transaction& t) { return finish_job(t, taken->lease(), JobState::done, "", kNow.plus_seconds(22)); }));
  EXPECT_EQ(state("now"), JobState::done);
  // One that ended is queued anew, with its attempts; one that runs is left alone.
  EXPECT_OK(write([&](Transaction& t) { return repeat_job(t, "now", kNow.plus_seconds(22)); }));
  EXPECT_EQ(state("now"), JobState::queued);
  taken = lease("w2", 22);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->attempts, 1U);
  EXPECT_OK(write([&](Transaction& t) { return repeat_job(t, "now", kNow.plus_seconds(22)); }));
  EXPECT_EQ(state("now"), JobState::running);
  EXPECT_OK(write([&](Transaction& t) { return finish_job(t, taken->lease(), JobState::done, "", kNow.plus_seconds(22)); }));
  // Two attempts: the first is retried, the second dies with its worker.
  taken = lease("w1", 50);
  ASSERT_TRUE(taken);
  EXPECT_OK(write([&](Transaction& t) { return retry_job(t, taken->lease(), kNow.plus_seconds(60), "again", kNow.plus_seconds(51)); }));
  EXPECT_FALSE(lease("w1", 59));
  taken = lease("w1", 60);
  ASSERT_TRUE(taken);
  EXPECT_FALSE(taken->exhausted());
  // Whoever finds it then does not run it, and says what its failure means; until that is written it is found again.
  const auto found = lease("w2", 70);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->exhausted());
  EXPECT_ERROR(write([&](Transaction& t) { return finish_job(t, taken->lease(), JobState::done, "", kNow); }), Code::refused, "not held");
  const auto again = lease("w3", 80);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->exhausted());
  EXPECT_OK(write([&](Transaction& t) { return finish_job(t, again->lease(), JobState::failed, "given up", kNow.plus_seconds(81)); }));
  EXPECT_EQ(state("later"), JobState::failed);
  EXPECT_FALSE(lease("w1", 1000));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return list_jobs(t, {}); })).items.size(), 2U);
}

TEST_P(JobRecords, AJobWithAHomeRunsThereAndAHubReleasesItsOwnLeases) {
  const auto add = [&](std::string id, std::string home) {
    Job job;
    job.id = std::move(id);
    job.kind = "k";
    job.payload = "{}";
    job.home = std::move(home);
    job.max_attempts = 1;
    job.run_after = job.created = kNow;
    return write([&](Transaction& t) { return add_job(t, job); });
  };
  const auto lease = [&](std::string_view owner) {
    return OrDie(store->claim("lease", [&](Transaction& t) { return lease_job(t, "k", owner, kNow, 10); }));
  };
  EXPECT_OK(add("a", "hub-a"));
  EXPECT_FALSE(lease("hub-b/worker-0"));
  EXPECT_FALSE(lease("hub-ab/worker-0"));
  ASSERT_TRUE(lease("hub-a/worker-1"));
  EXPECT_OK(add("any", ""));
  ASSERT_TRUE(lease("hub-ab/worker-0"));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return release_leases(t, "hub-b", kNow); })), 0U);
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return release_leases(t, "hub-a", kNow); })), 1U);
  ASSERT_TRUE(lease("hub-a/worker-0")) << "an attempt that was cut off is never the last one";
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return release_leases(t, std::nullopt, kNow); })), 2U);
  EXPECT_OK(write([&](Transaction& t) { return enter_hub(t, "hub-b", false, kNow); }));
  EXPECT_FALSE(lease("hub-c/w"));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_environment(t, "env"); })).home, "hub-b");
  EXPECT_OK(write([&](Transaction& t) { return enter_hub(t, "hub-c", false, kNow); }));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_environment(t, "env"); })).home, "hub-b");
  EXPECT_OK(write([&](Transaction& t) { return enter_hub(t, "hub-c", true, kNow); }));
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_environment(t, "env"); })).home, "hub-c");
  EXPECT_TRUE(lease("hub-c/w"));
}

TEST_P(JobRecords, AHubTouchesNoJobOfAnotherHowEverItEnds) {
  Job job;
  job.id = "a";
  job.kind = "k";
  job.payload = "{}";
  job.home = "hub-a";
  job.max_attempts = 1;
  job.run_after = job.created = kNow;
  EXPECT_OK(write([&](Transaction& t) { return add_job(t, job); }));
  const auto lease = [&](std::string_view owner, std::int64_t at) {
    return OrDie(store->claim("lease", [&](Transaction& t) { return lease_job(t, "k", owner, kNow.plus_seconds(at), 10); }));
  };
  const auto first = lease("hub-a/w", 0);
  ASSERT_TRUE(first);
  EXPECT_FALSE(lease("hub-b/w", 100)) << "its last attempt has ended, and it is not this hub's to say so";
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return get_job(t, "a"); })).state, JobState::running);
  // What waits for others is put off without losing the attempt; what failed loses it.
  EXPECT_OK(write([&](Transaction& t) { return defer_job(t, first->lease(), kNow.plus_seconds(200), "waits", kNow.plus_seconds(100)); }));
  EXPECT_FALSE(lease("hub-a/w", 199));
  const auto second = lease("hub-a/w", 200);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->attempts, 1U);
  EXPECT_EQ(second->fence, 2U);
  EXPECT_EQ(second->detail, "waits");
  EXPECT_OK(write([&](Transaction& t) { return retry_job(t, second->lease(), kNow.plus_seconds(300), "broke", kNow.plus_seconds(200)); }));
  const auto third = lease("hub-a/w", 300);
  ASSERT_TRUE(third);
  EXPECT_TRUE(third->exhausted());
  // A hub that is killed here finds it exhausted again.
  EXPECT_EQ(OrDie(write([&](Transaction& t) { return release_leases(t, "hub-a", kNow.plus_seconds(301)); })), 1U);
  const auto fourth = lease("hub-a/w", 301);
  ASSERT_TRUE(fourth);
  EXPECT_TRUE(fourth->exhausted());
}

}  // namespace
}  // namespace redoubt::hub
