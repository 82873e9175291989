// The envelope's throughput on one core, against `openssl speed -evp aes-256-gcm` at 16 KiB blocks in the same run.
//
//   build/release/bench/bench_envelope [rounds]
//
// 64 MiB in memory, chunks of 64 KiB. "whole" goes from one buffer of 64 MiB into another, so it pays for memory traffic
// that the yardstick, which works on one block in cache, does not; "stream" goes through the sink and one chunk buffer.
// Each round takes yardstick and envelope one after the other, so that a busy machine slows both; the round with the
// median ratio is shown.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "common/crypto/envelope.h"
#include "common/crypto/system_random.h"

namespace {

using namespace redoubt;
using namespace redoubt::crypto;

constexpr std::size_t kSize = std::size_t{64} << 20;

template <class T>
T or_die(Result<T> result) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "bench_envelope: %s\n", result.error().message().c_str());
  std::exit(1);
}

void or_die(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "bench_envelope: %s\n", status.error().message().c_str());
  std::exit(1);
}

// yardstick runs `openssl speed` for a second and gives bytes per second. Its last line reads "+F:<n>:AES-256-GCM:<rate>".
double yardstick(bool decrypt) {
  const std::string command = std::string("openssl speed -mr -evp aes-256-gcm -bytes 16384 -seconds 1 ") +
                              (decrypt ? "-decrypt " : "") + "2>/dev/null";
  FILE* pipe = popen(command.c_str(), "r");
  double rate = 0;
  std::array<char, 512> line;
  while (pipe != nullptr && std::fgets(line.data(), line.size(), pipe) != nullptr) {
    const std::string text(line.data());
    const std::size_t at = text.rfind(':');
    if (text.starts_with("+F:") && at != std::string::npos) rate = std::atof(text.c_str() + at + 1);
  }
  if (pipe != nullptr) pclose(pipe);
  if (rate <= 0) {
    std::fprintf(stderr, "bench_envelope: `%s` gave no figure\n", command.c_str());
    std::exit(1);
  }
  return rate;
}

// throughput repeats `work`, which handles kSize bytes, for about a second.
double throughput(const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  double seconds = 0;
  std::size_t count = 0;
  do {
    work();
    ++count;
    seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  } while (seconds < 1.0);
  return static_cast<double>(count * kSize) / seconds;
}

struct Round {
  double envelope;
  double openssl;
  double ratio() const { return envelope / openssl; }
};

void compare(const char* name, bool decrypt, int rounds, const std::function<void()>& work) {
  work();  // touches every page before the clock runs
  std::vector<Round> results;
  for (int i = 0; i < rounds; ++i) {
    const double openssl = yardstick(decrypt);
    results.push_back({throughput(work), openssl});
  }
  std::ranges::sort(results, {}, &Round::ratio);
  const Round median = results[results.size() / 2];
  std::printf("%-16s %8.0f MB/s   openssl speed %8.0f MB/s   ratio %.2f (target 0.85)\n", name, median.envelope / 1e6,
              median.openssl / 1e6, median.ratio());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 5;
  SystemRandom random;
  const SecretBytes key = random.secret(32);
  const EnvelopeSubject subject{"bench/envelope", 1};
  Bytes plaintext(kSize);
  random.fill(plaintext);
  Bytes opened(kSize);
  Bytes file(or_die(EnvelopeLayout::of_plaintext(kSize, kEnvelopeDefaultChunk)).file_size());
  const ChunkSink ignore = [](ByteView) -> Status { return {}; };

  auto first = or_die(EnvelopeCipher::for_new_file(key, subject, random));
  or_die(seal_envelope_into(first, plaintext, file));

  compare("encrypt stream", false, rounds, [&] {
    EnvelopeSealer sealer(or_die(EnvelopeCipher::for_new_file(key, subject, random)));
    or_die(sealer.update(plaintext, ignore));
    or_die(sealer.finish(ignore));
  });
  compare("decrypt stream", true, rounds, [&] {
    auto opener = or_die(EnvelopeOpener::create(key, subject));
    or_die(opener.feed(file, ignore));
    or_die(opener.finish(ignore));
  });
  compare("encrypt whole", false, rounds, [&] {
    auto cipher = or_die(EnvelopeCipher::for_new_file(key, subject, random));
    or_die(seal_envelope_into(cipher, plaintext, file));
  });
  compare("decrypt whole", true, rounds, [&] {
    auto cipher = or_die(EnvelopeCipher::for_file(key, subject, ByteView(file).first(kEnvelopeHeaderSize)));
    or_die(open_envelope_into(cipher, file, opened));
  });
  if (opened != plaintext) {
    std::fprintf(stderr, "bench_envelope: decryption gave other bytes\n");
    return 1;
  }
  return 0;
}
