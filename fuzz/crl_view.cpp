// A revocation list of any form is read without harm; a list with no entry revokes nothing.
#include <cstdlib>

#include "common/crypto/certificate_view.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  const auto list = crypto::CrlView::parse(bytes);
  if (!list.ok()) return 0;
  if (!equal(list->der, bytes)) std::abort();
  bool revoked = false;
  for (std::size_t i = 0; i < bytes.size() && i < 256; ++i) revoked = list->revokes(bytes.subspan(i, 1)) || revoked;
  if (revoked && list->revoked_count == 0) std::abort();
  return 0;
}
