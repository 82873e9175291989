// Goal: several hubs on one PostgreSQL run each job once, also when one of them is killed and another is paused for longer than its
// lease and then wants to write. Method: three processes, each with a store and a worker of its own, and 200 jobs whose effect is one
// row; one process kills itself in the middle of a job, one stops itself in the middle of another and goes on after that job was done.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "untrusted/hub/jobs/worker.h"
#include "untrusted/hub/store/backend_test_support.h"
#include "untrusted/hub/store/journal.h"

namespace redoubt::hub {
namespace {

constexpr int kJobs = 200;
constexpr int kHubs = 3;

Instant wall() {
  return Instant(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

// What a hub says through its pipe, one line each: "killed JOB", "paused JOB", "refused JOB", "written JOB".
void say(int pipe, std::string_view what, const std::string& job) {
  const std::string line = std::string(what) + " " + job + "\n";
  if (::write(pipe, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(3);
}

// The effect of a job: one row, written while the lease holds, together with the job's end.
Status effect(Store& store, const Job& job, const std::string& hub) {
  return store.write("effect", [&](Transaction& t) -> Status {
    REDOUBT_CHECK(hold_lease(t, job.lease()));
    REDOUBT_CHECK(add_audit_event(t, {wall(), hub, "effect", job.id, std::to_string(job.fence)}));
    return finish_job(t, job.lease(), JobState::done, "", wall());
  });
}

[[noreturn]] void hub_process(const TestDatabase& place, int index, int pipe) {
  const std::string name = "hub-" + std::to_string(index);
  auto store = Store::open(place.location(), wall());
  // A hub that is paused may have been stopped inside a transaction, whose locks the database holds until it gives the session up.
  for (int i = 0; i < 600 && !store.ok() && store.error().code() == Code::unavailable; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    store = Store::open(place.location(), wall());
  }
  if (!store.ok()) {
    say(pipe, "failed", store.error().message());
    _exit(2);
  }
  std::atomic<int> count{0};
  const auto handler = [&](const Job& job) -> JobEnd {
    const int mine = ++count;
    const bool pauses = index == 1 && mine == 8;
    if (index == 0 && mine == 10) {
      say(pipe, "killed", job.id);
      ::raise(SIGKILL);
    }
    if (pauses) {
      say(pipe, "paused", job.id);
      ::raise(SIGSTOP);
    }
    Status done = effect(**store, job, name);
    // The parent's own statements and the other hubs may keep the database busy; the same write is tried again, as a handler would be.
    for (int i = 0; i < 50 && !done.ok() && done.error().code() == Code::unavailable; ++i) done = effect(**store, job, name);
    if (pauses) say(pipe, done.ok() ? "written" : "refused", job.id);
    return {};
  };
  Worker worker(**store, {{"test", handler}}, wall,
                {.hub = name, .threads = 2, .poll = std::chrono::milliseconds(20), .lease_seconds = 3, .heartbeat = std::chrono::milliseconds(500)});
  worker.start();
  for (;;) ::pause();
}

class SharedQueue : public testing::Test {
 protected:
  void SetUp() override {
    REDOUBT_REQUIRE_POSTGRES();
    place_.emplace(Backend::postgres);
    {
      const auto store = OrDie(Store::open(place_->location(), wall()));
      ASSERT_OK(store->write("add", [](Transaction& t) -> Status {
        for (int i = 0; i < kJobs; ++i) {
          Job job;
          job.id = "job-" + std::to_string(i);
          job.kind = "test";
          job.payload = "{}";
          job.max_attempts = 5;
          job.run_after = job.created = wall();
          REDOUBT_CHECK(add_job(t, job));
        }
        return {};
      }));
    }
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    said_ = ends[0];
    pipe_ = ends[1];
    // Before the hubs: one that is paused within a transaction keeps others from opening. They leave this connection alone.
    store_ = OrDie(Store::open(place_->location(), wall()));
    for (int i = 0; i < kHubs - 1; ++i) start_hub();
  }
  void TearDown() override {
    for (const pid_t hub : hubs_) {
      ::kill(hub, SIGKILL);
      ::waitpid(hub, nullptr, 0);
    }
    if (said_ >= 0) ::close(said_);
    if (pipe_ >= 0) ::close(pipe_);
  }
  void start_hub() {
    const int index = static_cast<int>(hubs_.size());
    hubs_.push_back(::fork());
    if (hubs_.back() != 0) return;
    ::close(said_);
    hub_process(*place_, index, pipe_);
  }
  // await: the rest of the line that starts with `what`; earlier lines are kept.
  std::string await(std::string_view what) {
    for (;;) {
      for (const std::string& line : lines_) {
        if (line.starts_with(what)) return line.substr(what.size() + 1);
      }
      std::string line;
      for (char c = 0; ::read(said_, &c, 1) == 1 && c != '\n';) line += c;
      if (line.empty()) return {};
      lines_.push_back(line);
    }
  }
  Job job(const std::string& id) {
    return OrDie(store_->read([&](Transaction& t) { return get_job(t, id); }));
  }
  template <class F>
  static bool until(F&& done) {
    for (int i = 0; i < 1200; ++i) {
      if (done()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }

  std::optional<TestDatabase> place_;
  std::unique_ptr<Store> store_;
  std::vector<pid_t> hubs_;
  std::vector<std::string> lines_;
  int said_ = -1;
  int pipe_ = -1;
};

TEST_F(SharedQueue, RunsEachJobOnceAlthoughOneHubIsKilledAndOneIsPaused) {
  const std::string killed = await("killed");
  const std::string paused = await("paused");
  ASSERT_FALSE(killed.empty());
  ASSERT_FALSE(paused.empty());
  start_hub();  // not before: alone with a quick database it would leave the others too few jobs to come to their points
  const auto all_done = [&] {
    const auto jobs = OrDie(store_->read([](Transaction& t) {
      return read_pages<Job>([&](const PageRequest& page) { return list_jobs(t, page); });
    }));
    return jobs.size() == kJobs && std::ranges::all_of(jobs, [](const Job& item) { return item.state == JobState::done; });
  };
  ASSERT_TRUE(until(all_done)) << "the jobs of the hubs that are gone are not taken over";
  for (const std::string& id : {killed, paused}) EXPECT_GE(job(id).fence, 2U) << id;  // a slow machine may lose a lease once more

  // The paused hub goes on where it stood: its job is another's, and done.
  ASSERT_EQ(::kill(hubs_[1], SIGCONT), 0);
  EXPECT_EQ(await("refused"), paused);
  EXPECT_TRUE(std::ranges::none_of(lines_, [](const std::string& line) { return line.starts_with("written"); }));

  const auto effects = OrDie(store_->read([](Transaction& t) {
    return read_pages<AuditEvent>([&](const PageRequest& page) { return list_audit_events(t, page); });
  }));
  std::map<std::string, int> times;
  std::map<std::string, int> by_hub;
  for (const AuditEvent& event : effects) {
    ++times[event.object];
    ++by_hub[event.actor];
  }
  EXPECT_EQ(times.size(), static_cast<std::size_t>(kJobs));
  for (const auto& [id, count] : times) EXPECT_EQ(count, 1) << id;
  EXPECT_GE(by_hub.size(), 2U) << "hubs share the work";
  EXPECT_TRUE(all_done());
}

}  // namespace
}  // namespace redoubt::hub
