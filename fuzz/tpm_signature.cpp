// Signatures of any form are read without harm.
#include "common/attest/evidence/tpm/structures.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  (void)tpm::Signature::parse(std::as_bytes(std::span(data, size)));
  return 0;
}
