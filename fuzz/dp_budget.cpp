// Fuzzes the reader of privacy budgets: any bytes give a budget that is not overspent and is written as those bytes, or an error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engines/sql/dp/budget.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt::sql::dp;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto budget = Budget::parse(text);
  if (budget.ok() && budget->canonical() != text) std::abort();
  return 0;
}
