#include "tests/support/stride.h"

#include <cstdlib>

#include "tests/support/sanitized.h"

namespace redoubt::test {

std::size_t stride(std::size_t quick) {
  if (std::getenv("REDOUBT_FULL") != nullptr) return 1;
  // The released program beside it takes the steps between.
  return kSanitized && quick == 1 ? 5 : quick;
}

}  // namespace redoubt::test
