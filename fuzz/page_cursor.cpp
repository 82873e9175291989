// Cursors come back from callers: any text gives a place in the list or `malformed`, and a cursor of ours reads as it was made.
#include <cstdlib>
#include <span>

#include "common/base/bytes.h"
#include "untrusted/hub/store/cursor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const std::string text(as_text(std::as_bytes(std::span(data, size))));
  const auto start = hub::page_start({text, 1}, "queries of env");
  if (start.ok() && !text.empty() && hub::make_cursor("queries of env", *start) != text) std::abort();
  return 0;
}
