// A public area that parses names itself by all of its bytes; one that is the EK template has an RSA key.
#include <cstdlib>

#include "common/attest/evidence/tpm/structures.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  const auto key = tpm::Public::parse(bytes);
  if (key.ok()) {
    if (!equal(key->name.view().last(32), crypto::sha256(bytes).view())) std::abort();
    if (tpm::ek_template_matches(*key) && key->rsa() == nullptr) std::abort();
  }
  (void)tpm::unwrap_sized(bytes, "fuzz");
  return 0;
}
