// A SubjectPublicKeyInfo of any kind is read without harm and kept as it stood; a signature of any form is answered with ok or
// `chain`. Input: the size of the key in two bytes, the key, the signature.
#include <cstdlib>

#include "common/crypto/public_key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  using namespace redoubt::crypto;
  const ByteView input = std::as_bytes(std::span(data, size));
  if (input.size() < 2) return 0;
  const std::size_t key_size = std::size_t{data[0]} << 8U | data[1];
  if (key_size > input.size() - 2) return 0;
  const ByteView spki = input.subspan(2, key_size);
  const ByteView signature = input.subspan(2 + key_size);
  const auto key = PublicKey::from_spki(spki);
  if (!key.ok()) {
    if (key.error().code() != Code::malformed) std::abort();
    return 0;
  }
  if (!equal(key->spki(), spki)) std::abort();
  for (const SignatureScheme scheme : {SignatureScheme::ecdsa_sha256, SignatureScheme::ecdsa_sha384, SignatureScheme::rsa_pkcs1_sha256,
                                       SignatureScheme::rsa_pss_sha384}) {
    const Status status = key->verify(scheme, as_bytes("message"), signature);
    if (!status.ok() && status.error().code() != Code::chain) std::abort();
    const Status raw = key->verify_raw(scheme, as_bytes("message"), signature);
    if (!raw.ok() && raw.error().code() != Code::chain) std::abort();
  }
  return 0;
}
