// A message that reads is bounded, its slices lie inside of it, and its signed bytes hold its payload; it reads the same without a tree of
// its headers. One of our own kind is one that the general reader takes, and nobody has signed it.
#include <cstdlib>

#include "common/crypto/cose_ed25519.h"
#include "common/crypto/cose_sign1.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  const auto message = crypto::CoseSign1::parse(bytes, crypto::CoseTag::optional);
  const auto without_tree = crypto::CoseMessage::parse(bytes, crypto::CoseTag::optional);
  if (without_tree.ok() != message.ok() || (message.ok() && without_tree->algorithm != message->algorithm)) std::abort();
  const auto header = crypto::unverified_cose_header(bytes);
  if (header.ok() && (!message.ok() || !message->tagged)) std::abort();
  if (header.ok() && crypto::cose_verify(bytes, crypto::Ed25519PublicKey(), header->type).ok()) std::abort();
  if (!message.ok()) return 0;
  if (crypto::CoseSign1::parse(bytes, crypto::CoseTag::required).ok() != message->tagged) std::abort();
  const ByteView payload = message->payload;
  if (!payload.empty() && (payload.data() < bytes.data() || payload.data() + payload.size() > bytes.data() + size)) std::abort();
  const Bytes to_be_signed = message->to_be_signed();
  if (to_be_signed.size() < payload.size() || !equal(ByteView(to_be_signed).last(payload.size()), payload)) std::abort();
  return 0;
}
