#include "untrusted/hub/store/hubs.h"

namespace redoubt::hub {

Status enter_hub(Transaction& transaction, std::string_view hub, bool alone, Instant now) {
  REDOUBT_CHECK(check_id(hub, "hub id"));
  REDOUBT_CHECK(transaction.change_one("INSERT INTO hubs (id, started) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET started = excluded.started",
                                       {sql::text(hub), sql::time(now)}));
  for (const char* const table : {"environments", "jobs"}) {
    REDOUBT_TRY(const auto changed, transaction.change("UPDATE " + std::string(table) + " SET home = ?" + (alone ? "" : " WHERE home = ''"),
                                                       {sql::text(hub)}));
    static_cast<void>(changed);
  }
  return {};
}

}  // namespace redoubt::hub
