// A document that parses is judged without harm, shown without harm and, with no root or AWS's, never authentic.
#include <cstdlib>

#include "common/attest/evidence/nitro/evidence.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const auto parsed = nitro::parse(std::as_bytes(std::span(data, size)));
  if (!parsed.ok()) return 0;
  static_cast<void>(json::canonical(nitro::describe(*parsed)));
  const nitro::Outcome outcome = nitro::authenticate(*parsed, {.roots = {&nitro::kAwsRootG1, 1}, .now = Instant(1795000000)});
  if (outcome.authentic || outcome.checks.size() != 2) std::abort();
  return 0;
}
