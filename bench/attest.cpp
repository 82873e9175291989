// What an appraisal costs beyond the signatures that cannot be spared, for Evidence of every platform.
//
//   build/release/bench/bench_attest [rounds [name]]
//
// With a name: only the rows whose name holds it, and nothing below them (for a profiler). Evidence, chains and collateral are made
// under test roots (tests/support); the TPM rows use a recorded boot. Every row is one call of appraise_prepared() with bytes in and
// a verdict out: parsing, all checks with both values in words, the policy's section. "cold": everything as received. "known": proof
// objects of earlier appraisals are given, so that only the row's signatures remain. The yardstick of a row ("bare") are the same
// signatures over the same messages, verified by OpenSSL alone with every key parsed before (bare.h), in the same round and next to
// it; "+keys" is the same with the keys parsed that arrive with the row's Evidence. Each is measured after a call that is not
// counted, so that both find the processor's caches warm, as in a service; time is the thread's own processor time, so that others
// on the machine count little; medians over the rounds are shown. "new": allocations of one appraisal, of which "kept" are what the
// result is made of; "ssl": those of OpenSSL. Below them: parse() of each kind of Evidence, a firmware log of 100 events, with each of
// its three banks replayed, and how appraisals and bare verifications grow from one thread to two.
#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

#include "bench/allocations.h"
#include "bench/attest_samples.h"

namespace {

using namespace redoubt;
using bench::Sample;

constexpr int kParses = 500;  // per measurement
constexpr auto kThreadTime = std::chrono::milliseconds(400);

[[noreturn]] void refuse(const std::string& what) {
  std::fprintf(stderr, "bench_attest: %s\n", what.c_str());
  std::exit(1);
}

double processor_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double microseconds(int calls, const std::function<bool()>& call) {
  const double begin = processor_us();
  for (int i = 0; i < calls; ++i) {
    if (!call()) refuse("a measured call failed");
  }
  return (processor_us() - begin) / calls;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// per_second: calls that `threads` threads together finish in a second.
double per_second(int threads, const std::function<bool()>& call) {
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> count = 0;
  std::vector<std::jthread> workers;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      std::uint64_t mine = 0;
      for (; !stop; ++mine) {
        if (!call()) refuse("a measured call failed");
      }
      count += mine;
    });
  }
  std::this_thread::sleep_for(kThreadTime);
  stop = true;
  workers.clear();
  return static_cast<double>(count) / std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

struct Row {
  Sample sample;
  std::vector<double> bare, keys, times, ratios;
  bench::Allocations allocations;
};

void print_rows(std::vector<Row>& rows, int rounds) {
  for (Row& row : rows) {
    const auto appraisal = row.sample.appraise();
    if (!appraisal.ok()) refuse(row.sample.name + ": " + appraisal.error().message());
    if (const Status accepted = appraisal->accepted(); !accepted.ok()) refuse(row.sample.name + ": " + accepted.error().message());
    const bench::Allocations before = bench::counted();
    const auto again = row.sample.appraise();
    const bench::Allocations after = bench::counted();
    row.allocations = {after.ours - before.ours, after.freed - before.freed, after.openssl - before.openssl};
  }
  for (int round = 0; round < rounds; ++round) {
    for (Row& row : rows) {
      const auto bare = [&] { return row.sample.bare.signatures(); };
      const auto keys = [&] { return row.sample.bare.with_keys(); };
      const auto appraise = [&] { return row.sample.appraise()->accepted().ok(); };
      if (!bare()) refuse("a signature was refused");
      row.bare.push_back(microseconds(1, bare));
      row.keys.push_back(microseconds(1, keys));
      if (!appraise()) refuse("the Evidence was refused");
      row.times.push_back(microseconds(1, appraise));
      row.ratios.push_back(row.times.back() / row.bare.back());
    }
  }
  std::printf("%-38s %10s %9s %9s %9s %7s %8s %5s %5s %5s\n", "", "signatures", "bare us", "+keys us", "us", "ratio", "beyond", "new",
              "kept", "ssl");
  for (const Row& row : rows) {
    const double bare = median(row.bare);
    const double time = median(row.times);
    std::printf("%-38s %10s %9.1f %9.1f %9.1f %7.3f %8.1f %5llu %5llu %5llu\n", row.sample.name.c_str(), row.sample.signatures.c_str(), bare,
                median(row.keys), time, median(row.ratios), time - bare, static_cast<unsigned long long>(row.allocations.ours),
                static_cast<unsigned long long>(row.allocations.ours - row.allocations.freed),
                static_cast<unsigned long long>(row.allocations.openssl));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 301;
  if (!bench::start_counting()) refuse("OpenSSL was used before its allocations were counted");
  std::vector<Row> rows;
  for (Sample& sample : bench::samples()) {
    if (argc < 3 || sample.name.find(argv[2]) != std::string::npos) rows.push_back({std::move(sample), {}, {}, {}, {}, {}});
  }
  print_rows(rows, rounds);
  if (argc > 2) return 0;

  std::printf("\n%-40s %12s %10s\n", "", "bytes", "us");
  for (const bench::Parse& parse : bench::parses()) {
    std::vector<double> times;
    for (int round = 0; round < std::min(rounds, 31); ++round) times.push_back(microseconds(kParses, parse.call));
    std::printf("%-40s %12zu %10.2f\n", parse.name.c_str(), parse.size, median(times));
  }

  std::printf("\n%-40s %12s %12s %8s\n", "per second", "1 thread", "2 threads", "times");
  for (const Row& row : rows) {
    if (!row.sample.known) continue;
    const auto print = [](const std::string& name, const std::function<bool()>& call) {
      const double one = per_second(1, call);
      const double two = per_second(2, call);
      std::printf("%-40s %12.0f %12.0f %8.2f\n", name.c_str(), one, two, two / one);
    };
    print(row.sample.name, [&] { return row.sample.appraise()->accepted().ok(); });
    print("  its bare signatures", [&] { return row.sample.bare.signatures(); });
  }
  return 0;
}
