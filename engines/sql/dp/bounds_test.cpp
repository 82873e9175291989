// Goal: whatever one unit holds, it moves no quantity further than its bound, and what stays of it depends on its own data only. Method:
// extreme rows and moments; units with too many rows and groups; the rest of the table changed around them; thresholds against the
// exact tail of the noise.
#include "engines/sql/dp/bounds.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engines/sql/dp/dp_test_fixture.h"
#include "engines/sql/dp/threshold.h"

namespace redoubt::sql::dp {
namespace {

const Measure kAge = OrDie(Measure::make(0, 120, 0));
constexpr Limits kSmall{.groups = 2, .rows = 3, .min_units = 10};
const std::vector<std::string> kTwoKeys{"a", "b"};

std::vector<Contribution> bound(std::vector<Contribution> given, std::vector<std::string> keys, const Limits& limits, std::uint64_t seed = 1) {
  const std::vector<Measure> measures{kAge};
  return OrDie(bound_groups(std::move(given), keys, measures, limits, seed_from(seed)));
}

TEST(Measure, ClipsAndMeasuresFromItsCentre) {
  const Measure odd = OrDie(Measure::make(-3, 4, 0));
  EXPECT_EQ(odd.centre(), 0);
  EXPECT_EQ(odd.half_width(), 4);
  EXPECT_EQ(odd.clip(INT64_MIN), -3);
  EXPECT_EQ(odd.clip(INT64_MAX), 4);
  EXPECT_EQ(odd.clip(2), 2);
  const std::vector<std::optional<std::int64_t>> values{INT64_MAX, std::nullopt, INT64_MIN, 1};
  EXPECT_EQ(moments_of(odd, values), (Moments{3, 2, 2, 26}));
  for (const auto& [low, high] : {std::pair{-7, -3}, std::pair{-8, 3}, std::pair{5, 5}, std::pair{0, 1}}) {
    const Measure m = OrDie(Measure::make(low, high, 0));
    EXPECT_LE(m.centre() - m.low(), m.half_width());
    EXPECT_LE(m.high() - m.centre(), m.half_width());
    EXPECT_GE(m.centre(), m.low());
  }
  EXPECT_EQ(Measure::make(1, 0, 0).error().code(), Code::usage);
  EXPECT_EQ(Measure::make(0, Measure::kMaxValue + 1, 0).error().code(), Code::usage);
  EXPECT_EQ(Measure::make(-Measure::kMaxValue - 1, 0, 0).error().code(), Code::usage);
  EXPECT_EQ(Measure::make(INT64_MIN, INT64_MAX, 0).error().code(), Code::usage);
  EXPECT_EQ(Measure::make(0, 1, 13).error().code(), Code::usage);
  EXPECT_EQ(Measure::make(0, 1, -13).error().code(), Code::usage);
}

TEST(BoundRows, SumsFewRowsAndDrawsFromMany) {
  const std::vector<Measure> measures{kAge};
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 10; ++i) rows.push_back({1, 0, {i}});
  rows.push_back({1, 1, {50}});
  rows.push_back({2, 0, {std::nullopt}});
  rows.push_back({2, 0, {200}});
  const auto sums = OrDie(bound_rows(rows, kTwoKeys, measures, kSmall, seed_from(1)));
  ASSERT_EQ(sums.size(), 3U);
  EXPECT_EQ(sums[0].rows, 3);
  EXPECT_EQ(sums[0].moments[0].count, 3);
  EXPECT_EQ(sums[1], (Contribution{1, 1, 1, {Moments{1, 50, -10, 100}}}));
  EXPECT_EQ(sums[2], (Contribution{2, 0, 2, {Moments{1, 120, 60, 3600}}}));
  // The draw is of the unit's own rows: their order and other units do not matter, another seed does.
  std::vector<Row> changed(rows.rbegin(), rows.rend());
  for (std::int64_t i = 0; i < 100; ++i) changed.push_back({static_cast<std::uint64_t>(3 + i), 0, {i}});
  EXPECT_EQ(OrDie(bound_rows(changed, kTwoKeys, measures, kSmall, seed_from(1)))[0], sums[0]);
  std::map<std::int64_t, int> drawn;
  for (std::uint64_t seed = 0; seed < 500; ++seed) drawn[OrDie(bound_rows(rows, kTwoKeys, measures, kSmall, seed_from(seed)))[0].moments[0].sum] += 1;
  EXPECT_GT(drawn.size(), 15U);
  EXPECT_GE(drawn.begin()->first, 0 + 1 + 2);
  EXPECT_LE(drawn.rbegin()->first, 7 + 8 + 9);
  // Nor does the place of its group among all groups.
  std::vector<Row> moved = rows;
  for (Row& row : moved) row.group = 1 - row.group;
  const std::vector<std::string> swapped{"b", "a"};
  EXPECT_EQ(OrDie(bound_rows(moved, swapped, measures, kSmall, seed_from(1)))[1].moments[0], sums[0].moments[0]);
  std::vector<Row> nowhere{{1, 2, {1}}};
  EXPECT_EQ(bound_rows(nowhere, kTwoKeys, measures, kSmall, seed_from(1)).error().code(), Code::usage);
  rows.push_back({1, 0, {1, 2}});
  EXPECT_EQ(bound_rows(rows, kTwoKeys, measures, kSmall, seed_from(1)).error().code(), Code::usage);
}

TEST(BoundRows, DrawsEachRowEquallyOften) {
  const std::vector<Measure> measures{kAge};
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 6; ++i) rows.push_back({1, 0, {std::int64_t{1} << i}});
  std::map<std::int64_t, std::uint64_t> counts;
  std::map<std::int64_t, double> probabilities;
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    const auto sums = OrDie(bound_rows(rows, kTwoKeys, measures, Limits{8, 1, 10}, seed_from(seed)));
    counts[sums[0].moments[0].sum] += 1;
  }
  for (std::int64_t i = 0; i < 6; ++i) probabilities[std::int64_t{1} << i] = 1.0 / 6;
  unsigned degrees = 0;
  EXPECT_LT(chi_square(counts, probabilities, 6000, &degrees), 25);
  EXPECT_EQ(degrees, 6U);
}

TEST(BoundGroups, KeepsFewGroupsAndChoosesByAHashOfTheUnitsOwnKeys) {
  std::vector<std::string> keys{"a", "b", "c", "d", "e"};
  std::vector<Contribution> given;
  for (std::uint32_t g = 0; g < 5; ++g) given.push_back({7, g, 1, {Moments{1, g, 0, 0}}});
  given.push_back({8, 4, 1, {Moments{1, 9, 0, 0}}});
  const auto kept = bound(given, keys, kSmall);
  ASSERT_EQ(kept.size(), 3U);
  EXPECT_EQ(kept[2].unit, 8U);
  // The same groups stay when the list of groups is numbered otherwise and other units come and go.
  std::vector<std::string> renumbered{"x", "e", "d", "c", "b", "a"};
  std::vector<Contribution> changed;
  for (std::uint32_t g = 0; g < 5; ++g) changed.push_back({7, 5 - g, 1, {Moments{1, g, 0, 0}}});
  for (std::uint64_t u = 100; u < 120; ++u) changed.push_back({u, 0, 1, {Moments{}}});
  const auto kept_again = bound(changed, renumbered, kSmall);
  std::set<std::int64_t> before{kept[0].moments[0].sum, kept[1].moments[0].sum};
  std::set<std::int64_t> after{kept_again[0].moments[0].sum, kept_again[1].moments[0].sum};
  EXPECT_EQ(before, after);
  std::set<std::set<std::int64_t>> choices;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto other = bound(given, keys, kSmall, seed);
    choices.insert({other[0].moments[0].sum, other[1].moments[0].sum});
  }
  EXPECT_EQ(choices.size(), 10U);  // every pair of five
}

TEST(BoundGroups, ClampsMomentsThatNoBoundedRowsCouldHave) {
  for (const std::int64_t extreme : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    const auto kept = bound({{1, 0, extreme, {Moments{extreme, extreme, extreme, extreme}}}}, {"a"}, kSmall);
    ASSERT_EQ(kept.size(), 1U);
    const Moments expected = extreme > 0 ? Moments{3, 360, 180, 3 * 3600} : Moments{0, 0, -180, 0};
    EXPECT_EQ(kept[0].moments[0], expected);
    EXPECT_EQ(kept[0].rows, extreme > 0 ? 3 : 0);
  }
}

TEST(BoundGroups, RefusesContributionsThatCannotBe) {
  const std::vector<Measure> measures{kAge};
  const std::vector<std::string> keys{"a"};
  const auto code = [&](std::vector<Contribution> given, Limits limits = kSmall) {
    const auto result = bound_groups(std::move(given), keys, measures, limits, seed_from(1));
    return result.ok() ? Code::internal : result.error().code();
  };
  EXPECT_EQ(code({{1, 0, 1, {Moments{}}}, {1, 0, 1, {Moments{}}}}), Code::usage);
  EXPECT_EQ(code({{1, 1, 1, {Moments{}}}}), Code::usage);
  EXPECT_EQ(code({{1, 0, 1, {}}}), Code::usage);
  EXPECT_EQ(code({{1, 0, 1, {Moments{}, Moments{}}}}), Code::usage);
  EXPECT_EQ(code({}, Limits{0, 50, 10}), Code::usage);
  EXPECT_EQ(code({}, Limits{1025, 50, 10}), Code::usage);
  EXPECT_EQ(code({}, Limits{8, 0, 10}), Code::usage);
  EXPECT_EQ(code({}, Limits{8, 65537, 10}), Code::usage);
  EXPECT_EQ(code({}, Limits{8, 50, 0}), Code::usage);
  EXPECT_EQ(code({}, Limits{8, 50, (1U << 20) + 1}), Code::usage);
}

// tail: P[z >= least] of discrete Gaussian noise, summed.
long double tail(long double sigma, std::int64_t least) {
  long double all = 0;
  long double above = 0;
  for (std::int64_t z = -2000; z <= 2000; ++z) {
    const long double p = std::exp(-static_cast<long double>(z * z) / (2 * sigma * sigma));
    all += p;
    if (z >= least) above += p;
  }
  return above / all;
}

TEST(Threshold, LeavesLessThanDeltaToAGroupThatOneUnitLiftsOverTheMinimum) {
  for (const Scale& sigma : {scale(1, 1), scale(64 * 5 + 7, 64), scale(60, 1)}) {
    for (const char* delta_text : {"0.1", "0.001", "0.0000005"}) {
      for (const std::uint32_t groups : {1U, 8U}) {
        const Delta delta = OrDie(Delta::parse(delta_text));
        const Threshold threshold = OrDie(Threshold::make(Limits{groups, 50, 10}, sigma, delta));
        const long double s = static_cast<long double>(sigma.numerator()) / static_cast<long double>(sigma.denominator());
        const long double share = static_cast<long double>(delta.units()) / 1e18L / groups;
        EXPECT_LE(tail(s, threshold.tau() - 10), share);
        EXPECT_LE(static_cast<long double>(threshold.tau()), 10 + s * std::sqrt(2 * std::log(1 / share)) + 1.001L);
        EXPECT_FALSE(threshold.passes(9, threshold.tau() + 1000));
        EXPECT_FALSE(threshold.passes(1000, threshold.tau() - 1));
        EXPECT_TRUE(threshold.passes(10, threshold.tau()));
      }
    }
  }
  EXPECT_EQ(Threshold::make(Limits{0, 50, 10}, scale(1, 1), OrDie(Delta::parse("0.1"))).error().code(), Code::usage);
  const Scale large = scale((std::uint64_t{1} << 56) - 1, 1);
  EXPECT_OK(Threshold::make(Limits{1024, 50, 1U << 20}, large, OrDie(Delta::parse("0.000000000000000001"))));
}

}  // namespace
}  // namespace redoubt::sql::dp
