// Any document that parses in deterministic order encodes to the same bytes.
#include <cstdlib>

#include "common/base/cbor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  const auto value = cbor::parse(bytes);
  if (value.ok() && !equal(cbor::encode(*value), bytes)) std::abort();
  (void)cbor::parse(bytes, cbor::Order::any);
  return 0;
}
