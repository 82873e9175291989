// Instant: a point in time as a value, whole seconds since 1970-01-01T00:00:00Z. Nothing in common/ reads a clock: time
// is always an argument. Text is RFC 3339 in UTC with a 'Z' and whole seconds, one spelling only.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace redoubt {

class Instant {
 public:
  constexpr Instant() = default;
  constexpr explicit Instant(std::int64_t unix_seconds) : seconds_(unix_seconds) {}

  // parse reads exactly `YYYY-MM-DDThh:mm:ssZ`, years 1970 to 9999, no leap second.
  static Result<Instant> parse(std::string_view text);
  std::string text() const;

  constexpr std::int64_t unix_seconds() const { return seconds_; }
  constexpr Instant plus_seconds(std::int64_t seconds) const { return Instant(seconds_ + seconds); }

  friend constexpr auto operator<=>(Instant, Instant) = default;

 private:
  std::int64_t seconds_ = 0;
};

// Interval: from `begin` to `end`, both included.
struct Interval {
  Instant begin;
  Instant end;

  bool contains(Instant at) const { return begin <= at && at <= end; }
  // intersect may give an empty interval (end before begin), which contains nothing.
  Interval intersect(const Interval& other) const {
    return {begin < other.begin ? other.begin : begin, end < other.end ? end : other.end};
  }
};

}  // namespace redoubt
