#include "tests/support/stride.h"

#include <cstdlib>

#include "tests/support/sanitized.h"

namespace redoubt::test {
namespace {

bool prime(std::size_t number) {
  for (std::size_t by = 2; by * by <= number; ++by) {
    if (number % by == 0) return false;
  }
  return number > 1;
}

}  // namespace

std::size_t stride(std::size_t quick) {
  if (std::getenv("REDOUBT_FULL") != nullptr) return 1;
  if (!kSanitized) return quick;
  std::size_t step = 5 * quick;  // the released program beside it takes the steps between
  while (!prime(step)) ++step;
  return step;
}

}  // namespace redoubt::test
