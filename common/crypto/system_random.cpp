#include "common/crypto/system_random.h"

#include <openssl/rand.h>

#include <cstdlib>
#include <limits>

namespace redoubt::crypto {

void SystemRandom::fill(std::span<std::byte> out) {
  if (out.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) std::abort();
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size())) != 1) std::abort();
}

}  // namespace redoubt::crypto
