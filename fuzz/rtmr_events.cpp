// A list of RTMR events that parses can be judged; with no quoted register equal to what it replays to it is never authentic.
#include <cstdlib>

#include "common/attest/evidence/eventlog/rtmr_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const auto outcome = eventlog::authenticate_dstack(as_text(std::as_bytes(std::span(data, size))), {});
  if (outcome.authentic || outcome.checks.size() != 6) std::abort();
  return 0;
}
