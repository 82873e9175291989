// Any bytes that the reader of engine requests, or of engine answers, takes, it writes again the same, and the other takes none of them.
#include <cstdlib>

#include "common/wire/query_engine.h"

namespace {

template <class Message>
int taken(redoubt::ByteView bytes) {
  const auto message = Message::decode(bytes);
  if (!message.ok()) return 0;
  if (!redoubt::equal(message->encode(), bytes)) std::abort();
  return 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const redoubt::ByteView bytes = std::as_bytes(std::span(data, size));
  if (taken<redoubt::wire::EngineRequest>(bytes) + taken<redoubt::wire::EngineAnswer>(bytes) > 1) std::abort();
  return 0;
}
