// Events: what changed in an environment, in the order in which it was committed; for those who watch.
//
// Records are added by the functions that change what they tell of, in the same transaction, and never changed; the oldest of an environment
// are removed when it has more than are kept (retention.h), and its floor says up to where. They name
// ids and states, no data and no people. They are added in Store::write alone: so their numbers grow as they are committed, in all hubs of a
// database, and whoever has read up to a number has missed nothing before it. A cursor names one event of one environment.
#pragma once

#include "untrusted/hub/store/page.h"

namespace redoubt::hub {

struct Event {
  enum class Kind { environment, instance, dataset, query, ballot };
  std::int64_t number = 0;
  std::string environment;
  Kind kind = Kind::environment;
  std::string object;  // id; of a ballot: the query's
  std::string state;   // of the object from now on, as the API calls it; of a ballot: "counted"
};
std::string_view name_of(Event::Kind kind);

Status add_event(Transaction& transaction, std::string_view environment, Event::Kind kind, std::string_view object, std::string_view state);

// last_event: the number of the last one, of one environment or of all; 0 when there is none.
Result<std::int64_t> last_event(Transaction& transaction, std::optional<std::string_view> environment = std::nullopt);
// events_after: the first `count` behind `after`, of all environments. events_of: of one, up to `last`.
Result<std::vector<Event>> events_after(Transaction& transaction, std::int64_t after, std::uint64_t count);
Result<std::vector<Event>> events_of(Transaction& transaction, std::string_view environment, std::int64_t after, std::int64_t last, std::uint64_t count);

// list_events: those of one environment that are kept, oldest first; its cursors are those of event_cursor. `freshness` for a cursor below the floor.
Result<Page<Event>> list_events(Transaction& transaction, std::string_view environment, const PageRequest& page);
// event_floor: the number of the last event of the environment that was removed; 0 when none was.
Result<std::int64_t> event_floor(Transaction& transaction, std::string_view environment);

// event_cursor: where whoever has seen this event goes on. event_position: the number again; `malformed` unless the cursor names an event of
// this environment that is there, the last one that was removed, or the place before the first; `freshness` when events behind it were removed.
std::string event_cursor(std::string_view environment, std::int64_t number);
Result<std::int64_t> event_position(Transaction& transaction, std::string_view environment, const std::string& cursor);

}  // namespace redoubt::hub
