// Key sets: every key that is read has a name of its own and a SubjectPublicKeyInfo that is read again as the same key.
#include <cstdlib>

#include "common/crypto/jwt.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const auto keys = crypto::parse_jwk_set(as_text(std::as_bytes(std::span(data, size))));
  if (!keys.ok()) return 0;
  for (const crypto::Jwk& jwk : *keys) {
    if (std::ranges::count(*keys, jwk.key_id, &crypto::Jwk::key_id) != 1) std::abort();
    if (!crypto::PublicKey::from_spki(jwk.key.spki()).ok()) std::abort();
  }
  return 0;
}
