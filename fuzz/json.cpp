// Any text that parses has one canonical form, which parses to the same value.
#include <cstdlib>

#include "common/base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const auto value = json::parse(as_text(std::as_bytes(std::span(data, size))));
  if (!value.ok()) return 0;
  const std::string text = json::canonical(*value);
  const auto again = json::parse(text);
  if (!again.ok() || json::canonical(*again) != text) std::abort();
  return 0;
}
