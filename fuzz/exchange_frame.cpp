// Frames of the exchange from any bytes: nothing crashes, limits hold, and a message that is taken is written the same way.
#include <algorithm>
#include <cstdlib>

#include "common/net/exchange.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  constexpr std::size_t kMax = 1000;
  Bytes buffer = to_bytes(std::as_bytes(std::span(data, size)));
  while (true) {
    const Bytes before = buffer;
    const auto frame = net::take_frame(buffer, kMax);
    if (!frame.ok() || !frame.value()) {
      if (buffer != before) std::abort();
      return 0;
    }
    if (const auto* message = std::get_if<Bytes>(&**frame)) {
      const Bytes again = net::encode_message(*message);
      if (message->size() > kMax || !std::equal(again.begin(), again.end(), before.begin())) std::abort();
    } else {
      for (const char c : std::get<Error>(**frame).message()) {
        if (c < ' ' || c > '~') std::abort();
      }
    }
    if (buffer.size() >= before.size()) std::abort();
  }
}
