// Goal: the floor rises with what participants signed, never falls, and nobody can push it beyond the host's clock. Method: times
// on both sides of every edge.
#include "enclave/runtime/clock/time_floor.h"

#include "tests/support/expect.h"

namespace redoubt::runtime {
namespace {

constexpr Instant kRelease(1'796'083'200);
constexpr std::int64_t kLife = TimeFloor::kMaxLife;

TEST(TimeFloor, BeginsAtTheReleaseAndRefusesAnEarlierClock) {
  const TimeFloor floor(kRelease);
  EXPECT_EQ(floor.value(), kRelease);
  EXPECT_EQ(OrDie(floor.check(kRelease)), kRelease);
  EXPECT_EQ(OrDie(floor.check(kRelease.plus_seconds(5))), kRelease.plus_seconds(5));
  EXPECT_ERROR(floor.check(kRelease.plus_seconds(-1)), Code::refused, "host's clock");
}

TEST(TimeFloor, RisesWithSignedExpiriesAndNeverFalls) {
  TimeFloor floor(kRelease);
  const Instant now = kRelease.plus_seconds(1000);
  EXPECT_OK(floor.saw(kRelease.plus_seconds(600), now));
  EXPECT_EQ(floor.value(), kRelease) << "a short life says nothing beyond the release";
  EXPECT_OK(floor.saw(kRelease.plus_seconds(kLife + 700), now));
  EXPECT_EQ(floor.value(), kRelease.plus_seconds(700));
  EXPECT_OK(floor.saw(kRelease.plus_seconds(kLife + 300), now));
  EXPECT_EQ(floor.value(), kRelease.plus_seconds(700));
  EXPECT_ERROR(floor.check(kRelease.plus_seconds(699)), Code::refused, "host's clock");
  EXPECT_OK(floor.check(kRelease.plus_seconds(700)));
}

TEST(TimeFloor, ALifeThatIsTooLongIsRefusedAndChangesNothing) {
  TimeFloor floor(kRelease);
  const Instant now = kRelease.plus_seconds(1000);
  EXPECT_ERROR(floor.saw(now.plus_seconds(kLife + 1), now), Code::refused, "expiry: expected no later than");
  EXPECT_EQ(floor.value(), kRelease);
  EXPECT_OK(floor.saw(now.plus_seconds(kLife), now));
  EXPECT_EQ(floor.value(), now) << "at most the host's own clock";
  EXPECT_OK(floor.check(now));
}

}  // namespace
}  // namespace redoubt::runtime
