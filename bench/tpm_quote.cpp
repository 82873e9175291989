// One quote through the collector, against the bare TPM2_Quote in the same run, with a software TPM on a Unix socket.
//
//   build/release/bench/bench_tpm_quote [rounds]
//
// The collector reads certificate and keys (cached per connection), quotes ten PCRs, reads them (two commands) and encodes
// the Evidence. The TPM is made first, in a temporary folder, which takes about a second.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "enclave/collect/tpm/tpm_collector.h"
#include "enclave/collect/tpm/tpm_device.h"
#include "untrusted/launch/swtpm.h"

namespace {

using namespace redoubt;

template <class R>
void check(const R& result) {
  if (result.ok()) return;
  std::fprintf(stderr, "bench_tpm_quote: %s\n", result.error().message().c_str());
  std::exit(1);
}

// median_ms of `rounds` calls.
double median_ms(int rounds, const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  work();
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = Clock::now();
    work();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  std::ranges::sort(times);
  return times[times.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 300;
  std::string folder = (std::filesystem::temp_directory_path() / "rdt-bench.XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 1;
  {
    launch::SwTpmOptions options;
    options.state = folder + "/t";
    options.ca = folder + "/ca";
    options.die_with_parent = true;
    auto tpm = launch::SwTpm::start(options);
    check(tpm);
    auto device = collect::TpmDevice::open(tpm->tcti());
    check(device);
    const collect::TpmCollectorOptions collected;
    collect::TpmCollector collector(**device, collected);
    const Bytes statement = to_bytes("statement");
    std::size_t size = 0;
    const Bytes extra(32);
    const double quote = median_ms(rounds, [&] { check((*device)->quote(collected.pcrs, extra)); });
    const double collect = median_ms(rounds, [&] {
      const auto evidence = collector.collect(statement);
      check(evidence);
      size = evidence->evidence.bytes.size();
    });
    std::printf("TPM2_Quote %.2f ms   collector %.2f ms   ratio %.2f   Evidence %zu bytes   (medians of %d)\n", quote, collect,
                collect / quote, size, rounds);
  }
  std::filesystem::remove_all(folder);
  return 0;
}
