#include "untrusted/hub/store/retention.h"

#include "untrusted/hub/store/journal.h"

namespace redoubt::hub {
namespace {

// number_at: the only column of the first row; nothing when there is no row, or NULL in it.
Result<std::optional<std::int64_t>> number_at(Transaction& transaction, std::string_view sql, std::initializer_list<sql::Value> values) {
  REDOUBT_TRY(auto rows, transaction.query(sql, values));
  if (rows.empty() || rows.front().null_next()) return std::optional<std::int64_t>();
  const std::int64_t number = rows.front().number();
  REDOUBT_CHECK(rows.front().finish());
  return std::optional(number);
}

}  // namespace

Status Retention::check() const {
  const auto in_bounds = [](std::string_view name, std::uint64_t count) -> Status {
    if (count >= kMin && count <= kMax) return {};
    return Error(Code::usage, "kept " + std::string(name) + ": expected " + std::to_string(kMin) + " to " + std::to_string(kMax) + ", found " + std::to_string(count));
  };
  REDOUBT_CHECK(in_bounds("events", events));
  return in_bounds("audit events", audit_events);
}

Result<bool> trim_events(Transaction& transaction, const Retention& keep) {
  REDOUBT_TRY(auto rows, transaction.query("SELECT environment FROM events GROUP BY environment HAVING count(*) > ? ORDER BY environment LIMIT 1", {sql::number(keep.events)}));
  if (rows.empty()) return false;
  const std::string environment = rows.front().text();
  REDOUBT_CHECK(rows.front().finish());
  // The newest that is too old, and of those up to it the oldest ones.
  REDOUBT_TRY(const auto too_old, number_at(transaction, "SELECT number FROM events WHERE environment = ? ORDER BY number DESC LIMIT 1 OFFSET ?",
                                            {sql::text(environment), sql::number(keep.events)}));
  if (!too_old) return false;
  REDOUBT_TRY(const auto last, number_at(transaction,
                                         "SELECT max(number) FROM (SELECT number FROM events WHERE environment = ? AND number <= ? ORDER BY number LIMIT ?) AS oldest",
                                         {sql::text(environment), sql::number(*too_old), sql::number(kTrimAtOnce)}));
  if (!last) return false;
  REDOUBT_TRY([[maybe_unused]] const auto removed, transaction.change("DELETE FROM events WHERE environment = ? AND number <= ?", {sql::text(environment), sql::number(*last)}));
  REDOUBT_CHECK(transaction.change_one("INSERT INTO event_floors (environment, number) VALUES (?, ?) "
                                       "ON CONFLICT (environment) DO UPDATE SET number = excluded.number",
                                       {sql::text(environment), sql::number(*last)}));
  return true;
}

Result<bool> trim_audit(Transaction& transaction, const Retention& keep, Instant now) {
  REDOUBT_TRY(const auto oldest, number_at(transaction, "SELECT min(number) FROM audit_events", {}));
  REDOUBT_TRY(const auto newest, number_at(transaction, "SELECT max(number) FROM audit_events", {}));
  // By number: there may be gaps, and then some fewer are kept.
  const auto most = static_cast<std::int64_t>(keep.audit_events);
  if (!oldest || !newest || *newest - *oldest < most) return false;
  // A tenth of the room is made at once: each removal leaves a note, which takes a place itself.
  const std::int64_t too_old = *newest - most + most / 10;
  REDOUBT_TRY(const auto last, number_at(transaction, "SELECT max(number) FROM (SELECT number FROM audit_events WHERE number <= ? ORDER BY number LIMIT ?) AS oldest",
                                         {sql::number(too_old), sql::number(kTrimAtOnce)}));
  if (!last) return false;
  REDOUBT_TRY(const std::uint64_t removed, transaction.change("DELETE FROM audit_events WHERE number <= ?", {sql::number(*last)}));
  REDOUBT_CHECK(add_audit_event(transaction, {now, "hub", "audit.trim", "audit events up to " + std::to_string(*last), std::to_string(removed) + " removed"}));
  return true;
}

Status trim(Store& store, const Retention& keep, Instant now, const std::function<bool()>& stop) {
  for (bool more = true; more && !stop();) {
    REDOUBT_TRY(more, store.write("events.trim", [&](Transaction& transaction) { return trim_events(transaction, keep); }));
  }
  for (bool more = true; more && !stop();) {
    REDOUBT_TRY(more, store.write("audit.trim", [&](Transaction& transaction) { return trim_audit(transaction, keep, now); }));
  }
  return {};
}

}  // namespace redoubt::hub
