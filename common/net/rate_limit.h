// TokenBucket: at most `burst` events at once and `per_second` in the long run (docs/protocol.md section 6: a token bucket on
// quotes). Pure: the time is an argument and may stand still or go back, in which case nothing is added. Not thread-safe:
// the owner has a lock, or one thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace redoubt::net {

class TokenBucket {
 public:
  // Starts full. `burst` at least 1; `per_second` may be less than one, not negative.
  TokenBucket(double per_second, double burst) : per_second_(per_second), burst_(burst), tokens_(burst) {}

  // take says whether `count` more events may happen at `now_ms` (milliseconds of any clock, always the same one), and if
  // so counts them. A refusal costs nothing.
  bool take(std::int64_t now_ms, double count = 1.0) {
    refill(now_ms);
    if (tokens_ < count) return false;
    tokens_ -= count;
    return true;
  }

  // wait_ms tells how long from `now_ms` until take(count) can succeed: 0 now, -1 never (more than the burst).
  std::int64_t wait_ms(std::int64_t now_ms, double count = 1.0) {
    refill(now_ms);
    if (tokens_ >= count) return 0;
    if (count > burst_ || per_second_ <= 0.0) return -1;
    return static_cast<std::int64_t>((count - tokens_) * 1000.0 / per_second_) + 1;
  }

 private:
  void refill(std::int64_t now_ms) {
    if (started_ && now_ms > last_ms_) {
      tokens_ = std::min(burst_, tokens_ + static_cast<double>(now_ms - last_ms_) * per_second_ / 1000.0);
    }
    if (!started_ || now_ms > last_ms_) last_ms_ = now_ms;
    started_ = true;
  }

  double per_second_;
  double burst_;
  double tokens_;
  std::int64_t last_ms_ = 0;
  bool started_ = false;
};

}  // namespace redoubt::net
