// Goal: the database is durable, typed and refuses what it cannot hold; migrations run once, in order, whole or not at all; a
// database of a newer or another program is left alone. Method: one database of each kind, opened again and again.
#include "untrusted/hub/store/sql.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <limits>
#include <thread>

#include "tests/support/expect.h"
#include "untrusted/hub/store/accounts.h"
#include "untrusted/hub/store/backend_test_support.h"
#include "untrusted/hub/store/environments.h"
#include "untrusted/hub/store/job_queue.h"
#include "untrusted/hub/store/migrations.h"
#include "untrusted/hub/store/page.h"
#include "untrusted/hub/store/queries.h"

namespace redoubt::hub {
namespace {

constexpr Migration kFirst{1, "first", "CREATE TABLE a (x INTEGER PRIMARY KEY, t TEXT, b BLOB) STRICT;"};
constexpr Migration kSecond{2, "second", "CREATE TABLE b (a INTEGER NOT NULL REFERENCES a (x)) STRICT; INSERT INTO a VALUES (7, 't', x'00');"};

class Sql : public BackendTest {
 protected:
  sql::Database open() { return OrDie(sql::Database::open(location(), {.busy_timeout_ms = 50})); }
};
class Migrations : public Sql {};
class Stores : public Sql {};
REDOUBT_ON_BOTH_BACKENDS(Sql);
REDOUBT_ON_BOTH_BACKENDS(Migrations);
REDOUBT_ON_BOTH_BACKENDS(Stores);

TEST_P(Sql, KeepsEveryValueAsItWas) {
  sql::Database db = open();
  EXPECT_OK(db.script("CREATE TABLE v (number INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER, t TEXT, b BLOB) STRICT"));
  const std::string text = "\xc3\xa4'; DROP TABLE v; -- ? $1 \x01";
  EXPECT_EQ(OrDie(db.execute("INSERT INTO v (n, t, b) VALUES (?, ?, ?)", {sql::number(std::int64_t{-5}), sql::text(text), sql::blob(Bytes())})), 1U);
  EXPECT_EQ(OrDie(db.execute("INSERT INTO v (n, t, b) VALUES (?, ?, ?)", {sql::null(), sql::null(), sql::null()})), 1U);
  auto rows = OrDie(db.query("SELECT n, t, b FROM v ORDER BY number"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].number(), -5);
  EXPECT_EQ(rows[0].text(), text);
  EXPECT_TRUE(rows[0].blob().empty());
  EXPECT_OK(rows[0].finish());
  EXPECT_TRUE(rows[1].null_next());
  EXPECT_EQ(OrDie(db.execute("DELETE FROM v WHERE n = 99")), 0U);
  for (const std::int64_t n : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(OrDie(db.execute("UPDATE v SET n = ?, b = ? WHERE t = ?", {sql::number(n), sql::blob(Bytes(3)), sql::text(text)})), 1U);
    auto changed = OrDie(db.query("SELECT n, b FROM v WHERE t = ?", {sql::text(text)}));
    ASSERT_EQ(changed.size(), 1U);
    EXPECT_EQ(changed[0].number(), n);
    EXPECT_EQ(changed[0].blob(), Bytes(3));
  }
  // What one of the databases could not hold, neither takes.
  for (const std::string& bad : {std::string("a\0b", 3), std::string("\xff"), std::string("\xed\xa0\x80")}) {
    EXPECT_ERROR(db.execute("INSERT INTO v (t) VALUES (?)", {sql::text(bad)}), Code::malformed, "text for the database");
  }
}

TEST_P(Sql, RefusesRowsOfOtherTypesAndTellsErrorsApart) {
  sql::Database db = open();
  const Migration both[] = {kFirst, kSecond};
  ASSERT_OK(migrate(db, both, kNow));
  auto rows = OrDie(db.query("SELECT x, t FROM a"));
  EXPECT_EQ(rows[0].text(), "");
  EXPECT_EQ(rows[0].text(), "");  // stays failed
  EXPECT_ERROR(rows[0].finish(), Code::internal, "does not have its type");
  rows = OrDie(db.query("SELECT x, t FROM a"));
  EXPECT_EQ(rows[0].number(), 7);
  EXPECT_ERROR(rows[0].finish(), Code::internal, "type");  // a column was not read
  rows = OrDie(db.query("SELECT -1"));
  EXPECT_EQ(rows[0].count(), 0U);
  EXPECT_ERROR(rows[0].finish(), Code::internal, "type");
  rows = OrDie(db.query("SELECT 1.5"));
  EXPECT_EQ(rows[0].number(), 0);
  EXPECT_ERROR(rows[0].finish(), Code::internal, "type");
  EXPECT_ERROR(db.execute("INSERT INTO a VALUES (7, NULL, NULL)"), Code::refused, "already exists");
  EXPECT_ERROR(db.execute("INSERT INTO b VALUES (8)"), Code::not_found, "refers to");
  EXPECT_ERROR(db.execute("INSERT INTO b VALUES (x'00')"), Code::internal, sqlite() ? "INTEGER" : "type bigint");
  EXPECT_ERROR(db.query("SELECT ?"), Code::internal, "expected 1 values, found 0");
  EXPECT_ERROR(db.query("SELECT 1; SELECT 2"), Code::internal, sqlite() ? "exactly one statement" : "multiple commands");
  EXPECT_ERROR(db.query("SELEC 1"), Code::internal, "syntax");
  EXPECT_ERROR(db.query("SELECT \"no_such_column\""), Code::internal, "no_such_column");  // never a string by accident
  if (sqlite()) {
    EXPECT_ERROR(db.script("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema"), Code::internal, "may not be modified");
  }
}

TEST(SqliteFile, IsReadableByItsOwnerOnlyAndFollowsNoLink) {
  const test::TempDir folder;
  sql::Database db = OrDie(sql::Database::open(folder.path() / "db"));
  ASSERT_OK(db.script("CREATE TABLE v (n INTEGER) STRICT"));
  for (const char* name : {"db", "db-wal", "db-shm"}) {
    struct stat status {};
    ASSERT_EQ(stat((folder.path() / name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
  }
  std::filesystem::create_symlink(folder.path() / "db", folder.path() / "link");
  EXPECT_ERROR(sql::Database::open(folder.path() / "link"), Code::unavailable, "unable to open");
  EXPECT_ERROR(sql::Database::open(folder.path() / "absent" / "db"), Code::unavailable, "cannot open");
  std::ofstream(folder.path() / "junk") << std::string(4096, 'x');
  EXPECT_ERROR(sql::Database::open(folder.path() / "junk"), Code::unavailable, "not an intact database");
}

TEST_P(Sql, AnotherWriterIsToldToTryLater) {
  sql::Database one = open();
  sql::Database two = open();
  ASSERT_OK(one.begin());
  EXPECT_ERROR(two.begin(), Code::unavailable, "busy");
  one.rollback();
  EXPECT_OK(two.begin());
}

TEST_P(Migrations, RunOnceInOrderAndAreRecorded) {
  const Migration both[] = {kFirst, kSecond};
  {
    sql::Database db = open();
    ASSERT_OK(migrate(db, std::span(both).first(1), kNow));
    EXPECT_OK(migrate(db, std::span(both).first(1), kNow));
  }
  sql::Database db = open();
  EXPECT_OK(migrate(db, both, kNow.plus_seconds(5)));
  auto rows = OrDie(db.query("SELECT number, applied FROM migrations ORDER BY number"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].number(), 1);
  EXPECT_EQ(rows[0].time(), kNow);
  EXPECT_EQ(rows[1].number(), 2);
  EXPECT_EQ(rows[1].time(), kNow.plus_seconds(5));
}

TEST_P(Migrations, RefuseANewerDatabaseAndAnEditedHistory) {
  const Migration both[] = {kFirst, kSecond};
  sql::Database db = open();
  ASSERT_OK(migrate(db, both, kNow));
  EXPECT_ERROR(migrate(db, std::span(both).first(1), kNow), Code::refused, "database is at migration 2, this program knows 1");
  const Migration edited[] = {kFirst, {2, "second", "CREATE TABLE other (x INTEGER) STRICT;"}};
  EXPECT_ERROR(migrate(db, edited, kNow), Code::refused, "migration 2 (second) is not the one");
  EXPECT_OK(migrate(db, both, kNow));
}

TEST_P(Migrations, AFailingOneLeavesNothingOfItself) {
  const Migration bad[] = {kFirst, {2, "bad", "CREATE TABLE c (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1);"}};
  sql::Database db = open();
  EXPECT_ERROR(migrate(db, bad, kNow), Code::internal, "applying migration 2 (bad)");
  EXPECT_ERROR(db.query("SELECT x FROM c"), Code::internal, "c");
  const Migration both[] = {kFirst, kSecond};
  EXPECT_OK(migrate(db, both, kNow));
}

TEST_P(Migrations, OfHubsThatStartTogetherRunOnce) {
  std::vector<std::thread> hubs;
  for (int i = 0; i < 4; ++i) {
    hubs.emplace_back([this] { EXPECT_OK(Store::open(location(), kNow)); });
  }
  for (std::thread& hub : hubs) hub.join();
  sql::Database db = open();
  EXPECT_EQ(OrDie(db.query("SELECT number FROM migrations")).size(), migrations().size());
}

TEST_P(Migrations, BringADatabaseOfTheFirstProgramToThisOne) {
  {
    sql::Database db = open();
    ASSERT_OK(migrate(db, migrations().first(1), kNow));
    EXPECT_OK(db.execute("INSERT INTO environments (id, contract, contract_digest, state, created) VALUES ('env', 'contract', ?, 'active', 1)",
                         {sql::blob(Bytes(32))}));
    EXPECT_OK(db.execute("INSERT INTO api_keys (id, sha256, subject, scopes, created) VALUES ('key-1', ?, 'alice', 'participant', 1)",
                         {sql::blob(Bytes(32))}));
    EXPECT_OK(db.execute("INSERT INTO jobs (id, kind, payload, state, attempts, max_attempts, run_after, lease_owner, lease_until, detail, created, "
                         "changed) VALUES ('job', 'k', '{}', 'running', 1, 3, 1, 'worker-0', 9, '', 1, 1)"));
    // Of two queries that an earlier program left as running, the run of one was given up.
    for (const std::string& id : std::vector<std::string>{"aa", "bb"}) {
      EXPECT_OK(db.execute("INSERT INTO queries (id, environment, proposer, text, digest, proposal, state, detail, created, changed) "
                           "VALUES (?, 'env', 'alice', '', ?, '', 'running', '', 1, 1)",
                           {sql::text(id + std::string(62, '0')), sql::blob(Bytes(32))}));
      EXPECT_OK(db.execute("INSERT INTO jobs (id, kind, payload, state, attempts, max_attempts, run_after, detail, created, changed) "
                           "VALUES (?, 'query.run', '{}', ?, 3, 3, 1, '', 1, 1)",
                           {sql::text("run-" + id + std::string(58, '0')), sql::text(id == "aa" ? "failed" : "queued")}));
    }
  }
  const auto store = OrDie(Store::open(location(), kNow));
  EXPECT_OK(store->write("test", [](Transaction& t) -> Status {
    REDOUBT_TRY(const Environment environment, get_environment(t, "env"));
    EXPECT_EQ(environment.home, "");
    EXPECT_EQ(environment.name, "env");
    REDOUBT_TRY(const Query given_up, get_query(t, "aa" + std::string(62, '0')));
    EXPECT_EQ(given_up.state, QueryState::failed);
    EXPECT_EQ(given_up.detail, "its run was given up");
    REDOUBT_TRY(const Query open, get_query(t, "bb" + std::string(62, '0')));
    EXPECT_EQ(open.state, QueryState::running);
    REDOUBT_TRY(const ApiKey key, get_api_key(t, "key-1"));
    EXPECT_FALSE(key.expires || key.last_used || key.revoked);
    EXPECT_EQ(key.prefix, "");
    REDOUBT_TRY(const auto released, release_leases(t, std::nullopt, kNow));
    EXPECT_EQ(released, 1U);
    REDOUBT_TRY(const auto job, lease_job(t, "k", "hub-1/worker-0", kNow, 10));
    EXPECT_TRUE(job && job->fence == 1);
    return {};
  }));
}

TEST(MigrationTexts, OfThisProgramAreNumberedFromOne) {
  std::int64_t expected = 1;
  for (const Migration& migration : migrations()) EXPECT_EQ(migration.number, expected++);
}

TEST_P(Stores, KeepsWhatAFunctionWroteWholeOrNotAtAll) {
  const auto store = OrDie(Store::open(location(), kNow));
  const auto add = [](Transaction& t, int x) {
    return t.change_one("INSERT INTO audit_events (at, actor, action, object, detail) VALUES (?, '', '', '', '')",
                        {sql::number(std::int64_t{x})});
  };
  const auto count = [&] {
    return OrDie(store->read([](Transaction& t) -> Result<std::int64_t> {
      REDOUBT_TRY(auto rows, t.query("SELECT count(*) FROM audit_events"));
      return rows.at(0).number();
    }));
  };
  EXPECT_OK(store->write("a", [&](Transaction& t) -> Status { return add(t, 1); }));
  EXPECT_EQ(count(), 1);
  EXPECT_ERROR(store->write("a", [&](Transaction& t) -> Status {
    REDOUBT_CHECK(add(t, 2));
    return Error(Code::refused, "changed its mind");
  }), Code::refused, "changed its mind");
  EXPECT_EQ(count(), 1);
  EXPECT_THROW((void)store->write("a", [&](Transaction& t) -> Status {
    (void)add(t, 3);
    throw std::bad_alloc();
  }), std::bad_alloc);
  EXPECT_EQ(count(), 1);
  EXPECT_OK(store->read([&](Transaction& t) -> Status { return add(t, 4); }));  // a read keeps nothing
  EXPECT_EQ(count(), 1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10; ++j) EXPECT_OK(store->write("a", [&](Transaction& t) -> Status { return add(t, j); }));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count(), 41);
}

TEST(Cursor, LeadsOnInItsOwnListOnly) {
  EXPECT_EQ(OrDie(page_start({"", 1}, "a")), 0);
  EXPECT_EQ(OrDie(page_start({make_cursor("a", 77), 1}, "a")), 77);
  EXPECT_ERROR(page_start({make_cursor("a", 77), 1}, "b"), Code::malformed, "not one of this list");
  EXPECT_ERROR(page_start({make_cursor("a", -1), 1}, "a"), Code::malformed, "not one of this list");
  EXPECT_ERROR(page_start({"AAAA", 1}, "a"), Code::malformed, "cursor");
  EXPECT_ERROR(page_start({"!", 1}, "a"), Code::malformed, "cursor");
  EXPECT_ERROR(page_start({std::string(600, 'A'), 1}, "a"), Code::malformed, "too long");
  EXPECT_ERROR(page_start({"", 0}, "a"), Code::malformed, "count of 1 to 200");
  EXPECT_ERROR(page_start({"", 201}, "a"), Code::malformed, "count of 1 to 200");
}

TEST_P(Stores, HaveAVersionThatEveryCommitChangesAndNothingElseDoes) {
  const auto store = OrDie(Store::open(location(), kNow));
  const auto add = [](Store& to, const std::string& id) {
    return to.write("test", [&](Transaction& t) { return add_environment(t, {id, "", {}, EnvironmentState::active, kNow}, {}); });
  };
  if (!sqlite()) {
    EXPECT_EQ(store->version(), std::nullopt) << "that database has none, and nothing may be kept by it";
    return;
  }
  const auto first = store->version();
  ASSERT_TRUE(first);
  EXPECT_OK(store->read([](Transaction& t) { return get_environment(t, "none").ok() ? Status(Error(Code::internal, "")) : Status(); }));
  EXPECT_ERROR(store->write("test", [](Transaction& t) -> Status {
    REDOUBT_CHECK(add_environment(t, {"undone", "", {}, EnvironmentState::active, kNow}, {}));
    return Error(Code::refused, "on second thoughts");
  }), Code::refused, "second");
  EXPECT_EQ(store->version(), first);
  EXPECT_OK(add(*store, "own"));
  const auto second = store->version();
  EXPECT_NE(second, first);
  EXPECT_OK(store->read([](Transaction& t) { return get_environment(t, "own"); })) << "what was written is read at once";
  const auto other = OrDie(Store::open(location(), kNow));
  EXPECT_EQ(store->version(), second) << "opening changes nothing";
  EXPECT_OK(add(*other, "others"));
  EXPECT_NE(store->version(), second);
  EXPECT_OK(store->read([](Transaction& t) { return get_environment(t, "others"); }));
}

TEST_P(Stores, ReadingDoesNotWaitForWhoWrites) {
  if (!sqlite()) GTEST_SKIP() << "one connection does both there";
  const auto store = OrDie(Store::open(location(), kNow));
  EXPECT_OK(store->write("test", [&](Transaction& t) -> Status {
    REDOUBT_CHECK(add_environment(t, {"half", "", {}, EnvironmentState::active, kNow}, {}));
    bool seen = true;
    // On another thread, while this one holds the write lock.
    std::thread reader([&] { seen = store->read([](Transaction& r) { return get_environment(r, "half"); }).ok(); });
    reader.join();
    EXPECT_FALSE(seen) << "what is not committed is not read";
    return {};
  }));
  EXPECT_OK(store->read([](Transaction& t) { return get_environment(t, "half"); }));
}

}  // namespace
}  // namespace redoubt::hub
