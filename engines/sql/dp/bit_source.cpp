#include "engines/sql/dp/bit_source.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <vector>

#include "common/crypto/digest.h"

namespace redoubt::sql::dp {

std::uint64_t BitSource::below(std::uint64_t bound) {
  if (bound == 0) std::abort();
  if (bound == 1) return 0;
  const unsigned width = static_cast<unsigned>(std::bit_width(bound - 1));
  for (;;) {
    const std::uint64_t value = bits(width);
    if (value < bound) return value;
  }
}

std::uint64_t KeyedBits::bits(unsigned count) {
  if (count == 0 || count > 64) std::abort();
  std::uint64_t out = 0;
  while (count > 0) {
    if (left_ == 0) {
      if (used_ == block_.size()) {
        if (!stream_.fill(block_).ok()) std::abort();
        used_ = 0;
      }
      word_ = 0;
      for (unsigned i = 0; i < 8; ++i) word_ = word_ << 8 | std::to_integer<std::uint64_t>(block_[used_ + i]);
      used_ += 8;
      left_ = 64;
    }
    const unsigned take = std::min(count, left_);
    const std::uint64_t piece = take == 64 ? word_ : (word_ >> (left_ - take)) & ((std::uint64_t{1} << take) - 1);
    out = take == 64 ? piece : out << take | piece;
    left_ -= take;
    count -= take;
  }
  return out;
}

Result<NoiseSeed> NoiseSeed::derive(std::span<const TouchedDataset> datasets, const ContractDigest& contract,
                                    const QueryDigest& query, const Program& program) {
  std::vector<TouchedDataset> sorted(datasets.begin(), datasets.end());
  std::ranges::sort(sorted, {}, &TouchedDataset::digest);
  if (sorted.empty()) return Error(Code::usage, "seed of noise: no dataset");
  Fields context("redoubt/dp-noise/2");
  context.field(contract.view()).field(query.view()).field(program.measurements).text(program.rule_set).number(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0 && sorted[i].digest == sorted[i - 1].digest) return Error(Code::usage, "seed of noise: a dataset stands twice");
    if (sorted[i].key->size() < 16) return Error(Code::usage, "seed of noise: a dataset key below 16 bytes");
    context.field(sorted[i].digest.view());
  }
  // Each extraction takes the last result as salt, so the seed is unpredictable to whoever lacks any one of the keys.
  SecretBytes seed = SecretBytes::copy_of(crypto::sha256(context.view()).view());
  for (const TouchedDataset& dataset : sorted) seed = crypto::hkdf_extract(seed.reveal(), dataset.key->reveal());
  return NoiseSeed(std::move(seed));
}

Result<NoiseSeed> NoiseSeed::from_secret(SecretBytes secret) {
  if (secret.size() != kSize) return Error(Code::usage, "seed of noise: expected 32 bytes");
  return NoiseSeed(std::move(secret));
}

Result<KeyedBits> NoiseSeed::bits(ByteView label) const {
  const Fields info = Fields("redoubt/dp-noise-stream/1").field(label);
  REDOUBT_TRY(crypto::KeyStream stream,
              crypto::KeyStream::from_key(crypto::hkdf_expand(seed_.reveal(), info.view(), crypto::KeyStream::kKeySize)));
  return KeyedBits(std::move(stream));
}

SecretBytes NoiseSeed::key(std::string_view label) const {
  return crypto::hkdf_expand(seed_.reveal(), Fields("redoubt/dp-key/1").text(label).view(), 32);
}

}  // namespace redoubt::sql::dp
