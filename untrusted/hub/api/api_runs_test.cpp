// Goal: no run goes on for ever: one that breaks is given up with a reason, one that waits for people costs little while it waits. Method: a
// real hub over rooms whose engine breaks off, or whose old log nobody has signed.
#include <gtest/gtest.h>

#include "untrusted/hub/api/hub_test_fixture.h"
#include "untrusted/hub/store/job_queue.h"

namespace redoubt::hub {
namespace {

// A program that breaks off every run is asked a bounded number of times, and the query says so instead of running for ever.
class BreakingEngine final : public cleanroom::QueryEngine {
 public:
  explicit BreakingEngine(cleanroom::QueryEngine& checks) : checks_(checks) {}
  std::string rule_set() const override { return checks_.rule_set(); }
  Result<cleanroom::QueryCheck> check(std::string_view sql, const std::vector<const jobs::Manifest*>& schema, const cleanroom::Protection& protection) override {
    return checks_.check(sql, schema, protection);
  }
  Result<jobs::ResultTable> run(std::string_view, const std::vector<cleanroom::TableView>&, const cleanroom::Protection&, const std::vector<cleanroom::Asked>&,
                                ByteView) override {
    ++runs;
    throw std::runtime_error("no answer");
  }
  Status load(const cleanroom::TableView& table) override { return checks_.load(table); }

  std::atomic<int> runs{0};

 private:
  cleanroom::QueryEngine& checks_;
};

class BrokenRuns : public HubTest {
 protected:
  BreakingEngine engine{engine_};
  RoomLauncher breaking{folder.path(), [this](std::uint64_t seed, std::optional<receipt::TreeHead> previous) { return make_room(seed, std::move(previous), &engine); }};
};

Job run_of(HubService& hub, const jobs::Proposal& proposed) {
  return OrDie(hub.store().read([&](Transaction& t) { return get_job(t, run_job_id(proposed.digest().hex())); }));
}

TEST_F(BrokenRuns, EndInAQueryThatFailedWithItsReason) {
  ServiceOptions with = options(folder.path() / "state");
  with.worker.first_pause_seconds = 0;
  hub = serve(std::move(with), breaking);
  admin = std::make_unique<Client>(hub->port(), hub->pin(), admin_key(folder.path() / "state"));
  create_study(*admin);
  const auto room = breaking.room();
  upload(*admin, hospital_data_);
  upload(*admin, laboratory_data_);
  join_all(*room);
  release_keys(*room);
  const jobs::Proposal proposed = proposal(*room);
  propose_at_hub(proposed);
  approve_at_hub(*room, proposed);
  ASSERT_TRUE(until([&] { return state_of(proposed) == "failed"; })) << state_of(proposed);
  EXPECT_NE(reason_of(proposed).find("given up after 8 attempts"), std::string::npos) << reason_of(proposed);
  EXPECT_EQ(engine.runs, 8);
  EXPECT_EQ(run_of(*hub, proposed).state, JobState::failed);
}

// A new instance has all keys, and nobody has signed the log before it: the program puts the run off. It is asked again at the pace of the queue, not of the host's
// looks, loses no attempt by it, and runs once everyone has signed.
TEST_F(HubTest, ARunThatIsPutOffIsAskedForAgainAtAnEasyPace) {
  change_options = [](ServiceOptions& with) { with.worker.wait_seconds = 1; };
  start_hub();
  const auto old_room = open_study();
  ASSERT_TRUE(until([&] { return old_room->stored_checkpoint() == old_room->checkpoint(); }));
  launcher.kill();
  await_instance(*old_room);
  const auto room = launcher.room();
  join_all(*room);
  release_keys(*room);
  const jobs::Proposal proposed = proposal(*room);
  propose_at_hub(proposed);
  approve_at_hub(*room, proposed);
  const auto job = [&] { return run_of(*hub, proposed); };
  const auto put_off = [&] { return job().detail.find("carried over") != std::string::npos; };
  ASSERT_TRUE(until(put_off)) << job().detail;
  const Job before = job();
  const Instant from = wall();
  ASSERT_TRUE(until([&] { return job().fence >= before.fence + 2; })) << "it is asked for again";
  EXPECT_LE(job().fence - before.fence, static_cast<std::uint64_t>(wall().unix_seconds() - from.unix_seconds()) + 2);
  EXPECT_LE(job().attempts, before.attempts + 1) << "waiting for people uses up no attempt";
  EXPECT_TRUE(until([&] { return state_of(proposed) == "waiting_for_keys"; }));
  carry_over(*room);
  EXPECT_TRUE(until([&] { return state_of(proposed) == "done"; })) << reason_of(proposed);
}

}  // namespace
}  // namespace redoubt::hub
