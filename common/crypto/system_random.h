// SystemRandom: OpenSSL's generator, seeded by the operating system. Made in bin/ and in test support, passed as Random&
// everywhere else. Thread-safe.
#pragma once

#include "common/crypto/random.h"

namespace redoubt::crypto {

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override;
};

}  // namespace redoubt::crypto
