// Ranges come from callers: whatever they say, what is given lies within the body, and a range of ours reads as it was written.
#include <cstdlib>

#include "common/net/byte_range.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  for (const std::uint64_t body : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, ~std::uint64_t{0}}) {
    const auto answer = net::parse_range(text, body);
    const auto* const range = std::get_if<net::ByteRange>(&answer);
    if (range == nullptr) continue;
    if (range->size == 0 || range->first >= body || range->size > body - range->first) std::abort();
    const std::string again = "bytes=" + std::to_string(range->first) + "-" + std::to_string(range->first + range->size - 1);
    if (net::parse_range(again, body) != net::RangeAnswer(*range)) std::abort();
  }
  return 0;
}
