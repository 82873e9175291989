// Any bytes that one session decoder takes, it writes again the same, and no other decoder takes them.
#include <cstdlib>

#include "common/wire/session.h"

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
  using namespace redoubt::wire;
  const redoubt::ByteView bytes = std::as_bytes(std::span(data, size));
  const int readers = taken<SessionHello>(bytes) + taken<SessionEvidence>(bytes) + taken<SessionProof>(bytes) +
                      taken<SessionAccepted>(bytes);
  if (readers > 1) std::abort();
  return 0;
}
