// Retention: how much is kept of what the hub only tells: events for those who watch, and the audit trail. The oldest go first.
//
// Events count by environment, so that what happens in one drives nothing out of another. Whoever comes back to a place from which events were
// removed is told so (event_position). What was removed of the audit trail stands in it. Each call removes a bounded number of rows in its
// transaction; call again while it says that there is more. Proofs are elsewhere: nothing of an enclave's log is ever removed.
#pragma once

#include "untrusted/hub/store/store.h"

namespace redoubt::hub {

struct Retention {
  static constexpr std::uint64_t kMin = 100;
  static constexpr std::uint64_t kMax = 100'000'000;
  std::uint64_t events = 10'000;           // of each environment
  std::uint64_t audit_events = 1'000'000;  // of the database; when there are more, a tenth is removed

  // check: `usage` unless both are kMin to kMax.
  Status check() const;
};

inline constexpr std::uint64_t kTrimAtOnce = 2'000;  // rows

// trim_events, trim_audit: whether there may be more to remove.
Result<bool> trim_events(Transaction& transaction, const Retention& keep);
Result<bool> trim_audit(Transaction& transaction, const Retention& keep, Instant now);

// trim does both until there is nothing left to remove or `stop` says so, in transactions of their own, so that others come between.
Status trim(Store& store, const Retention& keep, Instant now, const std::function<bool()>& stop = [] { return false; });

}  // namespace redoubt::hub
