// TimeFloor: the earliest time that it can be now, as far as an enclave program can know (docs/protocol.md section 2).
//
// The host sets the clock and may lie. An enclave program's time is the interval [floor, host's clock]; the floor is the release
// date of the program or what participants signed since, whichever is later, and never falls. Signed documents carry no time
// of signing, but a time at which they expire, and nobody signs one that lives longer than kMaxLife: so it was signed no
// earlier than kMaxLife before it expires. A longer life is refused, which also keeps one participant from pushing the floor
// beyond the host's clock and stopping the program for all. Pure. One thread at a time.
#pragma once

#include <cstdint>

#include "common/base/instant.h"

namespace redoubt::runtime {

class TimeFloor {
 public:
  static constexpr std::int64_t kMaxLife = std::int64_t{90} * 24 * 3600;  // seconds

  // `release`: the date of the program's release, a constant of the release, so that equal sources give equal measurements.
  explicit TimeFloor(Instant release) : floor_(release) {}

  Instant value() const { return floor_; }
  // check gives `host_clock` back; `refused` when it stands below the floor.
  Result<Instant> check(Instant host_clock) const;
  // saw is called for each accepted document of a participant, with its expiry and the time that check() gave. `refused` when
  // the document lives longer than kMaxLife from then; nothing changes.
  Status saw(Instant expires, Instant now);

 private:
  Instant floor_;
};

}  // namespace redoubt::runtime
