// What reading and judging a firmware log costs beyond the hashing that cannot be spared.
//
//   build/release/bench/bench_eventlog [rounds]
//
// A log of 100 events with banks of SHA-1, SHA-256 and SHA-384. The yardstick is the bare hashing of the same number of extensions in
// the same round, so that a busy machine slows both alike; medians over the rounds are shown.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "common/attest/evidence/eventlog/boot.h"
#include "tests/support/evidence_eventlog.h"

namespace {

using namespace redoubt;

constexpr int kCalls = 50;  // per measurement

template <class F>
double microseconds(F call) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kCalls; ++i) {
    if (!call()) {
      std::fprintf(stderr, "bench_eventlog: the log was refused\n");
      std::exit(1);
    }
  }
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / kCalls;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

bool replay_all(const eventlog::EventLog& log) {
  bool extended = true;
  for (const eventlog::Bank& bank : log.banks) extended = extended && log.replay(bank)[0].has_value();
  return extended;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 21;
  test::LogBuilder builder({{eventlog::kSha1, 20}, {eventlog::kSha256, 32}, {eventlog::kSha384, 48}});
  builder.separators(0, 7);
  for (std::uint32_t i = 8; i < 100; ++i) builder.event(i % 15, 0x0d, Bytes(200, static_cast<std::byte>(i)));
  const Bytes bytes = builder.bytes();

  std::vector<double> hashing, replaying, judging;
  for (int round = 0; round < rounds; ++round) {
    hashing.push_back(microseconds([] {
      std::byte last{};
      for (const std::uint16_t algorithm : {eventlog::kSha1, eventlog::kSha256, eventlog::kSha384}) {
        eventlog::Digest value(eventlog::known_size(algorithm));
        for (int i = 0; i < 100; ++i) value = eventlog::extend(algorithm, value, value.view());
        last |= value.view().back() | std::byte{1};
      }
      return last != std::byte{0};
    }));
    replaying.push_back(microseconds([&] {
      const auto log = eventlog::EventLog::parse(bytes);
      return log.ok() && replay_all(*log);
    }));
    judging.push_back(microseconds([&] {
      const auto log = eventlog::EventLog::parse(bytes);
      if (!log.ok() || !replay_all(*log)) return false;
      const eventlog::Bank& bank = *log->bank(eventlog::kSha256);
      return eventlog::check_data(*log, bank).ok() && eventlog::check_separators(*log, bank).ok() &&
             eventlog::boot_facts(*log, bank).ok();
    }));
  }
  const double yardstick = median(hashing);
  std::printf("%-40s %10s %8s\n", "100 events, 3 banks", "us", "ratio");
  std::printf("%-40s %10.1f %8.2f\n", "300 bare extensions", yardstick, 1.0);
  std::printf("%-40s %10.1f %8.2f\n", "parse and replay", median(replaying), median(replaying) / yardstick);
  std::printf("%-40s %10.1f %8.2f\n", "parse, replay and checks L3 to L5", median(judging), median(judging) / yardstick);
  return 0;
}
