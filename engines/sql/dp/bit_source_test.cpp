// Goal: noise follows from keys and digests and from nothing else. Method: the same inputs repeat the stream in any portions; each
// changed input gives another; below() is uniform and in range; wrong seeds are refused.
#include "engines/sql/dp/bit_source.h"

#include <gtest/gtest.h>

#include "engines/sql/dp/dp_test_fixture.h"

namespace redoubt::sql::dp {
namespace {

struct Inputs {
  std::vector<std::pair<std::uint64_t, std::uint8_t>> datasets{{1, 10}, {2, 20}};  // digest, key
  std::uint64_t contract = 3;
  std::uint64_t query = 4;
  std::uint64_t program = 6;
  std::string rule_set = "rules/1";
  std::string label = "cell";
};

Result<NoiseSeed> derive(const Inputs& inputs, std::vector<SecretBytes>& keys) {
  std::vector<TouchedDataset> datasets;
  for (const auto& [digest, key] : inputs.datasets) keys.push_back(key_from(key));
  for (std::size_t i = 0; i < keys.size(); ++i) datasets.push_back({digest_from<DatasetDigest>(inputs.datasets[i].first), &keys[i]});
  const auto program = digest_from<DatasetDigest>(inputs.program);
  return NoiseSeed::derive(datasets, digest_from<ContractDigest>(inputs.contract), digest_from<QueryDigest>(inputs.query), {program.view(), inputs.rule_set});
}

std::vector<std::uint64_t> stream(const Inputs& inputs) {
  std::vector<SecretBytes> keys;
  const NoiseSeed seed = OrDie(derive(inputs, keys));
  KeyedBits bits = OrDie(seed.bits(as_bytes(inputs.label)));
  std::vector<std::uint64_t> out;
  for (int i = 0; i < 100; ++i) out.push_back(bits.bits(64));
  return out;
}

TEST(NoiseSeed, RepeatsForEqualInputsInAnyOrderOfDatasets) {
  Inputs swapped;
  std::swap(swapped.datasets[0], swapped.datasets[1]);
  EXPECT_EQ(stream(Inputs()), stream(Inputs()));
  EXPECT_EQ(stream(Inputs()), stream(swapped));
}

TEST(NoiseSeed, DiffersForEachChangedInput) {
  const std::vector<std::uint64_t> original = stream(Inputs());
  const auto differs = [&](auto change, const char* what) {
    Inputs inputs;
    change(inputs);
    const std::vector<std::uint64_t> other = stream(inputs);
    for (std::size_t i = 0; i < other.size(); ++i) EXPECT_NE(other[i], original[i]) << what;
  };
  differs([](Inputs& i) { i.contract = 5; }, "contract");
  differs([](Inputs& i) { i.query = 5; }, "query");
  differs([](Inputs& i) { i.program = 5; }, "program");
  differs([](Inputs& i) { i.rule_set = "rules/2"; }, "rule set");
  differs([](Inputs& i) { i.label = "cell "; }, "label");
  differs([](Inputs& i) { i.datasets[0].first = 9; }, "first dataset version");
  differs([](Inputs& i) { i.datasets[1].first = 9; }, "second dataset version");
  differs([](Inputs& i) { i.datasets[0].second = 9; }, "first key");
  differs([](Inputs& i) { i.datasets[1].second = 9; }, "second key");
  differs([](Inputs& i) { std::swap(i.datasets[0].second, i.datasets[1].second); }, "keys exchanged");
  differs([](Inputs& i) { i.datasets.pop_back(); }, "a dataset less");
  differs([](Inputs& i) { i.datasets.emplace_back(3, 30); }, "a dataset more");
}

TEST(NoiseSeed, RefusesNoDatasetTheSameTwiceAndShortKeys) {
  std::vector<SecretBytes> keys;
  Inputs inputs;
  inputs.datasets.clear();
  const auto none = derive(inputs, keys);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code(), Code::usage);

  inputs.datasets = {{1, 10}, {1, 20}};
  const auto twice = derive(inputs, keys);
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().code(), Code::usage);

  const SecretBytes brief(15);
  const std::vector<TouchedDataset> datasets{{digest_from<DatasetDigest>(1), &brief}};
  const auto weak = NoiseSeed::derive(datasets, digest_from<ContractDigest>(1), digest_from<QueryDigest>(1), {});
  ASSERT_FALSE(weak.ok());
  EXPECT_EQ(weak.error().code(), Code::usage);
}

TEST(NoiseSeed, GivesKeysApartFromStreams) {
  const NoiseSeed seed = seed_from(1);
  EXPECT_EQ(seed.key("a"), seed.key("a"));
  EXPECT_FALSE(seed.key("a") == seed.key("b"));
  KeyedBits bits = OrDie(seed.bits(as_bytes("a")));
  std::uint64_t first = 0;
  const SecretBytes key = seed.key("a");
  for (int i = 0; i < 8; ++i) first = first << 8 | std::to_integer<std::uint64_t>(key.reveal()[static_cast<std::size_t>(i)]);
  EXPECT_NE(bits.bits(64), first);
}

TEST(KeyedBits, AreTheSameBitsInAnyPortions) {
  KeyedBits one = bits_from(1);
  KeyedBits many = bits_from(1);
  for (int round = 0; round < 200; ++round) {
    std::uint64_t joined = 0;
    unsigned left = 64;
    for (unsigned size = 1; left > 0; size = size % 13 + 1) {
      const unsigned take = std::min(size, left);
      joined = joined << take | many.bits(take);
      left -= take;
    }
    EXPECT_EQ(one.bits(64), joined) << round;
  }
}

TEST(KeyedBits, DrawUniformlyBelowABound) {
  for (const std::uint64_t bound : {1U, 2U, 3U, 7U, 64U, 100U}) {
    KeyedBits source = bits_from(bound);
    std::map<std::int64_t, std::uint64_t> counts;
    std::map<std::int64_t, double> probabilities;
    for (std::uint64_t i = 0; i < bound; ++i) probabilities[static_cast<std::int64_t>(i)] = 1.0 / static_cast<double>(bound);
    for (int i = 0; i < 50'000; ++i) {
      const std::uint64_t value = source.below(bound);
      ASSERT_LT(value, bound);
      counts[static_cast<std::int64_t>(value)] += 1;
    }
    unsigned degrees = 0;
    const double chi = chi_square(counts, probabilities, 50'000, &degrees);
    EXPECT_LT(chi, degrees + 5 * std::sqrt(2.0 * degrees) + 5) << bound;
  }
  KeyedBits source = bits_from(9);
  std::uint64_t seen = 0;
  for (int i = 0; i < 100; ++i) seen |= source.below(UINT64_MAX);
  EXPECT_EQ(seen, UINT64_MAX);
}

}  // namespace
}  // namespace redoubt::sql::dp
