// Where the samplers' random bits come from: BitSource, and its one use in production, bits that follow from keys and digests.
//
// NoiseSeed is HKDF (RFC 5869) over the keys of all datasets that a query touches, the contract, the digests of query and data, and the
// program and rules that answer: another program may compute another sum for the same text, and equal noise would cancel between the two.
// KeyedBits is an AES-256-CTR stream under a key that HKDF expands from the seed for one label. So an instance that restarts, or that
// a host forks, draws the same noise again for the same question, and who lacks one of the dataset keys cannot predict a bit. Each
// noisy value has a label of its own: equal labels are equal noise, which a difference would cancel.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/base/ids.h"
#include "common/base/secret.h"
#include "common/crypto/key_stream.h"

namespace redoubt::sql::dp {

// SHA-256 digests that the caller takes: of the exact text of a query; of one dataset version (its manifest).
using QueryDigest = FixedBytes<struct DpQueryDigestTag, 32>;
using DatasetDigest = FixedBytes<struct DpDatasetDigestTag, 32>;

// BitSource: independent uniform bits. Not thread-safe.
class BitSource {
 public:
  virtual ~BitSource() = default;
  // bits: the next `count` bits, 1 to 64, as a number below 2^count.
  virtual std::uint64_t bits(unsigned count) = 0;
  // below: uniform in 0 to bound - 1, by rejection; a bound of 0 ends the process.
  std::uint64_t below(std::uint64_t bound);
};

class KeyedBits final : public BitSource {
 public:
  explicit KeyedBits(crypto::KeyStream stream) : stream_(std::move(stream)) {}
  // bits: a cipher that fails ends the process: noise that is not there must never be released.
  std::uint64_t bits(unsigned count) override;

 private:
  crypto::KeyStream stream_;
  std::array<std::byte, 256> block_{};
  std::size_t used_ = sizeof(block_);
  std::uint64_t word_ = 0;
  unsigned left_ = 0;  // unused bits of word_
};

// One dataset that the query touches. Borrows the key, which may be of any size from 16 bytes.
struct TouchedDataset {
  DatasetDigest digest;
  const SecretBytes* key;
};

// Program: what computes the sums. Borrows; both are bound by every ballot.
struct Program {
  ByteView measurements;      // the program's digest
  std::string_view rule_set;  // the version of the rules that it enforces
};

class NoiseSeed {
 public:
  // derive: the order of `datasets` does not matter. `usage`: none, the same digest twice, or a key shorter than 16 bytes.
  static Result<NoiseSeed> derive(std::span<const TouchedDataset> datasets, const ContractDigest& contract, const QueryDigest& query,
                                  const Program& program);

  // from_secret: what secret() of another process of the same enclave gave; `usage` unless it has 32 bytes.
  static constexpr std::size_t kSize = 32;
  static Result<NoiseSeed> from_secret(SecretBytes secret);
  const SecretBytes& secret() const { return seed_; }

  // bits: the stream of one label. key: 32 bytes for a keyed hash, apart from every stream.
  Result<KeyedBits> bits(ByteView label) const;
  SecretBytes key(std::string_view label) const;

 private:
  explicit NoiseSeed(SecretBytes seed) : seed_(std::move(seed)) {}
  SecretBytes seed_;
};

}  // namespace redoubt::sql::dp
