// Random: where unpredictable bytes come from, as a parameter. Rooms below bin/ never choose their own source.
#pragma once

#include "common/base/bytes.h"
#include "common/base/secret.h"

namespace redoubt::crypto {

class Random {
 public:
  virtual ~Random() = default;
  // fill overwrites all of `out` with unpredictable bytes; a source that cannot ends the process.
  virtual void fill(std::span<std::byte> out) = 0;

  // fixed draws a FixedBytes type (a nonce, a challenge, a salt).
  template <class F>
  F fixed() {
    F out;
    fill(out.array());
    return out;
  }
  SecretBytes secret(std::size_t size) {
    SecretBytes out(size);
    fill(out.writable());
    return out;
  }
};

}  // namespace redoubt::crypto
