// Goal: times have one spelling and impossible dates are refused. Method: known instants both ways, and wrong texts.
#include "common/base/instant.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt {
namespace {

TEST(Instant, ReadsAndWritesKnownTimes) {
  EXPECT_EQ(OrDie(Instant::parse("1970-01-01T00:00:00Z")).unix_seconds(), 0);
  EXPECT_EQ(OrDie(Instant::parse("2000-02-29T12:34:56Z")).unix_seconds(), 951827696);
  EXPECT_EQ(OrDie(Instant::parse("9999-12-31T23:59:59Z")).text(), "9999-12-31T23:59:59Z");
  EXPECT_EQ(Instant(1795219200).text(), "2026-11-21T00:00:00Z");
}

TEST(Instant, RefusesOtherSpellingsAndImpossibleDates) {
  for (const char* text : {"", "2026-11-21", "2026-11-21T00:00:00", "2026-11-21 00:00:00Z", "2026-11-21T00:00:00z",
                           "2026-11-21T00:00:00.0Z", "2026-11-21T00:00:00+00:00", "2026-11-2aT00:00:00Z"}) {
    EXPECT_ERROR(Instant::parse(text), Code::malformed, "expected YYYY-MM-DD");
  }
  for (const char* text : {"2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z",
                           "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-06-30T23:59:60Z", "1969-12-31T23:59:59Z"}) {
    EXPECT_ERROR(Instant::parse(text), Code::malformed, "no such date");
  }
}

TEST(Interval, IntersectionIsEmptyWhenApart) {
  const Interval early{Instant(1), Instant(5)};
  const Interval late{Instant(6), Instant(9)};
  EXPECT_FALSE(early.intersect(late).contains(Instant(5)));
  EXPECT_FALSE(early.intersect(late).contains(Instant(6)));
  EXPECT_TRUE(early.intersect({Instant(5), Instant(6)}).contains(Instant(5)));
}

}  // namespace
}  // namespace redoubt
