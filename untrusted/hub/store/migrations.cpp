#include "untrusted/hub/store/migrations.h"

#include "common/crypto/digest.h"

namespace redoubt::hub {
namespace {

// How many of `known` the database has, in the transaction that is open.
Result<std::size_t> applied(sql::Database& database, std::span<const Migration> known) {
  REDOUBT_CHECK(database.script("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, "
                                "sha256 BLOB NOT NULL, applied INTEGER NOT NULL) STRICT"));
  REDOUBT_TRY(auto rows, database.query("SELECT number, name, sha256 FROM migrations ORDER BY number"));
  if (rows.size() > known.size()) {
    return Error(Code::refused, "database is at migration " + std::to_string(rows.size()) + ", this program knows " +
                                    std::to_string(known.size()) + ": use the newer program");
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::int64_t number = rows[i].number();
    const std::string name = rows[i].text();
    const auto digest = rows[i].fixed<crypto::Sha256Digest>();
    REDOUBT_CHECK(rows[i].finish());
    if (number != known[i].number || digest != crypto::sha256(as_bytes(known[i].sql))) {
      return Error(Code::refused, "migration " + std::to_string(number) + " (" + name + ") is not the one of this program");
    }
  }
  return rows.size();
}

Status apply(sql::Database& database, const Migration& migration, Instant now) {
  REDOUBT_CHECK(database.script(migration.sql));
  REDOUBT_TRY(const auto changed, database.execute("INSERT INTO migrations (number, name, sha256, applied) VALUES (?, ?, ?, ?)",
                                                   {sql::number(migration.number), sql::text(migration.name),
                                                    sql::blob(crypto::sha256(as_bytes(migration.sql)).view()), sql::time(now)}));
  static_cast<void>(changed);
  return {};
}

// One migration at most, or none when all are there (false): looked up again under the lock each time, since another hub may be at it.
Result<bool> step(sql::Database& database, std::span<const Migration> known, Instant now) {
  REDOUBT_TRY(const std::size_t count, applied(database, known));
  if (count < known.size()) {
    const Migration& next = known[count];
    REDOUBT_CHECK(apply(database, next, now).context("applying migration " + std::to_string(next.number) + " (" + std::string(next.name) + ")"));
  }
  REDOUBT_CHECK(database.commit());
  return count < known.size();
}

}  // namespace

Status migrate(sql::Database& database, std::span<const Migration> known, Instant now) {
  for (;;) {
    REDOUBT_CHECK(database.begin());
    const Result<bool> more = step(database, known, now);
    if (!more.ok()) database.rollback();
    REDOUBT_CHECK(more);
    if (!*more) return {};
  }
}

}  // namespace redoubt::hub
