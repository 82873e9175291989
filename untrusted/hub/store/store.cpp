#include "untrusted/hub/store/store.h"

#include <algorithm>
#include <exception>

#include "untrusted/hub/store/migrations.h"

namespace redoubt::hub {

Status Transaction::change_one(std::string_view text, std::initializer_list<sql::Value> values) {
  REDOUBT_TRY(const std::uint64_t changed, database_.execute(text, values));
  if (changed != 1) return Error(Code::internal, "database: expected one changed row, found " + std::to_string(changed));
  return {};
}

struct Store::Waiting {
  enum class Outcome { none, kept, refused };  // refused: by the function itself, which says why
  std::string_view name;
  const std::function<bool(Transaction&)>& run;
  Outcome outcome = Outcome::none;
  bool done = false;
  Status status{};
  std::exception_ptr thrown{};
};

Status Store::write_together(std::string_view name, const std::function<bool(Transaction&)>& run) {
  Waiting own{.name = name, .run = run};
  {
    std::unique_lock lock(waiting_mutex_);
    waiting_.push_back(&own);
    while (!own.done) {
      if (committing_) {
        waiting_changed_.wait(lock);
        continue;
      }
      committing_ = true;
      lock.unlock();
      std::vector<Waiting*> group;
      {
        const std::lock_guard database(mutex_);
        lock.lock();  // now: those that came while somebody else had the database are with it
        const std::size_t count = std::min(waiting_.size(), kMaxTogether);
        group.assign(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
        lock.unlock();
        commit_together(group);
      }
      lock.lock();
      for (Waiting* const each : group) each->done = true;
      committing_ = false;
      waiting_changed_.notify_all();
    }
  }
  if (own.thrown) std::rethrow_exception(own.thrown);
  return std::move(own.status);
}

// run_one runs a function up to where it would be committed. What it throws, its own caller gets.
void Store::run_one(Transaction& transaction, Waiting& one) {
  one.outcome = Waiting::Outcome::refused;
  try {
    if (!one.run(transaction)) return;
    options_.fault(std::string(one.name) + ":before");
    one.outcome = Waiting::Outcome::kept;
  } catch (...) {
    one.thrown = std::current_exception();
  }
}

bool Store::run_behind_savepoint(Transaction& transaction, Waiting& one) {
  if (!database_.script("SAVEPOINT one").ok()) return false;
  run_one(transaction, one);
  // Some errors (a full disk, a lost connection) end the whole transaction; then there is no savepoint any more.
  if (one.outcome != Waiting::Outcome::kept && !database_.script("ROLLBACK TO SAVEPOINT one").ok()) return false;
  return database_.script("RELEASE SAVEPOINT one").ok();
}

void Store::commit_together(const std::vector<Waiting*>& group) {
  // fail: of all that were to be kept, nothing is.
  const auto fail = [&](const Error& error) {
    for (Waiting* const each : group) {
      if (each->outcome != Waiting::Outcome::refused) each->status = error;
    }
  };
  if (const Status begun = database_.begin(); !begun.ok()) return fail(begun.error());
  Rollback rollback{database_};
  Transaction transaction(database_);
  for (Waiting* const each : group) {
    if (group.size() == 1) {
      run_one(transaction, *each);
    } else if (!run_behind_savepoint(transaction, *each)) {
      return fail(Error(Code::unavailable, "database: the transaction ended early; try again"));
    }
  }
  const auto kept = [](const Waiting* each) { return each->outcome == Waiting::Outcome::kept; };
  if (std::ranges::none_of(group, kept)) return;
  if (const Status committed = database_.commit(); !committed.ok()) {
    for (Waiting* const each : group) {
      if (kept(each)) each->status = Status(committed).context("committing " + std::string(each->name));
    }
    return;
  }
  for (Waiting* const each : group) {
    if (!kept(each)) continue;
    try {
      options_.fault(std::string(each->name) + ":after");
    } catch (...) {
      each->thrown = std::current_exception();
    }
  }
}

Result<std::unique_ptr<Store>> Store::open(const sql::Location& location, Instant now, Options options) {
  REDOUBT_TRY(sql::Database database, sql::Database::open(location, options.sql));
  REDOUBT_CHECK(migrate(database, migrations(), now));
  std::optional<sql::Database> reader;
  if (!location.postgres()) {
    REDOUBT_TRY(reader, sql::Database::open(location, options.sql));
  }
  return std::unique_ptr<Store>(new Store(std::move(database), std::move(reader), std::move(options)));
}

std::optional<std::int64_t> Store::version() {
  if (!reader_) return std::nullopt;
  const std::lock_guard lock(reader_mutex_);
  return ask_version();
}

std::optional<std::int64_t> Store::version_at_hand() {
  if (!reader_) return std::nullopt;
  const std::unique_lock lock(reader_mutex_, std::try_to_lock);
  return lock.owns_lock() ? ask_version() : std::nullopt;
}

std::optional<std::int64_t> Store::ask_version() {
  // Other for each connection, and changed by what any other one commits (https://www.sqlite.org/pragma.html#pragma_data_version).
  auto rows = reader_->query("PRAGMA data_version");
  if (!rows.ok() || rows->size() != 1) return std::nullopt;
  const std::int64_t version = rows->front().number();
  return rows->front().finish().ok() ? std::optional(version) : std::nullopt;
}

Status check_id(std::string_view id, std::string_view what) {
  const bool valid = !id.empty() && id.size() <= 64 && id.front() != '.' && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
  if (valid) return {};
  return Error(Code::malformed, std::string(what) + ": expected 1 to 64 of [A-Za-z0-9._-], not starting with a dot");
}

Result<sql::Row> one(std::vector<sql::Row> rows, std::string_view what) {
  if (rows.empty()) return Error(Code::not_found, std::string(what) + " does not exist");
  if (rows.size() > 1) return Error(Code::internal, std::string(what) + ": expected one row, found " + std::to_string(rows.size()));
  return std::move(rows.front());
}

}  // namespace redoubt::hub
