#include "tests/support/stride.h"

#include <cstdlib>

namespace redoubt::test {

std::size_t stride(std::size_t quick) { return std::getenv("REDOUBT_FULL") != nullptr ? 1 : quick; }

}  // namespace redoubt::test
