#include "untrusted/hub/store/sql.h"

#include <cstdlib>
#include <limits>

#include "common/base/utf8.h"
#include "untrusted/hub/store/driver.h"

namespace redoubt::hub::sql {
namespace {

// Texts are the same in both databases: PostgreSQL takes no zero byte and nothing but UTF-8.
Status check_values(std::initializer_list<Value> values) {
  for (const Value& value : values) {
    const auto* const text = std::get_if<std::string>(&value);
    if (text == nullptr) continue;
    if (text->find('\0') != std::string::npos) return Error(Code::malformed, "text for the database: holds a zero byte");
    if (!valid_utf8(*text)) return Error(Code::malformed, "text for the database: not UTF-8");
  }
  return {};
}

}  // namespace

Value number(std::uint64_t value) {
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) std::abort();
  return Value(static_cast<std::int64_t>(value));
}

template <class T>
T Row::take() {
  const std::size_t at = next_++;
  if (!failed_ && at < columns_.size()) {
    if (T* value = std::get_if<T>(&columns_[at])) return std::move(*value);
  }
  failed_ = true;
  return T();
}

std::string Row::text() { return take<std::string>(); }
std::int64_t Row::number() { return take<std::int64_t>(); }
Bytes Row::blob() { return take<Bytes>(); }

std::uint64_t Row::count() {
  const std::int64_t value = number();
  if (value < 0) failed_ = true;
  return value < 0 ? 0 : static_cast<std::uint64_t>(value);
}

std::optional<Instant> Row::optional_time() {
  if (!null_next()) return time();
  skip();
  return std::nullopt;
}

std::optional<std::string> Row::optional_text() {
  if (!null_next()) return text();
  skip();
  return std::nullopt;
}

std::size_t Row::size() const {
  std::size_t out = 0;
  for (const Value& value : columns_) {
    if (const auto* const text = std::get_if<std::string>(&value)) out += text->size();
    if (const auto* const bytes = std::get_if<Bytes>(&value)) out += bytes->size();
  }
  return out;
}

Status Row::finish() const {
  if (failed_ || next_ != columns_.size()) return Error(Code::internal, "database row: a column does not have its type");
  return {};
}

Result<Location> Location::of_url(std::string_view url) {
  Location out{std::filesystem::path()};
  REDOUBT_CHECK(check_postgres_url(url, out.name_));
  out.url_ = SecretBytes::copy_of(as_bytes(url));
  return out;
}

Location Location::clone() const {
  Location out(file_);
  out.name_ = name_;
  out.url_ = url_.clone();
  return out;
}

Database::Database(std::unique_ptr<Driver> driver) : driver_(std::move(driver)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const Location& location, const Options& options) {
  REDOUBT_TRY(auto driver, location.postgres() ? open_postgres(location.url(), options) : open_sqlite(location.file(), options));
  return Database(std::move(driver));
}

Result<std::vector<Row>> Database::query(std::string_view sql, std::initializer_list<Value> values) {
  REDOUBT_CHECK(check_values(values));
  REDOUBT_TRY(Answer answer, driver_->run(sql, std::span(values.begin(), values.size())));
  return std::move(answer.rows);
}

Result<std::uint64_t> Database::execute(std::string_view sql, std::initializer_list<Value> values) {
  REDOUBT_CHECK(check_values(values));
  REDOUBT_TRY(const Answer answer, driver_->run(sql, std::span(values.begin(), values.size())));
  return answer.changed;
}

Status Database::script(std::string_view sql) { return driver_->script(sql); }
Status Database::begin() { return driver_->begin(Begin::write); }
Status Database::begin_claim() { return driver_->begin(Begin::claim); }
Status Database::begin_read() { return driver_->begin(Begin::read); }
Status Database::commit() { return driver_->commit(); }
void Database::rollback() { driver_->rollback(); }
bool Database::conflicted() const { return driver_->conflicted(); }

}  // namespace redoubt::hub::sql
