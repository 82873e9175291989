// Arbitrary bytes as an HPKE message: parsed and written again they are the same; opened they give an error or a plaintext
// of the size that the message has.
#include <cstdlib>

#include "common/crypto/hpke.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  using namespace redoubt::crypto;
  static const HpkePrivateKey kKey = HpkePrivateKey::derive(SecretBytes::copy_of(Bytes(32, std::byte{1}))).value();
  const ByteView input = std::as_bytes(std::span(data, size));
  const auto message = HpkeMessage::parse(input);
  if (!message.ok()) return 0;
  if (!equal(message->bytes(), input)) std::abort();
  const auto plaintext = hpke_open(kKey, *message, as_bytes("info"), as_bytes("aad"));
  const auto secret = hpke_open_secret(kKey, *message, as_bytes("info"), as_bytes("aad"));
  if (plaintext.ok() != secret.ok()) std::abort();
  if (plaintext.ok() && plaintext->size() + kHpkeOverhead != size) std::abort();
  return 0;
}
