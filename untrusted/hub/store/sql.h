// The one SQL access layer of the hub: a connection, values, rows and transactions over SQLite 3 or PostgreSQL.
//
// SQL text is always ours and constant, in one dialect for both (dialect.h); everything from outside is bound as a value. A connection
// is durable (SQLite: WAL, synchronous=FULL; PostgreSQL: fsync and synchronous_commit), enforces foreign keys, and waits for others at
// most busy_timeout_ms. The database is the operator's own, so a row that does not have its types is `internal`, never undefined
// behaviour. Other errors: `refused` (a value that must be unique is there already), `not_found` (a row that is referred to is absent),
// `malformed` (a text that is not UTF-8 or holds a zero byte), `unavailable` (busy, disk full, I/O, connection lost). The libraries'
// headers stay in sqlite.cpp and postgres.cpp. One thread at a time per connection; store.h adds a mutex.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <variant>

#include "common/base/bytes.h"
#include "common/base/instant.h"
#include "common/base/secret.h"

namespace redoubt::hub::sql {

using Value = std::variant<std::monostate, std::int64_t, std::string, Bytes>;

// Helpers that say what a column holds.
inline Value text(std::string_view value) { return Value(std::string(value)); }
inline Value number(std::int64_t value) { return Value(value); }
// number: for counts and sizes; above 2^63 - 1 is a bug of ours and ends the process.
Value number(std::uint64_t value);
inline Value blob(ByteView value) { return Value(to_bytes(value)); }
inline Value time(Instant value) { return Value(value.unix_seconds()); }
inline Value null() { return Value(); }
template <class T, class F>
Value optional(const std::optional<T>& value, F&& make) {
  return value ? make(*value) : null();
}

// Row: the columns of one result, read in order. After the first column of another type every later one is empty, and
// finish() tells that failure, as a Reader does.
class Row {
 public:
  explicit Row(std::vector<Value> columns) : columns_(std::move(columns)) {}

  std::string text();
  std::int64_t number();
  std::uint64_t count();  // a number that is not negative
  Bytes blob();
  Instant time() { return Instant(number()); }
  bool null_next() const { return next_ < columns_.size() && std::holds_alternative<std::monostate>(columns_[next_]); }
  void skip() { ++next_; }
  std::optional<Instant> optional_time();
  std::optional<std::string> optional_text();
  template <class F>
  F fixed() {
    const Bytes bytes = blob();
    F out;
    if (bytes.size() == F::size) {
      std::ranges::copy(bytes, out.array().begin());
    } else {
      failed_ = true;
    }
    return out;
  }
  // size: bytes of its texts and blobs, before any was read.
  std::size_t size() const;
  // fail marks the row as bad, for values that have their type but no meaning.
  void fail() { failed_ = true; }
  // finish: `internal` when a column had another type than was asked for, or some were not read.
  Status finish() const;

 private:
  template <class T>
  T take();
  std::vector<Value> columns_;
  std::size_t next_ = 0;
  bool failed_ = false;
};

struct Options {
  int busy_timeout_ms = 5000;
};

// Location: where a database is: a file of SQLite, or a PostgreSQL database by its URL, which may hold a password and is never shown.
class Location {
 public:
  Location(std::filesystem::path file) : name_(file.string()), file_(std::move(file)) {}  // NOLINT(google-explicit-constructor)
  // of_url takes postgresql://[USER[:PASSWORD]@][HOST][:PORT]/NAME[?OPTION=VALUE...] as libpq reads it (PostgreSQL 15, section 34.1.1.2).
  // What the URL leaves out comes from libpq's own defaults and files (PGPASSFILE). `malformed` when it is not one, names several hosts or
  // a service; `refused` for a host that is not this machine without sslmode=verify-full: nothing less knows the server.
  static Result<Location> of_url(std::string_view url);
  Location clone() const;

  bool postgres() const { return !url_.empty(); }
  // name: for people: the file, or database and host.
  const std::string& name() const { return name_; }
  const std::filesystem::path& file() const { return file_; }
  const SecretBytes& url() const { return url_; }

 private:
  std::string name_;
  std::filesystem::path file_;
  SecretBytes url_;
};

class Driver;

class Database {
 public:
  // open creates the file of SQLite (mode 0600) if it is absent; a PostgreSQL database must be there. `unavailable` when it cannot be
  // opened, is not a database, or does not keep what it acknowledges (no write-ahead log; a server with fsync off).
  static Result<Database> open(const Location& location, const Options& options = {});
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  // query runs one statement and returns all its rows; execute returns how many rows it changed.
  Result<std::vector<Row>> query(std::string_view sql, std::initializer_list<Value> values = {});
  Result<std::uint64_t> execute(std::string_view sql, std::initializer_list<Value> values = {});
  // script runs several statements without values (migrations).
  Status script(std::string_view sql);

  // begin starts a transaction that takes the write lock at once: one at a time in all processes that share the database, so that what
  // it reads stays true until it ends, and rows are committed in the order of their numbers. begin_claim does without that lock on
  // PostgreSQL: for statements that lock the rows they choose. begin_read sees one state and does not block writers. End each with
  // commit or rollback. A connection that was lost is made again here, after a growing pause.
  Status begin();
  Status begin_claim();
  Status begin_read();
  // commit: durable when it returns ok; after an error nothing of the transaction is there once rollback was called, except that a
  // PostgreSQL connection lost in this very call leaves open whether it is (`unavailable`).
  Status commit();
  void rollback();
  // conflicted: whether the last error was a conflict with another transaction; the same transaction may pass when it is repeated.
  bool conflicted() const;

 private:
  explicit Database(std::unique_ptr<Driver> driver);
  std::unique_ptr<Driver> driver_;
};

}  // namespace redoubt::hub::sql
