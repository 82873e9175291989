// Store: the hub's database, and the transactions that all of its records go through.
//
// write() runs one function in one transaction and returns only after the commit is on disk: acknowledge after it, never
// before. What belongs together (a record, its audit event, the answer kept for an idempotency key) is written in one
// function. A failing function leaves nothing. The records themselves are in accounts.h, environments.h, datasets.h,
// queries.h, logs.h, job_queue.h and journal.h, as functions over a Transaction. Thread-safe: one transaction that writes runs at a time,
// and one that reads; others wait. With SQLite the two have connections of their own, so that reading does not wait for the disk. Several hubs may share one PostgreSQL database: their write() functions run one after another, too. Times are
// arguments; nothing here reads a clock.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "untrusted/hub/store/sql.h"

namespace redoubt::hub {

// FaultPoint is called at named places so that tests can end the process there; the default does nothing.
using FaultPoint = std::function<void(std::string_view name)>;

// Transaction: the right to read and write within one write() or read(). Only Store makes one.
class Transaction {
 public:
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  Result<std::vector<sql::Row>> query(std::string_view text, std::initializer_list<sql::Value> values = {}) {
    return database_.query(text, values);
  }
  // change runs a statement; how many rows it changed.
  Result<std::uint64_t> change(std::string_view text, std::initializer_list<sql::Value> values = {}) {
    return database_.execute(text, values);
  }
  // change_one runs a statement that changes exactly one row; another number is `internal`.
  Status change_one(std::string_view text, std::initializer_list<sql::Value> values);

 private:
  friend class Store;
  explicit Transaction(sql::Database& database) : database_(database) {}
  sql::Database& database_;
};

class Store {
 public:
  struct Options {
    sql::Options sql;
    FaultPoint fault = [](std::string_view) {};
  };

  // open opens or creates the database and migrates it. `refused` for a database of a newer program.
  static Result<std::unique_ptr<Store>> open(const sql::Location& location, Instant now, Options options);
  static Result<std::unique_ptr<Store>> open(const sql::Location& location, Instant now) { return open(location, now, Options()); }

  // write: `function` takes a Transaction& and returns Result<T> or Status. Fault points: "NAME:before" (all statements ran,
  // nothing is committed) and "NAME:after" (committed, not yet returned). Functions that wait while another one is committed are committed
  // together: one after another, each behind a savepoint of its own, and with one wait for the disk. `function` may run on another thread that
  // is in write(), while this one waits.
  template <class F>
  auto write(std::string_view name, F&& function) -> std::invoke_result_t<F, Transaction&> {
    std::optional<std::invoke_result_t<F, Transaction&>> result;
    REDOUBT_CHECK(write_together(name, [&](Transaction& transaction) {
      result.emplace(function(transaction));
      return result->ok();
    }));
    return std::move(*result);
  }

  // claim: as write, but without the lock that keeps hubs apart, so that they choose work at the same time. For functions whose
  // statements lock the rows that they choose, and that may be run again: they are, kMaxRepeats times, after a conflict.
  template <class F>
  auto claim(std::string_view name, F&& function) -> std::invoke_result_t<F, Transaction&> {
    const std::lock_guard lock(mutex_);
    for (int repeats = 0;; ++repeats) {
      REDOUBT_CHECK(database_.begin_claim());
      auto result = finish(name, function);
      if (result.ok() || !database_.conflicted() || repeats == kMaxRepeats) return result;
    }
  }

  // read: as write, without fault points; nothing that `function` writes is kept.
  template <class F>
  auto read(F&& function) -> std::invoke_result_t<F, Transaction&> {
    const std::lock_guard lock(reader_ ? reader_mutex_ : mutex_);
    sql::Database& database = reader_ ? *reader_ : database_;
    REDOUBT_CHECK(database.begin_read());
    Rollback rollback{database};
    Transaction transaction(database);
    return function(transaction);
  }

  // version: a number that stays the same while nothing is committed to the database, by any process. What was read after it was asked for is still
  // so as long as it is the same. Nothing where the database has no such number (PostgreSQL), or does not answer.
  std::optional<std::int64_t> version();
  // version_at_hand: the same without waiting for whoever reads; then nothing, too.
  std::optional<std::int64_t> version_at_hand();

 private:
  struct Rollback {  // does nothing after a commit
    sql::Database& database;
    ~Rollback() { database.rollback(); }
  };
  static constexpr int kMaxRepeats = 5;
  static constexpr std::size_t kMaxTogether = 64;  // functions of one commit

  // Waiting: a function that write() was given, until what it did is on disk or undone.
  struct Waiting;
  // write_together: `run` says whether what it did is to be kept. An error: it would have been, and is not.
  Status write_together(std::string_view name, const std::function<bool(Transaction&)>& run);
  void commit_together(const std::vector<Waiting*>& group);
  void run_one(Transaction& transaction, Waiting& one);
  // run_behind_savepoint: false when the whole transaction cannot go on.
  bool run_behind_savepoint(Transaction& transaction, Waiting& one);

  // finish runs the function in the transaction that was begun, and ends it.
  template <class F>
  auto finish(std::string_view name, F& function) -> std::invoke_result_t<F&, Transaction&> {
    Rollback rollback{database_};
    Transaction transaction(database_);
    auto result = function(transaction);
    if (!result.ok()) return result;
    options_.fault(std::string(name) + ":before");
    REDOUBT_CHECK(database_.commit().context("committing " + std::string(name)));
    options_.fault(std::string(name) + ":after");
    return result;
  }

  std::optional<std::int64_t> ask_version();

  Store(sql::Database database, std::optional<sql::Database> reader, Options options)
      : options_(std::move(options)), database_(std::move(database)), reader_(std::move(reader)) {}

  const Options options_;
  std::mutex waiting_mutex_;  // of what follows; never held while a function runs
  std::condition_variable waiting_changed_;
  std::vector<Waiting*> waiting_;
  bool committing_ = false;  // one of those in write() does it for all
  std::mutex mutex_;
  sql::Database database_;
  std::mutex reader_mutex_;
  std::optional<sql::Database> reader_;  // of SQLite
};

// check_id: 1 to 64 of [A-Za-z0-9._-], not starting with a dot. `malformed`, naming `what`.
Status check_id(std::string_view id, std::string_view what);

// one: the only row, or `not_found` naming `what`.
Result<sql::Row> one(std::vector<sql::Row> rows, std::string_view what);

}  // namespace redoubt::hub
