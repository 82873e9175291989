// A quote that parses is described and judged without harm: every check is there, and with no anchor it is never authentic.
#include <cstdlib>

#include "common/attest/evidence/dcap/evidence.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  const auto parsed = dcap::parse(bytes);
  if (!parsed.ok()) return 0;
  const json::Value described = dcap::describe(*parsed);
  if (described.object() == nullptr || described.object()->empty()) std::abort();
  dcap::Inputs inputs;
  inputs.roots = {};
  inputs.now = Instant(1781524800);
  const dcap::Outcome outcome = dcap::authenticate(*parsed, inputs);
  if (outcome.authentic || outcome.chain || outcome.checks.size() != 22) std::abort();
  return 0;
}
