// Digest: tells sets of row numbers apart. Row numbers are chosen by nobody, so a digest without a key is enough.
#pragma once

#include <cstddef>
#include <cstdint>

namespace redoubt::sql {

// mix is the finaliser of SplitMix64.
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

struct Digest {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  friend bool operator==(const Digest&, const Digest&) = default;

  // add: of a multiset; in whatever order its members come.
  void add(const Digest& member) {
    first += mix(member.first);
    second += mix(member.second);
  }
  void add_sum(const Digest& sum) {
    first += sum.first;
    second += sum.second;
  }
};

struct DigestHash {
  std::size_t operator()(const Digest& digest) const { return static_cast<std::size_t>(digest.first); }
};

}  // namespace redoubt::sql
