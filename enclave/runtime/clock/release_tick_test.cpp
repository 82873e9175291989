// Goal: what took different times leaves at one of few ticks, never before it, and at most twice as late. Method: a clock that the test moves, also in steps that are shorter than asked for.
#include "enclave/runtime/clock/release_tick.h"

#include <gtest/gtest.h>

#include <set>

namespace redoubt::runtime {
namespace {

using Milliseconds = ReleaseTick::Milliseconds;

TEST(ReleaseTickTest, ATickIsNeverBeforeTheEndAndTwoMinutesHaveTenOfThem) {
  std::set<Milliseconds> ticks;
  for (int took = 0; took <= 120'000; ++took) {
    const Milliseconds tick = ReleaseTick::after(Milliseconds(took));
    ASSERT_GE(tick.count(), took);
    ASSERT_LE(tick.count(), std::max(250, 2 * took));
    ticks.insert(tick);
  }
  EXPECT_EQ(ticks.size(), 10U);
  EXPECT_EQ(*ticks.begin(), Milliseconds(250));
  EXPECT_EQ(*ticks.rbegin(), Milliseconds(128'000));
  EXPECT_EQ(ReleaseTick::after(Milliseconds(-5)), Milliseconds(250)) << "a clock that fell";
  EXPECT_GT(ReleaseTick::after(Milliseconds::max()).count(), 0);
}

TEST(ReleaseTickTest, HoldingEndsAtTheTickAlsoWhereSleepEndsEarly) {
  for (const int took : {0, 1, 249, 250, 251, 3000}) {
    Milliseconds now(7000);
    int slept = 0;
    const ReleaseTick tick([&] { return now; }, [&](Milliseconds time) {
      ++slept;
      now += slept % 2 == 1 && time.count() > 1 ? time / 2 : time;
    });
    const Milliseconds begun = tick.begin();
    now += Milliseconds(took);
    tick.hold(begun);
    EXPECT_EQ(now - begun, ReleaseTick::after(Milliseconds(took))) << took;
  }
}

TEST(ReleaseTickTest, TheMachinesClockHoldsUntilTheFirstTick) {
  const ReleaseTick tick;
  const Milliseconds begun = tick.begin();
  tick.hold(begun);
  EXPECT_GE(tick.begin() - begun, ReleaseTick::kFirst);
}

}  // namespace
}  // namespace redoubt::runtime
