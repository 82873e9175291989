// Replays a folder of seeds through a fuzz entry point, once each, and the seed cut short and with one byte flipped, so
// that builds without libFuzzer run the same code. A crash or a sanitizer report is the failure.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      std::vector<char> text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
      std::vector<std::uint8_t> bytes(text.begin(), text.end());
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size() / 2);
      if (!bytes.empty()) {
        bytes[bytes.size() / 2] ^= 1U;
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      }
      ++count;
    }
  }
  std::printf("%zu seeds replayed\n", count);
  return count == 0 ? 1 : 0;
}
