#include "untrusted/hub/store/store.h"

#include "untrusted/hub/store/migrations.h"

namespace redoubt::hub {

Status Transaction::change_one(std::string_view text, std::initializer_list<sql::Value> values) {
  REDOUBT_TRY(const std::uint64_t changed, database_.execute(text, values));
  if (changed != 1) return Error(Code::internal, "database: expected one changed row, found " + std::to_string(changed));
  return {};
}

Result<std::unique_ptr<Store>> Store::open(const sql::Location& location, Instant now, Options options) {
  REDOUBT_TRY(sql::Database database, sql::Database::open(location, options.sql));
  REDOUBT_CHECK(migrate(database, migrations(), now));
  return std::unique_ptr<Store>(new Store(std::move(database), std::move(options)));
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
