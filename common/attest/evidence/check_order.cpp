#include "common/attest/evidence/check_order.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace redoubt::attest {
namespace {

constexpr std::size_t kIds = static_cast<std::size_t>(CheckId::software_tpm) + 1;  // the last one (check.cpp)
constexpr std::size_t kMost = 128;  // more checks than any kind of Evidence has

}  // namespace

void sort_checks(std::span<Check> checks) {
  if (checks.size() > kMost) {
    std::stable_sort(checks.begin(), checks.end(), [](const Check& a, const Check& b) { return a.id < b.id; });
    return;
  }
  std::array<std::uint8_t, kIds> next{};  // the place of the next check of this id
  for (const Check& check : checks) ++next[static_cast<std::size_t>(check.id)];
  std::uint8_t before = 0;
  for (std::uint8_t& count : next) before = static_cast<std::uint8_t>(before + std::exchange(count, before));
  std::array<std::uint8_t, kMost> place;
  for (std::size_t i = 0; i < checks.size(); ++i) place[i] = next[static_cast<std::size_t>(checks[i].id)]++;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    while (place[i] != i) {
      const std::size_t to = place[i];
      std::swap(checks[i], checks[to]);
      std::swap(place[i], place[to]);
    }
  }
}

}  // namespace redoubt::attest
