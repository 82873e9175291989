#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <map>

#include "untrusted/hub/store/driver.h"

namespace redoubt::hub::sql {
namespace {

constexpr std::size_t kMaxSqliteStatements = 256;  // prepared statements kept; the hub has fewer

struct CloseDatabase {
  void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
};
using DatabasePtr = std::unique_ptr<sqlite3, CloseDatabase>;
using StatementPtr = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// A statement goes back to the cache clean, whatever happened to it.
class Use {
 public:
  explicit Use(sqlite3_stmt* statement) : statement_(statement) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

 private:
  sqlite3_stmt* statement_;
};

Error error_of(sqlite3* handle, int code, std::string_view doing) {
  const auto make = [&](Code kind, std::string_view what) {
    return Error(kind, std::string(doing) + ": " + std::string(what));
  };
  switch (sqlite3_extended_errcode(handle)) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return make(Code::refused, "already exists");
    case SQLITE_CONSTRAINT_FOREIGNKEY: return make(Code::not_found, "what it refers to does not exist");
    default: break;
  }
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return make(Code::unavailable, "database is busy");
    case SQLITE_FULL: return make(Code::unavailable, "disk is full");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM: return make(Code::unavailable, std::string("database file: ") + sqlite3_errmsg(handle));
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: return make(Code::unavailable, "file is not an intact database");
    default: return make(Code::internal, sqlite3_errmsg(handle));
  }
}

int bind(sqlite3_stmt* statement, int index, const Value& value) {
  struct Visitor {
    sqlite3_stmt* statement;
    int index;
    int operator()(std::monostate) const { return sqlite3_bind_null(statement, index); }
    int operator()(std::int64_t v) const { return sqlite3_bind_int64(statement, index, v); }
    int operator()(const std::string& v) const {
      return sqlite3_bind_text64(statement, index, v.data(), v.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    int operator()(const Bytes& v) const {
      // A null pointer would bind NULL, and an empty blob is not NULL.
      return v.empty() ? sqlite3_bind_zeroblob(statement, index, 0)
                       : sqlite3_bind_blob64(statement, index, v.data(), v.size(), SQLITE_STATIC);
    }
  };
  return std::visit(Visitor{statement, index}, value);
}

Value column(sqlite3_stmt* statement, int index) {
  switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER: return Value(std::int64_t{sqlite3_column_int64(statement, index)});
    case SQLITE_TEXT: {
      const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
      return Value(std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement, index))));
    }
    case SQLITE_BLOB: {
      const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement, index));
      return Value(Bytes(data, data + sqlite3_column_bytes(statement, index)));
    }
    // No column of ours is a float; it reads as NULL, which the row's types then refuse.
    default: return Value();
  }
}

class SqliteDriver final : public Driver {
 public:
  explicit SqliteDriver(DatabasePtr handle) : handle_(std::move(handle)) {}

  Result<Answer> run(std::string_view sql, std::span<const Value> values) override;
  Status script(std::string_view sql) override;
  // IMMEDIATE: a transaction that reads first and writes later would otherwise fail half-way when another one wrote between.
  Status begin(Begin kind) override { return statement(kind == Begin::read ? "BEGIN DEFERRED" : "BEGIN IMMEDIATE"); }
  Status commit() override { return statement("COMMIT"); }
  void rollback() override {
    // Some errors (disk full) have rolled back already.
    if (sqlite3_get_autocommit(handle_.get()) == 0) (void)statement("ROLLBACK");
  }
  // The write lock is taken before anything is read: what is busy has been waited for, and nothing else conflicts.
  bool conflicted() const override { return false; }

 private:
  Result<sqlite3_stmt*> prepare(std::string_view sql);
  // statement runs one without values and rows, which is prepared once: every request begins and ends a transaction.
  Status statement(std::string_view sql) {
    const auto answer = run(sql, {});
    return answer.ok() ? Status() : Status(answer.error());
  }

  DatabasePtr handle_;
  std::map<std::string, StatementPtr, std::less<>> statements_;  // finalized before `handle_` closes
};

Result<sqlite3_stmt*> SqliteDriver::prepare(std::string_view sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) return found->second.get();
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, &tail);
  StatementPtr owned(statement);
  if (code != SQLITE_OK) return error_of(handle_.get(), code, "preparing statement");
  if (owned == nullptr || tail != sql.data() + sql.size()) {
    return Error(Code::internal, "preparing statement: expected exactly one statement");
  }
  if (statements_.size() >= kMaxSqliteStatements) statements_.clear();
  return (statements_[std::string(sql)] = std::move(owned)).get();
}

Result<Answer> SqliteDriver::run(std::string_view sql, std::span<const Value> values) {
  REDOUBT_TRY(sqlite3_stmt* const statement, prepare(sql));
  const Use use(statement);
  if (static_cast<std::size_t>(sqlite3_bind_parameter_count(statement)) != values.size()) {
    return Error(Code::internal, "running statement: expected " + std::to_string(sqlite3_bind_parameter_count(statement)) +
                                     " values, found " + std::to_string(values.size()));
  }
  int index = 0;
  for (const Value& value : values) {
    if (const int code = bind(statement, ++index, value); code != SQLITE_OK) return error_of(handle_.get(), code, "binding value");
  }
  Answer answer;
  for (;;) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) break;
    if (code != SQLITE_ROW) return error_of(handle_.get(), code, "running statement");
    std::vector<Value> columns;
    const int count = sqlite3_column_count(statement);
    for (int i = 0; i < count; ++i) columns.push_back(column(statement, i));
    answer.rows.emplace_back(std::move(columns));
  }
  answer.changed = static_cast<std::uint64_t>(sqlite3_changes64(handle_.get()));
  return answer;
}

Status SqliteDriver::script(std::string_view sql) {
  const int code = sqlite3_exec(handle_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error_of(handle_.get(), code, "running script");
  return {};
}

}  // namespace

Result<std::unique_ptr<Driver>> open_sqlite(const std::filesystem::path& path, const Options& options) {
  // SQLite gives its -wal and -shm files the mode of the database file, so that file is made first, for its owner only. One that is there is
  // left alone: closing any descriptor of it would drop the locks of this process's other connections (https://www.sqlite.org/howtocorrupt.html,
  // section 2.2), and the next process that closes it would take the write-ahead log away from them.
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0 && errno != EEXIST) return Error(Code::unavailable, "opening database " + path.string() + ": cannot open the file");
  if (file >= 0) ::close(file);
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, nullptr);
  DatabasePtr owned(handle);
  if (code != SQLITE_OK) return error_of(handle, code, "opening database");
  sqlite3_busy_timeout(handle, options.busy_timeout_ms);
  // A damaged or planted file cannot reach functions or virtual tables through its schema.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  auto database = std::make_unique<SqliteDriver>(std::move(owned));
  REDOUBT_CHECK(database->script("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
                    .context("opening database"));
  REDOUBT_TRY(auto mode, database->run("PRAGMA journal_mode", {}));
  REDOUBT_TRY(auto keys, database->run("PRAGMA foreign_keys", {}));
  REDOUBT_TRY(auto sync, database->run("PRAGMA synchronous", {}));
  // Each of these may be refused silently (for example WAL on a file system without shared memory).
  if (mode.rows.at(0).text() != "wal" || keys.rows.at(0).number() != 1 || sync.rows.at(0).number() != 2) {
    return Error(Code::unavailable, "opening database: its file system does not support a durable write-ahead log");
  }
  return std::unique_ptr<Driver>(std::move(database));
}

}  // namespace redoubt::hub::sql
