// The two databases that the store's tests run against: each test gets an empty one of its backend. For tests.
#pragma once

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/postgres.h"
#include "untrusted/hub/store/store.h"

namespace redoubt::hub {

inline constexpr Instant kNow(1'700'000'000);

enum class Backend { sqlite, postgres };

// postgres_server: one of this test program, made when it is first asked for.
inline test::TestPostgres& postgres_server() {
  static test::TestPostgres server;
  return server;
}

// TestDatabase: an empty database, gone with the object (SQLite) or the server.
class TestDatabase {
 public:
  explicit TestDatabase(Backend backend) {
    if (backend == Backend::sqlite) return;
    static int count = 0;
    // The first takes the database that the server came with, which is as empty as a new one and costs nothing.
    url_ = postgres_server().url("postgres");
    if (count++ == 0) return;
    const std::string name = "test" + std::to_string(count);
    auto control = OrDie(sql::Database::open(OrDie(sql::Location::of_url(postgres_server().url("template1")))));
    EXPECT_OK(control.script("CREATE DATABASE " + name + " TEMPLATE template0"));
    url_ = postgres_server().url(name);
  }
  sql::Location location() const { return url_.empty() ? sql::Location(folder_.path() / "db") : OrDie(sql::Location::of_url(url_)); }
  const std::string& url() const { return url_; }
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  test::TempDir folder_;
  std::string url_;
};

// BackendTest: a test that runs against both. A derived SetUp calls this one first and returns when the test is skipped.
class BackendTest : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    if (GetParam() == Backend::postgres) REDOUBT_REQUIRE_POSTGRES();
    database_.emplace(GetParam());
  }
  static bool sqlite() { return GetParam() == Backend::sqlite; }
  sql::Location location() const { return database_->location(); }
  const std::filesystem::path& folder() const { return database_->folder(); }

 private:
  std::optional<TestDatabase> database_;
};

}  // namespace redoubt::hub

#define REDOUBT_ON_BOTH_BACKENDS(suite)                                                                                     \
  INSTANTIATE_TEST_SUITE_P(Databases, suite, testing::Values(Backend::sqlite, Backend::postgres), [](const auto& parameter) { \
    return std::string(parameter.param == Backend::sqlite ? "Sqlite" : "Postgres");                                          \
  })
