// An enrolment that decodes encodes to the same bytes.
#include <cstdlib>

#include "common/attest/evidence/tpm/enrolment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  const auto enrolment = tpm::AkEnrolment::decode(bytes);
  if (!enrolment.ok()) return 0;
  if (!equal(enrolment->encode(), bytes)) std::abort();
  (void)enrolment->verify();
  return 0;
}
