// Seeds, digests and statistics that the tests of this room share.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "engines/sql/dp/bit_source.h"
#include "engines/sql/dp/parameters.h"
#include "tests/support/expect.h"

namespace redoubt::sql::dp {

template <class D>
D digest_from(std::uint64_t number) {
  D out;
  for (unsigned i = 0; i < 8; ++i) out.array()[31 - i] = static_cast<std::byte>(number >> (8 * i));
  return out;
}

inline SecretBytes key_from(std::uint8_t fill) { return SecretBytes::copy_of(Bytes(32, std::byte{fill})); }

// seed_from: the seed of query `number` over one dataset.
inline NoiseSeed seed_from(std::uint64_t number, std::uint64_t data = 1) {
  static const SecretBytes key = key_from(7);
  const std::vector<TouchedDataset> datasets{{digest_from<DatasetDigest>(data), &key}};
  return OrDie(NoiseSeed::derive(datasets, digest_from<ContractDigest>(2), digest_from<QueryDigest>(number), {}));
}

inline KeyedBits bits_from(std::uint64_t number) { return OrDie(seed_from(number).bits(as_bytes("test"))); }

inline Scale scale(std::uint64_t numerator, std::uint64_t denominator) { return OrDie(Scale::make(numerator, denominator)); }

// chi_square of counted draws against probabilities; cells that expect fewer than 5 draws are put together.
inline double chi_square(const std::map<std::int64_t, std::uint64_t>& counts, const std::map<std::int64_t, double>& probabilities,
                         std::uint64_t draws, unsigned* degrees) {
  double sum = 0;
  double rest_expected = static_cast<double>(draws);
  double rest_found = static_cast<double>(draws);
  *degrees = 0;
  for (const auto& [value, probability] : probabilities) {
    const double expected = probability * static_cast<double>(draws);
    if (expected < 5) continue;
    const auto at = counts.find(value);
    const double found = at == counts.end() ? 0 : static_cast<double>(at->second);
    sum += (found - expected) * (found - expected) / expected;
    rest_expected -= expected;
    rest_found -= found;
    *degrees += 1;
  }
  if (rest_expected < 1) return sum + (rest_found > 20 ? 1e9 : 0);
  return sum + (rest_found - rest_expected) * (rest_found - rest_expected) / rest_expected;
}

}  // namespace redoubt::sql::dp
