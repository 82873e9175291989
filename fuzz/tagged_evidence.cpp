// Tagged Evidence: what is read and written again is the same bytes, or was not deterministic before and reads the same after.
#include <cstdlib>

#include "common/attest/evidence/cert/tagged_evidence.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const auto read = cert::parse_tagged(std::as_bytes(std::span(data, size)));
  if (!read.ok()) return 0;
  const auto again = cert::parse_tagged(cert::encode_tagged(read->quote, read->claims));
  if (!again.ok() || again->quote != read->quote || again->claims != read->claims) std::abort();
  return 0;
}
