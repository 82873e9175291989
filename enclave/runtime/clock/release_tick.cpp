#include "enclave/runtime/clock/release_tick.h"

#include <thread>

namespace redoubt::runtime {

ReleaseTick::ReleaseTick()
    : ReleaseTick([] { return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch()); },
                  [](Milliseconds time) { std::this_thread::sleep_for(time); }) {}

ReleaseTick::ReleaseTick(Elapsed elapsed, Sleep sleep) : elapsed_(std::move(elapsed)), sleep_(std::move(sleep)) {}

ReleaseTick::Milliseconds ReleaseTick::after(Milliseconds took) {
  Milliseconds tick = kFirst;
  while (tick < took && tick.count() <= Milliseconds::max().count() / 2) tick *= 2;
  return tick;
}

void ReleaseTick::hold(Milliseconds begun) const {
  Milliseconds now = elapsed_();
  const Milliseconds due = begun + after(now - begun);
  for (; now < due; now = elapsed_()) sleep_(due - now);
}

}  // namespace redoubt::runtime
