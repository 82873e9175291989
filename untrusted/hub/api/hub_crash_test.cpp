// Goal: kill -9 of the hub at any of its named points, with either database, loses no dataset part, ballot or result that a client was told is kept. Method:
// a child process serves a whole hub (real TLS, store, jobs; rooms that join and open by themselves) and kills itself at a point;
// the parent is the client, remembers what was acknowledged, then starts a hub on what is left and looks.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "untrusted/hub/api/hub_test_fixture.h"
#include "untrusted/hub/store/backend_test_support.h"
#include "tests/support/stride.h"

namespace redoubt::hub {
namespace {

struct Acknowledged {
  std::uint64_t parts = 0;  // bytes of the hospital's table
  bool dataset = false;
  bool query = false;
  int ballots = 0;
  std::string result;  // base64, of the analyst
};

class HubCrash : public HubTest {
 protected:
  // made_state: a state folder with its keys and certificate, and no more.
  std::pair<SpkiDigest, std::string> made_state() {
    start_hub();
    const SpkiDigest pin = hub->pin();
    stop_hub();
    return {pin, admin_key(folder.path() / "state")};
  }
  // serve_until runs a hub in a child process that kills itself when `point` is met for the first time; its port, or 0 when it died before.
  pid_t serve_until(const std::string& point, std::uint16_t& port) {
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      RoomLauncher rooms(folder.path(), [this](std::uint64_t, std::optional<receipt::TreeHead>) { return make_room(1); }, [this](cleanroom::Room& room) { provide_keys(room); });
      ServiceOptions with_fault = options(folder.path() / "state");
      with_fault.fault = [&](std::string_view name) {
        if (name == point) raise(SIGKILL);
      };
      auto service = HubService::start(std::move(with_fault), rooms, random, wall, [] { return std::int64_t{0}; });
      if (!service.ok()) _exit(2);
      const std::uint16_t bound = (*service)->port();
      if (write(ends[1], &bound, sizeof bound) != sizeof bound) _exit(3);
      close(ends[1]);
      for (;;) ::pause();
    }
    close(ends[1]);
    if (read(ends[0], &port, sizeof port) != sizeof port) port = 0;
    close(ends[0]);
    return child;
  }
  void provide_keys(cleanroom::Room& room) {
    join_all(room);
    release_keys(room);
  }

  // work does everything a study needs, until the hub is gone. It stops at the first answer that does not come.
  Acknowledged work(std::uint16_t port, const SpkiDigest& pin, const std::string& key) {
    Acknowledged known;
    Client client(port, pin, key);
    static_cast<void>(work(client, known).ok());
    return known;
  }
  Status work(Client& client, Acknowledged& known) {
    REDOUBT_TRY(const Answer created, client.try_send("POST", "/api/tee/environments", to_bytes(json::canonical(contract_body()))));
    if (created.status != 201) return Error(Code::internal, "environment");
    for (int i = 0;; ++i) {
      REDOUBT_TRY(const Answer view, client.try_send("GET", kStudy));
      if (view.text("state") == "running") break;
      if (i == 1000) return Error(Code::internal, "start");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    for (const Sealed* data : {&hospital_data_, &laboratory_data_}) {
      REDOUBT_TRY(const Answer made, client.try_send("POST", std::string(kStudy) + "/datasets", to_bytes(json::canonical(body("manifest", data->document)))));
      if (made.status != 201) return Error(Code::internal, "manifest");
      for (std::size_t at = 0; at < data->envelope.size(); at += 100) {
        const ByteView part = ByteView(data->envelope).subspan(at, std::min<std::size_t>(100, data->envelope.size() - at));
        REDOUBT_TRY(const Answer answer, client.try_send("PUT", content(*data) + std::to_string(at), to_bytes(part)));
        if (answer.status != 200) return Error(Code::internal, "part");
        if (data == &hospital_data_) known.parts = static_cast<std::uint64_t>(answer.number("received"));
      }
      if (data == &hospital_data_) known.dataset = true;
    }
    return vote(client, known);
  }
  Status vote(Client& client, Acknowledged& known) {
    const std::string path = query_path(*proposed_);
    REDOUBT_TRY(const Answer query, client.try_send("POST", std::string(kStudy) + "/queries", to_bytes(json::canonical(body("proposal", sign(*proposed_, analyst_))))));
    if (query.status != 201) return Error(Code::internal, "query");
    known.query = true;
    const auto head = OrDie(receipt::Checkpoint::verify(query.text("checkpoint"), receipt::log_origin(room_->claims().instance), room_->claims().receipt_key)).head();
    for (cleanroom::Party* voter : {&hospital_, &laboratory_}) {
      jobs::Ballot choice{proposed_->terms, proposed_->digest(), voter->name, jobs::Decision::approve, cleanroom::kNow.plus_seconds(600),
                          head.size + 100, voter->random.fixed<jobs::BallotNonce>(), {head.size, head.root}};
      REDOUBT_TRY(const Answer counted, client.try_send("POST", path + "/approve", to_bytes(json::canonical(body("ballot", sign(choice, *voter))))));
      if (counted.status != 200) return Error(Code::internal, "ballot: " + counted.text("detail"));
      ++known.ballots;
    }
    for (int i = 0; i < 1000; ++i) {
      REDOUBT_TRY(const Answer view, client.try_send("GET", path));
      if (view.text("state") == "done") {
        REDOUBT_TRY(const Answer result, client.try_send("GET", path + "/result/analyst"));
        known.result = result.text("sealed");
        return {};
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return Error(Code::internal, "run");
  }

  // check starts a hub on what is left; nothing joins its rooms.
  void check(const Acknowledged& known) {
    start_hub();
    const Answer list = admin->get(std::string(kStudy) + "/datasets");
    if (known.parts > 0) {
      ASSERT_GE(list.count("items"), 1U);
      const auto& item = *list.find("items")->array()->at(0).object();
      EXPECT_GE(static_cast<std::uint64_t>(*item.at("received").integer()), known.parts);
      if (known.dataset) {
        EXPECT_EQ(item.at("state"), json::Value("stored"));
      }
    }
    const Answer query = admin->get(query_path(*proposed_));
    if (known.query) {
      ASSERT_EQ(query.status, 200);
      EXPECT_GE(query.count("ballots"), static_cast<std::size_t>(known.ballots));
    }
    if (!known.result.empty()) {
      EXPECT_EQ(query.text("state"), "done");
      EXPECT_EQ(admin->get(query_path(*proposed_) + "/result/analyst").text("sealed"), known.result);
      EXPECT_EQ(admin->get(query_path(*proposed_) + "/receipt").status, 200);
    }
    // Everything or nothing: a query is done with all its packages and its receipt, or not done.
    const bool done = query.text("state") == "done";
    EXPECT_EQ(admin->get(query_path(*proposed_) + "/receipt").status == 200, done);
    EXPECT_EQ(admin->get(query_path(*proposed_) + "/result/hospital").status == 200, done);
    // The ciphertext that is there is what was sent, and the upload goes on where it stood.
    if (list.count("items") > 0) {
      upload(*admin, hospital_data_);
      const auto reader = test::read_file(folder.path() / "state" / "objects" / "objects" / hospital_data_.manifest.digest().hex());
      EXPECT_EQ(reader, hospital_data_.envelope);
    }
    stop_hub();
  }

  std::unique_ptr<jobs::Proposal> proposed_;
};

class HubCrashAt : public HubCrash, public testing::WithParamInterface<const char*> {
 protected:
  void kill_and_check();
};

void HubCrashAt::kill_and_check() {
  const auto [pin, key] = made_state();
  proposed_ = std::make_unique<jobs::Proposal>(proposal(*room_));  // the child's first room is this room's twin
  std::uint16_t port = 0;
  const pid_t child = serve_until(GetParam(), port);
  Acknowledged known;
  if (port != 0) known = work(port, pin, key);
  int status = 0;
  if (known.result.empty()) {
    ASSERT_EQ(waitpid(child, &status, 0), child);
  } else {
    ::kill(child, SIGKILL);  // the point came after all was answered, or never: told below
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ADD_FAILURE() << GetParam() << " was not met";
  }
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
  check(known);
}

TEST_P(HubCrashAt, LosesNothingThatWasAcknowledged) { kill_and_check(); }

// The same with PostgreSQL, at the points where something was just acknowledged, or is just not.
class HubCrashOnPostgres : public HubCrashAt {
 protected:
  void SetUp() override {
    REDOUBT_REQUIRE_POSTGRES();
    place_.emplace(Backend::postgres);
    database = place_->location();
  }

 private:
  std::optional<TestDatabase> place_;
};

TEST_P(HubCrashOnPostgres, LosesNothingThatWasAcknowledged) { kill_and_check(); }

std::string point_name(const testing::TestParamInfo<const char*>& parameter) {
  std::string name = parameter.param;
  std::ranges::replace_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}

// postgres_points: all in ./test.sh --full, every third otherwise: the same hub goes through all points on SQLite.
std::vector<const char*> postgres_points() {
  const std::vector<const char*> all{"dataset.part:after", "dataset.stored:before", "ballot.add:before", "ballot.add:after", "query.finish:before", "query.finish:after"};
  std::vector<const char*> some;
  for (std::size_t i = 0; i < all.size(); i += test::stride(3)) some.push_back(all[i]);
  return some;
}
INSTANTIATE_TEST_SUITE_P(Points, HubCrashOnPostgres, testing::ValuesIn(postgres_points()),
                         point_name);
INSTANTIATE_TEST_SUITE_P(Points, HubCrashAt,
                         testing::Values("environment.add:after", "instance.start:after", "dataset.add:after", "object:synced", "object:renamed",
                                         "dataset.part:before", "dataset.part:after", "dataset.stored:before", "dataset.stored:after",
                                         "query.reserved", "query.add:after", "ballot.counted", "ballot.add:before", "ballot.add:after",
                                         "log.archive:after", "query.state:after", "query.finish:before", "query.finish:after"),
                         point_name);

TEST_F(HubCrash, AnAnswerThatWasNotSentIsGivenByTheNextHub) {
  const auto [pin, key] = made_state();
  std::uint16_t port = 0;
  const pid_t child = serve_until("environment.add:after", port);
  ASSERT_NE(port, 0);
  Client client(port, pin, key);
  client.idempotency_key = "create-1";
  EXPECT_FALSE(client.try_send("POST", "/api/tee/environments", to_bytes(json::canonical(contract_body()))).ok());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
  start_hub();
  admin->idempotency_key = "create-1";
  const Answer again = admin->post("/api/tee/environments", contract_body());
  EXPECT_EQ(again.status, 201);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.text("environment"), contract().digest().hex());
}

TEST_F(HubCrash, AKillAfterTheResultWasReadLosesNothing) {
  const auto [pin, key] = made_state();
  proposed_ = std::make_unique<jobs::Proposal>(proposal(*room_));
  std::uint16_t port = 0;
  const pid_t child = serve_until("never", port);
  ASSERT_NE(port, 0);
  const Acknowledged known = work(port, pin, key);
  EXPECT_FALSE(known.result.empty());
  EXPECT_EQ(known.ballots, 2);
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  check(known);
}

}  // namespace
}  // namespace redoubt::hub
