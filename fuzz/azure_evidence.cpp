// Composites that decode encode to the same bytes; what parses is judged without harm and, with no authentic report, never authentic.
#include <cstdlib>

#include "common/attest/evidence/azure/evidence.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  const auto raw = azure::RawComposite::decode(bytes);
  if (raw.ok() && !equal(raw->encode(), bytes)) std::abort();
  const auto parsed = azure::parse(bytes);
  if (!parsed.ok()) return 0;
  (void)azure::describe(*parsed);
  if (azure::unverified_parts(*parsed).report_data.size() != 64) std::abort();
  azure::Inputs inputs;
  inputs.expected_extra_data = Bytes(32);
  inputs.now = Instant(1796083200);
  const azure::Outcome outcome = azure::authenticate(*parsed, inputs);
  if (outcome.authentic || outcome.graph.chained() || outcome.checks.size() != 7) std::abort();
  return 0;
}
