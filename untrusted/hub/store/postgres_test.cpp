// Goal: a PostgreSQL database is reached only where its server is known, keeps what it says, and a lost connection or another hub's
// lock costs an error and never a wrong answer. Method: URLs of every kind; a real server whose connections the test ends.
#include <gtest/gtest.h>

#include "untrusted/hub/store/backend_test_support.h"
#include "untrusted/hub/store/journal.h"

namespace redoubt::hub {
namespace {

TEST(PostgresUrl, TakesThisMachineAndServersWhoseNameIsVerified) {
  for (const char* url : {"postgresql:///hub", "postgresql://user:secret@/hub?host=/run/postgresql", "postgres://user@localhost/hub",
                          "postgresql://127.0.0.1:5433/hub", "postgresql://[::1]/hub", "postgresql:///hub?host=@abstract",
                          "postgresql://db.example.org/hub?sslmode=verify-full&sslrootcert=/etc/ca.pem",
                          "postgresql://db.example.org/hub?hostaddr=127.0.0.1"}) {
    EXPECT_OK(sql::Location::of_url(url)) << url;
  }
  for (const char* url : {"postgresql://db.example.org/hub", "postgresql://db.example.org/hub?sslmode=require",
                          "postgresql://db.example.org/hub?sslmode=verify-ca", "postgresql://192.0.2.1/hub?sslmode=prefer",
                          "postgresql://localhost.example.org/hub", "postgresql://127.0.0.1.example.org/hub",
                          "postgresql://localhost/hub?hostaddr=192.0.2.1", "postgresql:///hub?host=db.example.org"}) {
    EXPECT_ERROR(sql::Location::of_url(url), Code::refused, "expected sslmode=verify-full") << url;
  }
}

TEST(PostgresUrl, RefusesWhatIsNoUrlOrLeavesTheServerOpen) {
  for (const std::string& url : std::vector<std::string>{"", "hub.db", "/var/lib/hub.db", "host=/run dbname=hub", "postgresql:///hub?no_such_option=1",
                                                         "postgresql:///hub?host=%zz", "mysql://localhost/hub", std::string("postgresql:///a\0b", 17),
                                                         "postgresql:///" + std::string(5000, 'a')}) {
    EXPECT_ERROR(sql::Location::of_url(url), Code::malformed, "expected postgresql://") << url;
  }
  EXPECT_ERROR(sql::Location::of_url("postgresql://localhost,db.example.org/hub"), Code::malformed, "one host");
  EXPECT_ERROR(sql::Location::of_url("postgresql:///hub?host=/run,/tmp"), Code::malformed, "one host");
  EXPECT_ERROR(sql::Location::of_url("postgresql:///hub?service=other"), Code::malformed, "service");
}

TEST(PostgresUrl, IsNeverShownWithItsPassword) {
  const auto location = OrDie(sql::Location::of_url("postgresql://hubuser:tops3cret@/hub?host=/nonexistent&sslpassword=tops3cret2"));
  EXPECT_EQ(location.name(), "PostgreSQL database \"hub\" at /nonexistent");
  const auto opened = sql::Database::open(location);
  EXPECT_ERROR(opened, Code::unavailable, "opening PostgreSQL database \"hub\" at /nonexistent");
  EXPECT_EQ(opened.error().message().find("tops3cret"), std::string::npos);
  for (const char* bad : {"postgresql://hubuser:tops3cret@db.example.org/hub", "postgresql://hubuser:tops3cret@/hub?host=%zz", "postgresql://u:tops3cret@a,b/hub"}) {
    const auto refused = sql::Location::of_url(bad);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().message().find("tops3cret"), std::string::npos) << refused.error().message();
  }
}

TEST(PostgresServer, ThatDoesNotSyncIsRefused) {
  REDOUBT_REQUIRE_POSTGRES();
  const test::TestPostgres careless(false);
  EXPECT_ERROR(sql::Database::open(OrDie(sql::Location::of_url(careless.url("postgres")))), Code::unavailable, "does not sync to disk");
}

class Postgres : public testing::Test {
 protected:
  void SetUp() override {
    REDOUBT_REQUIRE_POSTGRES();
    database_.emplace(Backend::postgres);
    store = OrDie(Store::open(database_->location(), kNow, {.sql = {.busy_timeout_ms = 300}}));
  }
  sql::Database connect() { return OrDie(sql::Database::open(database_->location())); }
  // end_others ends every other connection to this test's database, as an administrator does.
  void end_others() {
    EXPECT_OK(connect().query("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND "
                              "pid <> pg_backend_pid()"));
  }
  static Status note(Transaction& t, std::string_view object) { return add_audit_event(t, {kNow, "a", "b", std::string(object), ""}); }
  std::size_t noted() {
    return OrDie(store->read([](Transaction& t) { return list_audit_events(t, {}); })).items.size();
  }

  std::optional<TestDatabase> database_;
  std::unique_ptr<Store> store;
};

TEST_F(Postgres, ADatabaseThatAcknowledgesBeforeItSyncsIsToldNotTo) {
  sql::Database before = connect();
  ASSERT_OK(before.script("DO 'BEGIN EXECUTE format(''ALTER DATABASE %I SET synchronous_commit = off'', current_database()); END'"));
  sql::Database after = connect();
  auto rows = OrDie(after.query("SELECT current_setting('synchronous_commit')"));
  EXPECT_EQ(rows.at(0).text(), "on");
}

TEST_F(Postgres, AConnectionThatEndedWhileIdleIsMadeAgain) {
  ASSERT_OK(store->write("a", [](Transaction& t) { return note(t, "1"); }));
  end_others();
  EXPECT_OK(store->write("a", [](Transaction& t) { return note(t, "2"); }));
  EXPECT_EQ(noted(), 2U);
}

TEST_F(Postgres, AConnectionThatEndsInATransactionKeepsNothingOfIt) {
  EXPECT_ERROR(store->write("a", [this](Transaction& t) -> Status {
    REDOUBT_CHECK(note(t, "1"));
    end_others();
    return note(t, "2");
  }), Code::unavailable, "connection to the server was lost");
  // Also where the function does not look: nothing is committed on a new connection.
  EXPECT_ERROR(store->write("a", [this](Transaction& t) -> Status {
    REDOUBT_CHECK(note(t, "1"));
    end_others();
    static_cast<void>(note(t, "2").ok());
    static_cast<void>(note(t, "3").ok());
    return {};
  }), Code::unavailable, "lost");
  EXPECT_EQ(noted(), 0U);
  EXPECT_OK(store->write("a", [](Transaction& t) { return note(t, "4"); }));
}

TEST_F(Postgres, AStatementThatFailedCannotBeCommittedOver) {
  EXPECT_ERROR(store->write("a", [](Transaction& t) -> Status {
    REDOUBT_CHECK(note(t, "1"));
    static_cast<void>(t.query("SELECT 1 FROM no_such_table").ok());
    return {};
  }), Code::internal, "a statement of the transaction had failed");
  EXPECT_EQ(noted(), 0U);
}

TEST_F(Postgres, AnotherHubsTransactionIsWaitedForOnlySoLong) {
  const auto other = OrDie(Store::open(database_->location(), kNow, {.sql = {.busy_timeout_ms = 300}}));
  EXPECT_OK(store->write("a", [&](Transaction& t) -> Status {
    EXPECT_ERROR(other->write("b", [](Transaction& u) { return note(u, "2"); }), Code::unavailable, "database is busy");
    EXPECT_OK(other->read([](Transaction& u) { return list_audit_events(u, {}); }));
    EXPECT_OK(other->claim("c", [](Transaction&) { return Status(); }));
    return note(t, "1");
  }));
  EXPECT_OK(other->write("b", [](Transaction& u) { return note(u, "2"); }));
  EXPECT_EQ(noted(), 2U);
}

TEST_F(Postgres, AHubThatStopsInATransactionLosesItsLockAndItsWork) {
  sql::Database stopped = connect();
  ASSERT_OK(stopped.begin());
  EXPECT_EQ(OrDie(stopped.execute("INSERT INTO audit_events (at, actor, action, object, detail) VALUES (1, '', '', '', '')")), 1U);
  EXPECT_ERROR(store->write("a", [](Transaction& t) { return note(t, "1"); }), Code::unavailable, "database is busy");
  Status written;
  for (int i = 0; i < 100; ++i) {
    written = store->write("a", [](Transaction& t) { return note(t, "1"); });
    if (written.ok()) break;
  }
  EXPECT_OK(written);
  EXPECT_ERROR(stopped.commit(), Code::unavailable, "lost");
  stopped.rollback();
  EXPECT_EQ(noted(), 1U);
}

TEST_F(Postgres, AClaimThatConflictsIsRunAgain) {
  const auto other = OrDie(Store::open(database_->location(), kNow, {.sql = {.busy_timeout_ms = 300}}));
  int runs = 0;
  EXPECT_OK(store->claim("a", [&](Transaction& t) -> Status {
    if (++runs < 3) return Status(t.query("DO 'BEGIN RAISE SQLSTATE ''40001''; END'").error());
    return note(t, "1");
  }));
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(noted(), 1U);
  runs = 0;
  EXPECT_ERROR(store->claim("a", [&](Transaction& t) -> Status {
    ++runs;
    return Status(t.query("DO 'BEGIN RAISE SQLSTATE ''40P01''; END'").error());
  }), Code::unavailable, "database is busy");
  EXPECT_EQ(runs, 6) << "a bound, not for ever";
}

}  // namespace
}  // namespace redoubt::hub
