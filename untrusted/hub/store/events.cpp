#include "untrusted/hub/store/events.h"

#include <limits>

#include "untrusted/hub/store/states.h"

namespace redoubt::hub {
namespace {

constexpr StateName<Event::Kind> kKinds[] = {{Event::Kind::environment, "environment"},
                                             {Event::Kind::instance, "instance"},
                                             {Event::Kind::dataset, "dataset"},
                                             {Event::Kind::query, "query"},
                                             {Event::Kind::ballot, "ballot"}};

Result<Event> parse_change(sql::Row& row) {
  Event out;
  out.number = row.number();
  out.environment = row.text();
  out.kind = read_state(kKinds, row);
  out.object = row.text();
  out.state = row.text();
  REDOUBT_CHECK(row.finish());
  return out;
}

Error removed_since() { return {Code::freshness, "cursor: events behind it are not kept any more: read the lists, and begin without one"}; }

std::string events_list(std::string_view environment) { return "events of " + std::string(environment); }

}  // namespace

std::string_view name_of(Event::Kind kind) { return state_name(kKinds, kind); }

Status add_event(Transaction& transaction, std::string_view environment, Event::Kind kind, std::string_view object, std::string_view state) {
  return transaction
      .change_one("INSERT INTO events (environment, kind, object, state) VALUES (?, ?, ?, ?)",
                  {sql::text(environment), sql::text(name_of(kind)), sql::text(object), sql::text(state)})
      .context("event");
}

Result<std::int64_t> last_event(Transaction& transaction, std::optional<std::string_view> environment) {
  constexpr std::string_view kLast = "SELECT coalesce(max(number), 0) FROM events";
  REDOUBT_TRY(auto rows, environment ? transaction.query(std::string(kLast) + " WHERE environment = ?", {sql::text(*environment)}) : transaction.query(kLast));
  REDOUBT_TRY(sql::Row row, one(std::move(rows), "events"));
  const std::int64_t number = row.number();
  REDOUBT_CHECK(row.finish());
  return number;
}

Result<std::vector<Event>> events_after(Transaction& transaction, std::int64_t after, std::uint64_t count) {
  return read_all<Event>(transaction, "SELECT number, environment, kind, object, state FROM events WHERE number > ? ORDER BY number LIMIT ?",
                         {sql::number(after), sql::number(count)}, parse_change);
}

Result<std::vector<Event>> events_of(Transaction& transaction, std::string_view environment, std::int64_t after, std::int64_t last, std::uint64_t count) {
  return read_all<Event>(transaction,
                         "SELECT number, environment, kind, object, state FROM events WHERE environment = ? AND number > ? AND number <= ? "
                         "ORDER BY number LIMIT ?",
                         {sql::text(environment), sql::number(after), sql::number(last), sql::number(count)}, parse_change);
}

Result<std::int64_t> event_floor(Transaction& transaction, std::string_view environment) {
  REDOUBT_TRY(auto rows, transaction.query("SELECT number FROM event_floors WHERE environment = ?", {sql::text(environment)}));
  if (rows.empty()) return 0;
  const std::int64_t number = rows.front().number();
  REDOUBT_CHECK(rows.front().finish());
  return number;
}

Result<Page<Event>> list_events(Transaction& transaction, std::string_view environment, const PageRequest& page) {
  REDOUBT_TRY(const std::int64_t start, page_start(page, events_list(environment)));
  REDOUBT_TRY(const std::int64_t floor, event_floor(transaction, environment));
  if (!page.cursor.empty() && start < floor) return removed_since();
  Page<Event> out;
  REDOUBT_TRY(out.items, events_of(transaction, environment, start, std::numeric_limits<std::int64_t>::max(), page.count + 1));
  if (out.items.size() > page.count) {
    out.items.pop_back();
    out.next = event_cursor(environment, out.items.back().number);
  }
  return out;
}

std::string event_cursor(std::string_view environment, std::int64_t number) { return make_cursor(events_list(environment), number); }

Result<std::int64_t> event_position(Transaction& transaction, std::string_view environment, const std::string& cursor) {
  if (cursor.empty()) return Error(Code::malformed, "cursor: empty");
  REDOUBT_TRY(const std::int64_t number, page_start({cursor, 1}, events_list(environment)));
  REDOUBT_TRY(const std::int64_t floor, event_floor(transaction, environment));
  if (number < floor) return removed_since();
  if (number == floor) return number;  // all that came behind it is there
  REDOUBT_TRY(const auto found, events_of(transaction, environment, number - 1, number, 1));
  if (found.empty()) return Error(Code::malformed, "cursor: no such event: begin without one");
  return number;
}

}  // namespace redoubt::hub
