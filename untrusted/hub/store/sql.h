// The one SQL access layer of the hub: a connection, values, rows and transactions over SQLite 3.
//
// SQL text is always ours and constant; everything from outside is bound as a value. A connection is durable (WAL,
// synchronous=FULL), enforces foreign keys, and waits for other processes at most busy_timeout_ms. The database file is the
// operator's own, so a row that does not have its types is `internal`, never undefined behaviour. Other errors:
// `refused` (a value that must be unique is there already), `not_found` (a row that is referred to is absent),
// `unavailable` (busy, disk full, I/O). SQLite's headers stay in sqlite.cpp. One thread at a time per connection; store.h adds a
// mutex.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <variant>

#include "common/base/bytes.h"
#include "common/base/instant.h"

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

class Database {
 public:
  // open creates the file (mode 0600) if it is absent. `unavailable` when it cannot be opened or is not a database.
  static Result<Database> open(const std::filesystem::path& path, const Options& options = {});
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  // query runs one statement and returns all its rows; execute returns how many rows it changed.
  Result<std::vector<Row>> query(std::string_view sql, std::initializer_list<Value> values = {});
  Result<std::uint64_t> execute(std::string_view sql, std::initializer_list<Value> values = {});
  // script runs several statements without values (migrations).
  Status script(std::string_view sql);

  // begin starts a transaction that takes the write lock at once; begin_read one that sees one state and does not block
  // writers. End either with commit or rollback.
  Status begin();
  Status begin_read();
  // commit: durable when it returns ok; after an error nothing of the transaction is there once rollback was called.
  Status commit();
  void rollback();

 private:
  struct State;
  explicit Database(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace redoubt::hub::sql
