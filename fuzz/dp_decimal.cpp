// Fuzzes the readers of epsilon and delta: any bytes give a number in range that is written as those bytes, or an error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engines/sql/dp/parameters.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt::sql::dp;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto epsilon = Epsilon::parse(text);
  if (epsilon.ok() && epsilon->text() != text) std::abort();
  const auto delta = Delta::parse(text);
  if (delta.ok() && delta->text() != text) std::abort();
  return 0;
}
