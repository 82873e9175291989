#include "tests/support/stride.h"

#include <cstdlib>

namespace redoubt::test {
namespace {

// A sanitized program takes some ten times as long; the released one beside it takes the steps between.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kSanitized = 5;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr std::size_t kSanitized = 5;
#else
constexpr std::size_t kSanitized = 1;
#endif
#else
constexpr std::size_t kSanitized = 1;
#endif

}  // namespace

std::size_t stride(std::size_t quick) { return std::getenv("REDOUBT_FULL") != nullptr ? 1 : quick * kSanitized; }

}  // namespace redoubt::test
