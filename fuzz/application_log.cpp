// Logs and events that decode encode to the same bytes.
#include <cstdlib>

#include "common/attest/evidence/tpm/application_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  const auto log = tpm::ApplicationLog::decode(bytes);
  if (log.ok()) {
    if (!equal(log->encode(), bytes)) std::abort();
    (void)log->replay();
  }
  const auto event = tpm::ApplicationEvent::decode(bytes);
  if (event.ok() && !equal(event->encode(), bytes)) std::abort();
  return 0;
}
