// An endorsement key's certificate that is read has a product, a kind and a key of its form, whatever was fed.
#include <cstdlib>

#include "common/attest/endorse/amd/chain.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  static_cast<void>(amd::intermediate_name_of(bytes));
  const auto leaf = amd::Leaf::parse(bytes);
  if (!leaf.ok()) return 0;
  const amd::LeafExtensions& said = leaf->extensions;
  if (amd::product_of_name(said.product_name) != said.product || said.kind() != leaf->kind) std::abort();
  if (said.chip_id.has_value() == !said.csp_id.empty() || leaf->key.kind() != crypto::KeyKind::p384) std::abort();
  if (leaf->serial.empty() || leaf->serial.size() > 20) std::abort();
  return 0;
}
