#include <libpq-fe.h>

#include <chrono>
#include <map>

#include "common/base/reader.h"
#include "common/base/writer.h"
#include "untrusted/hub/store/dialect.h"
#include "untrusted/hub/store/driver.h"

namespace redoubt::hub::sql {
namespace {

constexpr std::size_t kMaxPostgresStatements = 256;  // prepared statements kept; the hub has fewer
constexpr std::size_t kMaxUrl = 4096;        // bytes
constexpr int kMaxValues = 64;
constexpr std::chrono::milliseconds kFirstPause{100};  // between attempts to connect; doubles up to kLastPause
constexpr std::chrono::milliseconds kLastPause{5000};
// The write lock of all hubs of one database: an advisory lock of this number ("redoubt" in ASCII).
constexpr std::string_view kWriteLock = "SELECT pg_advisory_xact_lock(32199629386113652)";

// Types of PostgreSQL's catalogue (pg_type.dat); libpq has no names for them.
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kText = 25;
constexpr Oid kVarchar = 1043;

struct CloseConnection {
  void operator()(PGconn* handle) const { PQfinish(handle); }
};
struct ClearResult {
  void operator()(PGresult* handle) const { PQclear(handle); }
};
struct FreeOptions {
  void operator()(PQconninfoOption* handle) const { PQconninfoFree(handle); }
};
using ConnectionPtr = std::unique_ptr<PGconn, CloseConnection>;
using ResultPtr = std::unique_ptr<PGresult, ClearResult>;
using OptionsPtr = std::unique_ptr<PQconninfoOption, FreeOptions>;

Error lost() { return Error(Code::unavailable, "database: the connection to the server was lost"); }

std::string_view state_of(const PGresult* result) {
  const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state == nullptr ? std::string_view() : std::string_view(state);
}

bool is_conflict(std::string_view state) { return state == "40001" || state == "40P01"; }

// SQLSTATE by SQLSTATE (PostgreSQL 15, appendix A). The primary message names tables and columns, never values: those are bound.
Error error_of(const PGresult* result, std::string_view doing) {
  const std::string_view state = state_of(result);
  const auto make = [&](Code kind, std::string_view what) { return Error(kind, std::string(doing) + ": " + std::string(what)); };
  if (state == "23505") return make(Code::refused, "already exists");
  if (state == "23503") return make(Code::not_found, "what it refers to does not exist");
  if (state == "22021" || state == "22P05") return make(Code::malformed, "text is not UTF-8");
  if (is_conflict(state) || state == "55P03" || state == "57014") return make(Code::unavailable, "database is busy");
  if (state == "53100") return make(Code::unavailable, "disk is full");
  if (state == "25006") return make(Code::unavailable, "database server does not take writes");
  if (state == "XX001" || state == "XX002") return make(Code::unavailable, "database is not intact");
  if (state.starts_with("53") || state.starts_with("58")) return make(Code::unavailable, "database server is short of resources");
  const char* const message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  return make(Code::internal, message == nullptr ? "no message" : message);
}

std::string option(const std::map<std::string, std::string>& options, const std::string& name) {
  const auto found = options.find(name);
  return found == options.end() ? "" : found->second;
}

// What a connection by `url` would use: libpq's own defaults (environment, service file) under what the URL says.
Result<std::map<std::string, std::string>> options_of(std::string_view url) {
  const Error malformed(Code::malformed, "database: expected postgresql://[USER[:PASSWORD]@][HOST][:PORT]/NAME[?OPTION=VALUE...]");
  if (!url.starts_with("postgresql://") && !url.starts_with("postgres://")) return malformed;
  if (url.size() > kMaxUrl || url.find('\0') != std::string_view::npos) return malformed;
  std::string text(url);
  char* message = nullptr;  // may repeat a part of the URL: not passed on
  const OptionsPtr given(PQconninfoParse(text.c_str(), &message));
  PQfreemem(message);
  wipe(std::as_writable_bytes(std::span(text.data(), text.size())));
  const OptionsPtr defaults(PQconndefaults());
  if (!given || !defaults) return malformed;
  std::map<std::string, std::string> out;
  for (const PQconninfoOption* list : {defaults.get(), given.get()}) {
    for (const PQconninfoOption* item = list; item->keyword != nullptr; ++item) {
      const std::string_view keyword = item->keyword;
      if (item->val == nullptr || keyword == "password" || keyword == "sslpassword") continue;
      if (list == given.get() && keyword == "service") return Error(Code::malformed, "database: a URL with a service is not taken: name the host");
      out[std::string(keyword)] = item->val;
    }
  }
  for (const char* const name : {"host", "hostaddr", "port"}) {
    if (option(out, name).find(',') != std::string::npos) return Error(Code::malformed, "database: expected one host");
  }
  return out;
}

// target: the host that is connected to; empty for the default socket.
std::string target_of(const std::map<std::string, std::string>& options) {
  const std::string address = option(options, "hostaddr");
  return address.empty() ? option(options, "host") : address;
}

bool is_local(std::string_view target) {
  return target.empty() || target.front() == '/' || target.front() == '@' || target == "localhost" || target == "::1" ||
         (target.starts_with("127.") && target.find_first_not_of("0123456789.") == std::string_view::npos);
}

class PostgresDriver final : public Driver {
 public:
  PostgresDriver(SecretBytes url, bool local, int busy_timeout_ms) : url_(std::move(url)), local_(local), busy_timeout_ms_(busy_timeout_ms) {}

  // connect: `detail` gets what libpq says, for the operator; it names host and user, never the password.
  Status connect(std::string& detail);

  Result<Answer> run(std::string_view sql, std::span<const Value> values) override;
  Status script(std::string_view sql) override;
  Status begin(Begin kind) override;
  Status commit() override;
  void rollback() override;
  bool conflicted() const override { return conflicted_; }

 private:
  struct Prepared {
    std::string name;
    std::size_t values;
  };

  bool connected() const { return connection_ && PQstatus(connection_.get()) == CONNECTION_OK; }
  Status ready();
  Status prepare_session();
  // take: the result of a command, or its error; a connection that is gone is dropped.
  Result<ResultPtr> take(PGresult* result, std::string_view doing);
  Status simple(std::string_view text, std::string_view doing);
  Result<const Prepared*> prepare(std::string_view sql, std::span<const Value> values);

  const SecretBytes url_;
  const bool local_;
  const int busy_timeout_ms_;
  ConnectionPtr connection_;
  bool in_transaction_ = false;
  bool conflicted_ = false;
  std::chrono::milliseconds pause_{0};
  std::chrono::steady_clock::time_point next_attempt_;
  std::map<std::string, Prepared, std::less<>> statements_;  // of this connection
  std::uint64_t names_ = 0;
};

Status PostgresDriver::connect(std::string& detail) {
  connection_.reset();
  statements_.clear();
  std::string url(as_text(url_.reveal()));
  // Later ones win: the URL over the first, the last over the URL. GSSAPI would encrypt without saying which server answers.
  const char* const keywords[] = {"connect_timeout", "tcp_user_timeout", "application_name", "dbname", "client_encoding",
                                  local_ ? nullptr : "sslmode", "gssencmode", nullptr};
  const char* const values[] = {"5", "10000", "redoubt-hub", url.c_str(), "UTF8", "verify-full", "disable", nullptr};
  connection_.reset(PQconnectdbParams(keywords, values, 1));
  wipe(std::as_writable_bytes(std::span(url.data(), url.size())));
  if (!connected()) {
    detail = connection_ ? PQerrorMessage(connection_.get()) : "out of memory";
    while (!detail.empty() && detail.back() == '\n') detail.pop_back();
    std::ranges::replace(detail, '\n', ' ');
    connection_.reset();
    return Error(Code::unavailable, "database: the server cannot be reached");
  }
  if (!local_ && PQsslInUse(connection_.get()) == 0) {
    connection_.reset();
    return Error(Code::refused, "database: the connection is not encrypted");
  }
  PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
  Status session = prepare_session();
  if (!session.ok()) connection_.reset();
  return session;
}

Status PostgresDriver::prepare_session() {
  // A hub that stops in the middle of a transaction gives its locks back when the server ends the session.
  REDOUBT_CHECK(simple("SET client_min_messages = warning; SET standard_conforming_strings = on; SET statement_timeout = 60000; "
                       "SET idle_in_transaction_session_timeout = 10000; SET lock_timeout = " + std::to_string(busy_timeout_ms_),
                       "opening database"));
  REDOUBT_TRY(Answer settings, run("SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('server_encoding'), "
                                   "current_setting('synchronous_commit')", {}));
  Row& row = settings.rows.at(0);
  if (row.text() != "on" || row.text() != "on") return Error(Code::unavailable, "opening database: its server does not sync to disk (fsync, full_page_writes)");
  if (row.text() != "UTF8") return Error(Code::unavailable, "opening database: expected the encoding UTF8");
  const std::string sync = row.text();
  REDOUBT_CHECK(row.finish());
  // Stronger settings (a standby that must have applied) are the operator's choice.
  if (sync == "off" || sync == "local") return simple("SET synchronous_commit = on", "opening database");
  return {};
}

Status PostgresDriver::ready() {
  if (connected()) return {};
  if (in_transaction_) return lost();
  const auto now = std::chrono::steady_clock::now();
  if (pause_ > std::chrono::milliseconds(0) && now < next_attempt_) return Error(Code::unavailable, "database: the server cannot be reached");
  std::string detail;
  const Status done = connect(detail);
  if (done.ok()) {
    pause_ = std::chrono::milliseconds(0);
    return {};
  }
  pause_ = std::clamp(pause_ * 2, kFirstPause, kLastPause);
  next_attempt_ = std::chrono::steady_clock::now() + pause_;
  return done;
}

Result<ResultPtr> PostgresDriver::take(PGresult* result, std::string_view doing) {
  ResultPtr owned(result);
  conflicted_ = false;
  if (!connected() || !owned) {
    connection_.reset();
    return lost();
  }
  const ExecStatusType status = PQresultStatus(owned.get());
  const std::string_view state = state_of(owned.get());
  if (state.starts_with("08") || state.starts_with("57P0") || state == "25P03") {  // the server is ending this connection
    connection_.reset();
    return lost();
  }
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return owned;
  conflicted_ = is_conflict(state);
  return error_of(owned.get(), doing);
}

Status PostgresDriver::simple(std::string_view text, std::string_view doing) {
  REDOUBT_TRY(const ResultPtr result, take(PQexec(connection_.get(), std::string(text).c_str()), doing));
  return {};
}

Oid type_of(const Value& value) {
  struct Visitor {
    Oid operator()(std::monostate) const { return 0; }  // the server takes it from the place
    Oid operator()(std::int64_t) const { return kInt8; }
    Oid operator()(const std::string&) const { return kText; }
    Oid operator()(const Bytes&) const { return kBytea; }
  };
  return std::visit(Visitor(), value);
}

Result<const PostgresDriver::Prepared*> PostgresDriver::prepare(std::string_view sql, std::span<const Value> values) {
  std::vector<Oid> types;
  std::string key(sql);
  for (const Value& value : values) {
    types.push_back(type_of(value));
    key += static_cast<char>(value.index());
  }
  if (const auto found = statements_.find(key); found != statements_.end()) return &found->second;
  REDOUBT_TRY(const Translated translated, to_postgres(sql));
  if (translated.values != values.size() || values.size() > kMaxValues) {
    return Error(Code::internal, "running statement: expected " + std::to_string(translated.values) + " values, found " +
                                     std::to_string(values.size()));
  }
  if (statements_.size() >= kMaxPostgresStatements) {
    statements_.clear();
    REDOUBT_CHECK(simple("DEALLOCATE ALL", "preparing statement"));
  }
  const std::string name = "s" + std::to_string(++names_);
  REDOUBT_TRY(const ResultPtr result, take(PQprepare(connection_.get(), name.c_str(), translated.text.c_str(), static_cast<int>(types.size()), types.data()),
                                           "preparing statement"));
  return &(statements_[key] = Prepared{name, translated.values});
}

// A value as the server reads it in binary: integers in network order, text and bytes as they are.
struct Bound {
  Bytes number;
  const char* data = nullptr;
  int size = 0;

  explicit Bound(const Value& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      number = Writer().u64be(static_cast<std::uint64_t>(*integer)).take();
      set(number);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      set(as_bytes(*text));
    } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
      set(*bytes);
    }
  }

 private:
  void set(ByteView view) {
    // An empty value is not NULL.
    data = view.empty() ? "" : reinterpret_cast<const char*>(view.data());
    size = static_cast<int>(view.size());
  }
};

Value column(const PGresult* result, int row, int index) {
  if (PQgetisnull(result, row, index) != 0) return Value();
  const auto* data = reinterpret_cast<const std::byte*>(PQgetvalue(result, row, index));
  const ByteView bytes(data, static_cast<std::size_t>(PQgetlength(result, row, index)));
  Reader reader(bytes, "column");
  switch (PQftype(result, index)) {
    case kInt8: return bytes.size() == 8 ? Value(static_cast<std::int64_t>(reader.u64be())) : Value();
    case kInt4: return bytes.size() == 4 ? Value(std::int64_t{static_cast<std::int32_t>(reader.u32be())}) : Value();
    case kInt2: return bytes.size() == 2 ? Value(std::int64_t{static_cast<std::int16_t>(reader.u16be())}) : Value();
    case kText:
    case kVarchar: return Value(std::string(as_text(bytes)));
    case kBytea: return Value(to_bytes(bytes));
    // No column of ours has another type; it reads as NULL, which the row's types then refuse.
    default: return Value();
  }
}

Result<Answer> PostgresDriver::run(std::string_view sql, std::span<const Value> values) {
  REDOUBT_CHECK(ready());
  REDOUBT_TRY(const Prepared* const statement, prepare(sql, values));
  const std::vector<Bound> bound(values.begin(), values.end());
  std::vector<const char*> data;
  std::vector<int> sizes;
  for (const Bound& value : bound) {
    data.push_back(value.data);
    sizes.push_back(value.size);
  }
  const std::vector<int> formats(bound.size(), 1);
  REDOUBT_TRY(const ResultPtr result, take(PQexecPrepared(connection_.get(), statement->name.c_str(), static_cast<int>(bound.size()), data.data(),
                                                          sizes.data(), formats.data(), 1),
                                           "running statement"));
  Answer answer;
  const int rows = PQntuples(result.get());
  const int columns = PQnfields(result.get());
  for (int row = 0; row < rows; ++row) {
    std::vector<Value> values_of_row;
    for (int i = 0; i < columns; ++i) values_of_row.push_back(column(result.get(), row, i));
    answer.rows.emplace_back(std::move(values_of_row));
  }
  answer.changed = std::strtoull(PQcmdTuples(result.get()), nullptr, 10);
  return answer;
}

Status PostgresDriver::script(std::string_view sql) {
  REDOUBT_CHECK(ready());
  REDOUBT_TRY(const Translated translated, to_postgres(sql));
  if (translated.values != 0) return Error(Code::internal, "running script: expected no values");
  return simple(translated.text, "running script");
}

Status PostgresDriver::begin(Begin kind) {
  std::string text;
  switch (kind) {
    // The lock comes with the first statement, and each later one sees all that earlier holders committed.
    case Begin::write: text = "BEGIN ISOLATION LEVEL READ COMMITTED; " + std::string(kWriteLock); break;
    case Begin::claim: text = "BEGIN ISOLATION LEVEL READ COMMITTED"; break;
    case Begin::read: text = "BEGIN ISOLATION LEVEL REPEATABLE READ"; break;
  }
  REDOUBT_CHECK(ready());
  Status begun = simple(text, "beginning transaction");
  if (!begun.ok() && !connected()) {
    // The server had ended the connection while nothing went on: one more attempt is safe.
    REDOUBT_CHECK(ready());
    begun = simple(text, "beginning transaction");
  }
  in_transaction_ = true;
  if (!begun.ok()) rollback();
  return begun;
}

Status PostgresDriver::commit() {
  if (!connected()) return lost();
  REDOUBT_TRY(const ResultPtr result, take(PQexec(connection_.get(), "COMMIT"), "committing"));
  in_transaction_ = false;
  // The server answers ROLLBACK, and no error, when a statement of the transaction had failed.
  if (std::string_view(PQcmdStatus(result.get())) != "COMMIT") return Error(Code::internal, "committing: a statement of the transaction had failed");
  return {};
}

void PostgresDriver::rollback() {
  const bool conflicted = conflicted_;
  if (in_transaction_ && connected() && !simple("ROLLBACK", "rolling back").ok()) connection_.reset();
  in_transaction_ = false;
  conflicted_ = conflicted;
}

}  // namespace

Status check_postgres_url(std::string_view url, std::string& name) {
  REDOUBT_TRY(const auto options, options_of(url));
  const std::string target = target_of(options);
  name = "PostgreSQL database \"" + option(options, "dbname") + "\" at " + (target.empty() ? "the local socket" : target);
  if (is_local(target)) return {};
  const std::string mode = option(options, "sslmode");
  if (mode == "verify-full") return {};
  return Error(Code::refused, "database: host " + target + " is not this machine: expected sslmode=verify-full, found " + (mode.empty() ? "none" : mode));
}

Result<std::unique_ptr<Driver>> open_postgres(const SecretBytes& url, const Options& options) {
  std::string name;
  REDOUBT_CHECK(check_postgres_url(as_text(url.reveal()), name));
  REDOUBT_TRY(const auto settings, options_of(as_text(url.reveal())));
  auto driver = std::make_unique<PostgresDriver>(url.clone(), is_local(target_of(settings)), options.busy_timeout_ms);
  std::string detail;
  const Status connected = driver->connect(detail);
  if (!connected.ok()) return connected.error().context("opening " + name + (detail.empty() ? "" : " (" + detail + ")"));
  return std::unique_ptr<Driver>(std::move(driver));
}

}  // namespace redoubt::hub::sql
