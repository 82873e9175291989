// Goal: kill -9 of the hub or of its database server at any point loses nothing that was acknowledged, and leaves nothing half done.
// Method: a child process takes datasets, ballots, log entries and results as the hub does, says through a pipe what it acknowledged,
// and kills itself (or the PostgreSQL server) at a named point; the parent opens what is left, checks every acknowledged thing and
// the order of the rest, and works on.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "untrusted/hub/store/backend_test_support.h"
#include "untrusted/hub/store/datasets.h"
#include "untrusted/hub/store/environments.h"
#include "untrusted/hub/store/logs.h"
#include "untrusted/hub/store/object_store.h"
#include "untrusted/hub/store/queries.h"
#include "tests/support/stride.h"

namespace redoubt::hub {
namespace {

constexpr int kRounds = 3;

struct Hub {
  std::unique_ptr<Store> store;
  std::unique_ptr<ObjectStore> objects;

  Hub(const TestDatabase& place, const FaultPoint& fault) {
    store = OrDie(Store::open(place.location(), kNow, {.sql = {}, .fault = fault}));
    objects = OrDie(ObjectStore::open(place.folder() / "objects", {.fault = fault}));
  }
};

const InstanceId kInstance = [] {
  InstanceId id;
  id.array().fill(std::byte{1});
  return id;
}();

std::string dataset_name(int round) { return "dataset-" + std::to_string(round); }
std::string query_name(int round) { return "query-" + std::to_string(round); }
std::string content(int round) { return std::string(5000, static_cast<char>('a' + round)); }
Bytes entry(int round) { return receipt::LogEntry{"receipt", crypto::sha256(as_bytes(std::to_string(round)))}.encode(); }

Dataset dataset_of(int round) {
  return {"env", dataset_name(round), 1, "alice", "manifest", "object-" + std::to_string(round), content(round).size(),
          DatasetState::uploading, kNow};
}

void setup(Hub& hub) {
  ASSERT_OK(hub.store->write("setup", [](Transaction& t) -> Status {
    REDOUBT_CHECK(add_environment(t, {"env", "contract", {}, EnvironmentState::active, kNow}, {{"alice", {}}}));
    return add_instance(t, {kInstance, "env", {}, "claims", InstanceState::running, kNow});
  }));
}

// One round of the hub's work. `acknowledge` is called when a client would be told that something is kept.
Status work(Hub& hub, int round, const std::function<void(std::string_view)>& acknowledge) {
  const Dataset dataset = dataset_of(round);
  REDOUBT_CHECK(hub.store->write("dataset.add", [&](Transaction& t) -> Status { return add_dataset(t, dataset); }));
  REDOUBT_TRY(const ObjectName object, ObjectName::parse(dataset.object));
  const std::string text = content(round);
  for (std::uint64_t part = 0; part < 2; ++part) {
    REDOUBT_TRY(auto writer, hub.objects->write_part(object, part));
    REDOUBT_CHECK(writer.append(as_bytes(text).subspan(part * 2500, 2500)));
    REDOUBT_TRY(const ObjectInfo info, writer.commit());
    REDOUBT_CHECK(hub.store->write("dataset.part", [&](Transaction& t) -> Status {
      return put_part(t, dataset, {part, info.size, info.sha256});
    }));
  }
  REDOUBT_TRY(const auto joined, hub.objects->join(object, 2, ObjectInfo{text.size(), crypto::sha256(as_bytes(text))}));
  if (joined.size != text.size()) return Error(Code::internal, "join");
  REDOUBT_CHECK(hub.store->write("dataset.stored", [&](Transaction& t) -> Status {
    return set_dataset_state(t, dataset, DatasetState::uploading, DatasetState::stored);
  }));
  acknowledge("dataset");
  REDOUBT_CHECK(hub.store->write("query.add", [&](Transaction& t) -> Status {
    return add_query(t, {query_name(round), "env", "alice", "SELECT 1", {}, "proposal", QueryState::proposed, "", kNow, kNow});
  }));
  REDOUBT_CHECK(hub.store->write("ballot.add", [&](Transaction& t) -> Status {
    return add_ballot(t, query_name(round), {"alice", "ballot", kNow});
  }));
  acknowledge("ballot");
  REDOUBT_CHECK(hub.store->write("log.append", [&](Transaction& t) -> Status {
    REDOUBT_TRY(const auto size, log_size(t, kInstance));
    return append_entries(t, kInstance, size, {entry(round)});
  }));
  acknowledge("log");
  REDOUBT_CHECK(hub.store->write("query.finish", [&](Transaction& t) -> Status {
    REDOUBT_CHECK(set_query_state(t, query_name(round), QueryState::proposed, QueryState::running, "", kNow));
    return finish_query(t, query_name(round), {{"alice", to_bytes("package"), kNow}},
                        {kInstance, static_cast<std::uint64_t>(round), "receipt", kNow});
  }));
  acknowledge("result");
  return {};
}

// Runs the rounds in a child that kills itself when `point` is met for the `nth` time; what it acknowledged, in order.
std::vector<std::string> crash(const TestDatabase& place, std::string_view point, int nth) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    int met = 0;
    Hub hub(place, [&](std::string_view name) {
      if (name == point && ++met == nth) raise(SIGKILL);
    });
    for (int round = 0; round < kRounds; ++round) {
      const Status status = work(hub, round, [&](std::string_view what) {
        const std::string line = std::string(what) + " " + std::to_string(round) + "\n";
        if (write(ends[1], line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(3);
      });
      if (!status.ok()) _exit(2);
    }
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[256];
  for (ssize_t size; (size = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(size));
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << point << " was not met; status " << status;
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) lines.push_back(text.substr(at, text.find('\n', at) - at));
  return lines;
}

std::string read_all(const ObjectStore& objects, const std::string& name) {
  const auto reader = objects.read(OrDie(ObjectName::parse(name)));
  if (!reader.ok()) return "absent";
  Bytes out(reader->size());
  EXPECT_EQ(OrDie(reader->read(0, out)), out.size());
  return std::string(as_text(out));
}

void check(const TestDatabase& place, const std::vector<std::string>& acknowledged) {
  Hub hub(place, [](std::string_view) {});
  const auto has = [&](std::string_view what, int round) {
    return std::ranges::find(acknowledged, std::string(what) + " " + std::to_string(round)) != acknowledged.end();
  };
  std::set<ObjectName> known;
  std::set<ObjectName> uploads;
  std::uint64_t logged = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto dataset = hub.store->read([&](Transaction& t) { return get_dataset(t, "env", dataset_name(round), 1); });
    const bool stored = dataset.ok() && dataset->state == DatasetState::stored;
    EXPECT_TRUE(stored || !has("dataset", round)) << round;
    if (stored) {
      EXPECT_EQ(read_all(*hub.objects, dataset->object), content(round));
    }
    if (dataset.ok()) known.insert(OrDie(ObjectName::parse(dataset->object)));
    if (dataset.ok() && !stored) {
      uploads.insert(OrDie(ObjectName::parse(dataset->object)));
      // Each part that is recorded can still be joined, unless the join itself has been done.
      const auto parts = OrDie(hub.store->read([&](Transaction& t) { return get_parts(t, *dataset); }));
      for (const DatasetPart& part : parts) {
        EXPECT_TRUE(std::filesystem::exists(place.folder() / "objects/parts" / (dataset->object + "." + std::to_string(part.part))) ||
                    read_all(*hub.objects, dataset->object) == content(round));
      }
    }
    const auto ballots = hub.store->read([&](Transaction& t) { return get_ballots(t, query_name(round)); });
    EXPECT_TRUE(!has("ballot", round) || (ballots.ok() && ballots->size() == 1));
    const auto query = hub.store->read([&](Transaction& t) { return get_query(t, query_name(round)); });
    const auto result = hub.store->read([&](Transaction& t) { return get_result(t, query_name(round), "alice"); });
    const auto receipt = hub.store->read([&](Transaction& t) { return get_receipt(t, query_name(round)); });
    const bool done = query.ok() && query->state == QueryState::done;
    EXPECT_TRUE(done || !has("result", round));
    EXPECT_EQ(result.ok(), done);   // all of it, or nothing
    EXPECT_EQ(receipt.ok(), done);
    if (has("log", round)) logged = static_cast<std::uint64_t>(round) + 1;
  }
  const auto log = OrDie(hub.store->read([](Transaction& t) { return load_log(t, kInstance); }));
  EXPECT_GE(log.size(), logged);
  EXPECT_LE(log.size(), logged + 1);
  EXPECT_OK(hub.objects->sweep(known, uploads));
  const auto swept = OrDie(hub.objects->list());
  EXPECT_TRUE(std::ranges::all_of(swept, [&](const ObjectName& name) { return known.contains(name); }));
  EXPECT_OK(work(hub, 9, [](std::string_view) {}));
}

class Crash : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    if (GetParam() == Backend::postgres) REDOUBT_REQUIRE_POSTGRES();
  }
};
REDOUBT_ON_BOTH_BACKENDS(Crash);

TEST_P(Crash, LosesNothingThatWasAcknowledgedAtAnyPoint) {
  const char* const points[] = {"dataset.add:before",    "dataset.add:after",    "object:written",      "object:synced",
                                "object:renamed",        "object:durable",       "dataset.part:before", "dataset.part:after",
                                "dataset.stored:before", "dataset.stored:after", "query.add:before",    "query.add:after",
                                "ballot.add:before",     "ballot.add:after",     "log.append:before",   "log.append:after",
                                "query.finish:before",   "query.finish:after"};
  int turn = 0;
  for (const char* point : points) {
    ++turn;
    for (const int nth : {1, 3}) {
      // Half of them on PostgreSQL, where each costs a database, and the quick tier takes every third of these.
      if (GetParam() == Backend::postgres && (nth != (turn % 2 == 0 ? 1 : 3) || static_cast<std::size_t>(turn) % test::stride(3) != 0)) continue;
      SCOPED_TRACE(std::string(point) + " " + std::to_string(nth));
      const TestDatabase place(GetParam());
      {
        Hub hub(place, [](std::string_view) {});
        setup(hub);
      }
      check(place, crash(place, point, nth));
    }
  }
}

TEST(ObjectCrash, AJoinCutOffAtAnyPointCanBeRepeated) {
  // Commits 1 and 2 are the parts, commit 3 is the join.
  for (const char* point : {"object:written", "object:synced", "object:renamed", "object:durable"}) {
    SCOPED_TRACE(point);
    const TestDatabase place(Backend::sqlite);
    {
      Hub hub(place, [](std::string_view) {});
      setup(hub);
    }
    EXPECT_TRUE(crash(place, point, 3).empty());
    Hub hub(place, [](std::string_view) {});
    const std::string text = content(0);
    const ObjectName object = OrDie(ObjectName::parse(dataset_of(0).object));
    EXPECT_OK(hub.objects->join(object, 2, ObjectInfo{text.size(), crypto::sha256(as_bytes(text))}));
    EXPECT_EQ(read_all(*hub.objects, object.text()), text);
    EXPECT_TRUE(std::filesystem::is_empty(place.folder() / "objects/parts"));
    EXPECT_TRUE(std::filesystem::is_empty(place.folder() / "objects/incoming"));
  }
}

TEST_P(Crash, AMigrationThatWasCutOffRunsAgain) {
  // The parent process opens a database whose first opening never ended: the database's own journal rolls the rest back.
  const TestDatabase place(GetParam());
  const pid_t child = fork();
  if (child == 0) {
    auto database = sql::Database::open(place.location());
    if (!database.ok() || !database->begin().ok() || !database->script("CREATE TABLE api_keys (x INTEGER) STRICT").ok()) _exit(2);
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_OK(Store::open(place.location(), kNow));
}

// The database server is killed, not the hub: what the hub could not commit it did not acknowledge, and it goes on when the server is back.
TEST(ServerCrash, LosesNothingThatWasAcknowledgedAndTheHubGoesOn) {
  REDOUBT_REQUIRE_POSTGRES();
  for (const char* point : {"dataset.part:before", "dataset.stored:before", "ballot.add:after", "query.finish:before", "query.finish:after"}) {
    SCOPED_TRACE(point);
    const TestDatabase place(Backend::postgres);
    std::vector<std::string> acknowledged;
    bool killed = false;
    {
      Hub hub(place, [&](std::string_view name) {
        if (name != point || killed) return;
        postgres_server().kill();
        killed = true;
      });
      setup(hub);
      Status status;
      for (int round = 0; round < kRounds && status.ok(); ++round) {
        status = work(hub, round, [&](std::string_view what) { acknowledged.push_back(std::string(what) + " " + std::to_string(round)); });
      }
      EXPECT_TRUE(killed);
      EXPECT_ERROR(status, Code::unavailable, "");
      EXPECT_ERROR(hub.store->read([](Transaction& t) { return log_size(t, kInstance); }), Code::unavailable, "cannot be reached");
      postgres_server().start();
      // The same store finds its way back by itself, after its pause.
      for (int i = 0; i < 200 && !hub.store->read([](Transaction& t) { return log_size(t, kInstance); }).ok(); ++i) ::usleep(50'000);
      EXPECT_OK(hub.store->read([](Transaction& t) { return log_size(t, kInstance); }));
    }
    check(place, acknowledged);
  }
}

}  // namespace
}  // namespace redoubt::hub
