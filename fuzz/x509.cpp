// Certificates of any form are read without harm; one that parses holds exactly the bytes it was read from, and leads to no anchor
// when none is named.
#include <cstdlib>

#include "common/crypto/x509.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  (void)crypto::Certificate::parse_pem_bundle(as_text(bytes));
  const auto certificate = crypto::Certificate::parse_der(bytes);
  if (!certificate.ok()) return 0;
  if (!equal(certificate->der(), bytes)) std::abort();
  (void)certificate->has_extended_usage("2.23.133.8.1");
  if (crypto::verify_chain(*certificate, {}, {}, Instant(1796083200)).ok()) std::abort();
  return 0;
}
