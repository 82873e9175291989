#include "enclave/runtime/clock/time_floor.h"

#include <algorithm>

namespace redoubt::runtime {

Result<Instant> TimeFloor::check(Instant host_clock) const {
  if (host_clock < floor_) {
    return Error(Code::refused, "the host's clock says " + host_clock.text() + ", before " + floor_.text());
  }
  return host_clock;
}

Status TimeFloor::saw(Instant expires, Instant now) {
  const Instant latest = now.plus_seconds(kMaxLife);
  if (expires > latest) {
    return Error(Code::refused, "expiry: expected no later than " + latest.text() + ", found " + expires.text());
  }
  floor_ = std::max(floor_, expires.plus_seconds(-kMaxLife));
  return {};
}

}  // namespace redoubt::runtime
