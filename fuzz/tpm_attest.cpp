// A quote that parses is within its bounds, whatever was fed.
#include <cstdlib>

#include "common/attest/evidence/tpm/structures.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const auto attest = tpm::Attest::parse(std::as_bytes(std::span(data, size)));
  if (attest.ok() && (attest->extra_data.size() > 64 || attest->selections.size() > 8)) std::abort();
  return 0;
}
