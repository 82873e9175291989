// Goal: a job runs, is repeated when it may help, and its end is written down. Method: a scripted handler over a real store; the clock
// is the test's, so that pauses pass when it says so.
#include "untrusted/hub/jobs/worker.h"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "untrusted/hub/store/journal.h"

namespace redoubt::hub {
namespace {

class WorkerTest : public testing::Test {
 protected:
  void add(const std::string& id, std::uint64_t attempts = 3) {
    Job job;
    job.id = id;
    job.kind = "test";
    job.payload = "{}";
    job.max_attempts = attempts;
    job.run_after = job.created = Instant(1000);
    ASSERT_OK(store->write("add", [&](Transaction& t) { return add_job(t, job); }));
  }
  JobState await(const std::string& id, std::function<bool(const Job&)> until) {
    for (int i = 0; i < 2000; ++i) {
      const Job job = OrDie(store->read([&](Transaction& t) { return get_job(t, id); }));
      if (until(job)) return job.state;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << id << " does not come to its end";
    return JobState::failed;
  }
  static bool ended(const Job& job) { return job.state != JobState::queued && job.state != JobState::running; }

  test::TempDir folder;
  std::unique_ptr<Store> store = OrDie(Store::open(folder.path() / "db", Instant(1000)));
  std::atomic<std::int64_t> seconds{1000};
  std::atomic<int> calls{0};
  Worker::Clock clock = [this] { return Instant(seconds += 100); };  // every look is later than any pause
};

TEST_F(WorkerTest, RunsAJobOnceAndWritesItsEnd) {
  Worker worker(*store, {{"test", [&](const Job& job) {
                            ++calls;
                            return job.id == "bad" ? JobEnd{JobEnd::Kind::failed, "no"} : JobEnd{};
                          }}}, clock, {.poll = std::chrono::milliseconds(5), .lease_seconds = 1'000'000});
  add("good");
  add("bad");
  worker.start();
  EXPECT_EQ(await("good", ended), JobState::done);
  EXPECT_EQ(await("bad", ended), JobState::failed);
  worker.stop();
  EXPECT_EQ(calls, 2);
}

TEST_F(WorkerTest, TriesAgainUntilTheAttemptsAreUsedUp) {
  Worker worker(*store, {{"test", [&](const Job& job) -> JobEnd {
                            ++calls;
                            if (job.id == "throws") throw std::runtime_error("no");
                            return {job.attempts < 3 ? JobEnd::Kind::retry : JobEnd::Kind::done, "later"};
                          }}}, clock, {.threads = 1, .poll = std::chrono::milliseconds(5), .lease_seconds = 1'000'000});
  add("third");
  worker.start();
  EXPECT_EQ(await("third", ended), JobState::done);
  EXPECT_EQ(calls, 3);
  add("throws", 2);
  worker.wake();
  EXPECT_EQ(await("throws", ended), JobState::failed);
  EXPECT_EQ(calls, 5);
}

TEST_F(WorkerTest, AJobThatIsGivenUpFailsTogetherWithWhatItWasToBring) {
  std::atomic<int> failures{0};
  const auto given_up = [&](Transaction& transaction, const Job& job, const std::string& reason) -> Status {
    if (failures++ == 0) return Error(Code::unavailable, "the database was busy");  // then neither is written, and it is tried again
    return add_audit_event(transaction, {Instant(1), "worker", "given up", job.id, reason});
  };
  Worker worker(*store, {{"test", [&](const Job&) -> JobEnd {
                            ++calls;
                            return {JobEnd::Kind::retry, "the disk is full"};
                          }}}, clock, {.threads = 1, .poll = std::chrono::milliseconds(5), .lease_seconds = 50}, {{"test", given_up}});
  add("job", 2);
  worker.start();
  EXPECT_EQ(await("job", ended), JobState::failed);
  worker.stop();
  EXPECT_EQ(calls, 2) << "a job without attempts is not run";
  EXPECT_EQ(failures, 2);
  const auto events = OrDie(store->read([](Transaction& t) { return list_audit_events(t, {}); }));
  ASSERT_EQ(events.items.size(), 1U);
  EXPECT_EQ(events.items.front().detail, "given up after 2 attempts: the disk is full");
  EXPECT_EQ(OrDie(store->read([](Transaction& t) { return get_job(t, "job"); })).detail, events.items.front().detail);
}

TEST_F(WorkerTest, AJobThatWaitsForOthersLosesNoAttempt) {
  Worker worker(*store, {{"test", [&](const Job& job) -> JobEnd {
                            EXPECT_EQ(job.attempts, 1U);
                            return ++calls < 10 ? JobEnd{JobEnd::Kind::wait, "waits"} : JobEnd{};
                          }}}, clock, {.threads = 1, .poll = std::chrono::milliseconds(5), .lease_seconds = 1'000'000});
  add("job", 2);
  worker.start();
  EXPECT_EQ(await("job", [](const Job& job) { return job.state == JobState::done; }), JobState::done);
  EXPECT_EQ(calls, 10);
}

TEST_F(WorkerTest, AParkedJobWaitsUntilItIsWoken) {
  std::atomic<bool> ready{false};
  Worker worker(*store, {{"test", [&](const Job&) -> JobEnd { return {ready ? JobEnd::Kind::done : JobEnd::Kind::park, "waits"}; }}},
                clock, {.poll = std::chrono::milliseconds(5), .lease_seconds = 1'000'000});
  add("job");
  worker.start();
  EXPECT_EQ(await("job", ended), JobState::waiting_for_keys);
  ready = true;
  ASSERT_OK(store->write("wake", [](Transaction& t) { return wake_job(t, "job", Instant(1)); }));
  worker.wake();
  EXPECT_EQ(await("job", [](const Job& job) { return job.state == JobState::done; }), JobState::done);
}

TEST_F(WorkerTest, WhatADeadHubWasRunningRunsAgain) {
  add("job", 1);
  ASSERT_OK(store->write("lease", [](Transaction& t) -> Status {
    REDOUBT_TRY(const auto job, lease_job(t, "test", "worker of a dead hub", Instant(1000), 1'000'000'000));
    return job ? Status() : Status(Error(Code::internal, "no job"));
  }));
  Worker worker(*store, {{"test", [&](const Job&) { ++calls; return JobEnd{}; }}}, clock, {.poll = std::chrono::milliseconds(5), .lease_seconds = 1'000'000});
  EXPECT_EQ(OrDie(store->write("release", [](Transaction& t) { return release_leases(t, std::nullopt, Instant(1000)); })), 1U);
  worker.start();
  EXPECT_EQ(await("job", ended), JobState::done);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace redoubt::hub
