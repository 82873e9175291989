// FixedRandom: bytes that are the same in every run. It gives `first` byte by byte, then an endless SHA-256 counter
// stream over `seed`. For tests and recorded fixtures only: nothing that it gives is secret.
#pragma once

#include "common/base/writer.h"
#include "common/crypto/digest.h"
#include "common/crypto/random.h"

namespace redoubt::test {

class FixedRandom final : public crypto::Random {
 public:
  explicit FixedRandom(std::uint64_t seed) : seed_(seed) {}
  explicit FixedRandom(Bytes first, std::uint64_t seed = 0) : seed_(seed), pool_(std::move(first)) {}

  void fill(std::span<std::byte> out) override {
    for (std::byte& byte : out) {
      if (at_ == pool_.size()) {
        pool_ = to_bytes(crypto::sha256(Fields("redoubt/test/random").number(seed_).number(counter_++).view()).view());
        at_ = 0;
      }
      byte = pool_[at_++];
    }
  }

 private:
  std::uint64_t seed_;
  std::uint64_t counter_ = 0;
  Bytes pool_;
  std::size_t at_ = 0;
};

}  // namespace redoubt::test
