// A P-256 key that is read, public (SubjectPublicKeyInfo) or private (PKCS#8), is written again as the same bytes.
#include <cstdlib>

#include "common/crypto/ecdsa_p256.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  using namespace redoubt::crypto;
  const ByteView input = std::as_bytes(std::span(data, size));
  const auto public_key = EcdsaP256PublicKey::from_spki(input);
  if (public_key.ok() && !equal(public_key->spki(), input)) std::abort();
  const SecretBytes der = SecretBytes::copy_of(input);
  const auto private_key = EcdsaP256PrivateKey::from_pkcs8(der);
  if (private_key.ok() && !(private_key->pkcs8() == der)) std::abort();
  return 0;
}
