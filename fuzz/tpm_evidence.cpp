// Evidence that decodes encodes to the same bytes; what parses is judged without harm and, with no anchor, never authentic.
#include <cstdlib>

#include "common/attest/evidence/tpm/evidence.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  const auto raw = tpm::RawEvidence::decode(bytes);
  if (raw.ok() && !equal(raw->encode(), bytes)) std::abort();
  const auto parsed = tpm::parse(bytes);
  if (!parsed.ok()) return 0;
  tpm::Inputs inputs;
  const Bytes challenge(32);
  inputs.expected_extra_data = challenge;
  inputs.now = Instant(1796083200);
  const tpm::Outcome outcome = tpm::authenticate(*parsed, inputs);
  if (outcome.authentic || outcome.checks.size() != 15) std::abort();
  return 0;
}
