// A header that is read is the one spelling; a token that verifies is, byte for byte, the one that we would sign.
#include <cstdlib>

#include "common/crypto/jws.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  using namespace redoubt::crypto;
  static const Ed25519PrivateKey kKey =
      Ed25519PrivateKey::from_seed(SecretBytes::copy_of(Bytes(32, std::byte{1}))).value();
  const std::string_view token = as_text(std::as_bytes(std::span(data, size)));
  const auto header = unverified_jws_header(token);
  if (!header.ok()) return 0;
  const std::string again = jws_sign(kKey, *header, {}).value();
  const std::string_view spelled = std::string_view(again).substr(0, again.find('.'));
  if (token.substr(0, token.find('.')) != spelled) std::abort();
  const auto payload = jws_verify(token, kKey.public_key(), header->type);
  if (payload.ok() && jws_sign(kKey, *header, *payload).value() != token) std::abort();
  return 0;
}
