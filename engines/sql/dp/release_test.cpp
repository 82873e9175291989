// Goal: a released block is the noisy table that its plan says, repeats bit by bit, and changes with each input. Method: small tables with
// tiny scales of noise (large epsilon) so that answers are near the truth; every input changed in turn; numbers at their limits.
#include "engines/sql/dp/release.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engines/sql/dp/dp_test_fixture.h"

namespace redoubt::sql::dp {
namespace {

constexpr std::size_t kMeasure = 0;

NoisePlan::Query query(std::vector<Cell> cells, bool keyed = true, const char* epsilon = "64") {
  return {{OrDie(Measure::make(0, 1200, -1))}, std::move(cells), Limits{keyed ? 2U : 1U, 2, 5}, keyed,
          OrDie(Epsilon::parse(epsilon)), OrDie(Delta::parse("0.000001"))};
}

std::vector<Cell> all_cells() {
  return {{Statistic::count_units, std::nullopt}, {Statistic::count_rows, std::nullopt}, {Statistic::count_units, kMeasure},
          {Statistic::count_rows, kMeasure},      {Statistic::sum, kMeasure},            {Statistic::avg, kMeasure},
          {Statistic::var_pop, kMeasure},         {Statistic::var_samp, kMeasure},       {Statistic::stddev_pop, kMeasure},
          {Statistic::stddev_samp, kMeasure}};
}

// people: `count` units in group `group`, each with one row of 30.0 or 50.0 in turn.
std::vector<Contribution> people(std::uint64_t first, std::uint64_t count, std::uint32_t group) {
  std::vector<Contribution> out;
  for (std::uint64_t u = first; u < first + count; ++u) {
    const std::int64_t value = u % 2 == 0 ? 300 : 500;
    out.push_back({u, group, 1, {Moments{1, value, value - 600, (value - 600) * (value - 600)}}});
  }
  return out;
}

std::vector<Contribution> two_groups() {
  std::vector<Contribution> out = people(0, 4000, 0);
  const auto more = people(10'000, 4, 1);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

const std::vector<std::string> kPlaceNames{"north", "south"};

double number(const Scaled& value) { return static_cast<double>(value.value) * std::pow(10.0, value.exponent); }

TEST(Release, IsNearTheTruthForALargeEpsilonAndDropsASmallGroup) {
  const NoisePlan plan = OrDie(NoisePlan::make(query(all_cells())));
  const NoisyTable table = OrDie(release(plan, seed_from(1), kPlaceNames, two_groups()));
  ASSERT_EQ(table.rows.size(), 1U);
  const auto& row = table.rows[0];
  EXPECT_EQ(row.group_key, "north");
  for (const std::size_t count : {0U, 1U, 2U, 3U}) EXPECT_NEAR(number(row.cells[count]), 4000, 20);
  EXPECT_NEAR(number(row.cells[4]), 160'000, 2500);
  EXPECT_NEAR(number(row.cells[5]), 40, 1);
  EXPECT_NEAR(number(row.cells[6]), 100, 40);
  EXPECT_NEAR(number(row.cells[8]), 10, 2);
  EXPECT_EQ(row.cells[5].exponent, -5);
  EXPECT_EQ(row.cells[6].exponent, -6);
  EXPECT_GT(row.cells[7].value, row.cells[6].value);
  EXPECT_GE(row.cells[9].value, row.cells[8].value);
  const double of_variance = std::sqrt(static_cast<double>(row.cells[6].value) * 1e4);
  EXPECT_NEAR(static_cast<double>(row.cells[8].value), of_variance, 2) << "the deviation belongs to the variance beside it";
}

TEST(Release, StatesHowTheLossWasSpent) {
  const NoisePlan plan = OrDie(NoisePlan::make(query(all_cells(), true, "1")));
  const NoisyTable table = OrDie(release(plan, seed_from(1), kPlaceNames, two_groups()));
  std::vector<std::string> names;
  std::uint64_t sum = 0;
  for (const Quantity& q : table.split) {
    names.push_back(q.name());
    sum += q.rho.units;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"units", "rows", "units of 0", "rows of 0", "sum of 0", "centred sum of 0", "centred squares of 0"}));
  EXPECT_EQ(table.loss.rho.units, sum);
  EXPECT_EQ(table.loss.delta, 500'000'000'000U);
  EXPECT_LE(sum, OrDie(rho_for(OrDie(Epsilon::parse("1")), OrDie(Delta::parse("0.0000005")))).units);
  const std::vector<std::uint64_t> bounds{1, 2, 1, 2, 2400, 1200, 720'000};
  for (std::size_t i = 0; i < bounds.size(); ++i) EXPECT_EQ(table.split[i].bound, bounds[i]) << names[i];
}

TEST(Release, SharesAQuantityBetweenCells) {
  EXPECT_EQ(OrDie(NoisePlan::make(query({{Statistic::count_units, std::nullopt}}))).quantities().size(), 1U);
  EXPECT_EQ(OrDie(NoisePlan::make(query({{Statistic::avg, kMeasure}, {Statistic::count_rows, kMeasure}, {Statistic::avg, kMeasure}}))).quantities().size(), 3U);
  EXPECT_EQ(OrDie(NoisePlan::make(query({{Statistic::avg, kMeasure}, {Statistic::var_pop, kMeasure}}, false))).quantities().size(), 3U);
}

TEST(Release, RepeatsAndDoesNotDependOnTheOrderOfTheData) {
  const NoisePlan plan = OrDie(NoisePlan::make(query(all_cells(), true, "1")));
  const NoisyTable table = OrDie(release(plan, seed_from(1), kPlaceNames, two_groups()));
  auto shuffled = two_groups();
  std::ranges::reverse(shuffled);
  for (Contribution& c : shuffled) c.group = 1 - c.group;
  const std::vector<std::string> swapped{"south", "north"};
  EXPECT_EQ(OrDie(release(plan, seed_from(1), kPlaceNames, two_groups())).rows, table.rows);
  EXPECT_EQ(OrDie(release(plan, seed_from(1), swapped, shuffled)).rows, table.rows);
}

TEST(Release, TakesOtherNoiseForEachChangedInput) {
  const auto cells = all_cells();
  const auto answer = [](const NoisePlan::Query& q, const NoiseSeed& seed) {
    return OrDie(release(OrDie(NoisePlan::make(q)), seed, std::vector<std::string>{""}, people(0, 4000, 0))).rows[0].cells[4].value;
  };
  const NoisePlan::Query base = query(cells, false, "1");
  const std::int64_t original = answer(base, seed_from(1));
  EXPECT_EQ(answer(base, seed_from(1)), original);
  EXPECT_NE(answer(base, seed_from(2)), original) << "query";
  EXPECT_NE(answer(base, seed_from(1, 2)), original) << "data version";
  // Another price of the same question: not the same noise at another scale, which would give the exact sum away.
  const std::int64_t exact = 1'600'000;
  NoisePlan::Query dearer = query(cells, false, "2");
  const NoisePlan plan = OrDie(NoisePlan::make(base));
  const NoisePlan dear_plan = OrDie(NoisePlan::make(dearer));
  const double ratio = static_cast<double>(answer(dearer, seed_from(1)) - exact) / static_cast<double>(original - exact);
  const auto sigma = [](const NoisePlan& p) {
    const Scale& s = p.quantities()[p.quantity(Quantity::Kind::sum, kMeasure)].sigma;
    return static_cast<double>(s.numerator()) / static_cast<double>(s.denominator());
  };
  EXPECT_GT(std::abs(ratio - sigma(dear_plan) / sigma(plan)), 0.01);
  EXPECT_NE(plan.digest(), dear_plan.digest());
  const auto other_digest = [&](auto change) {
    NoisePlan::Query q = base;
    change(q);
    EXPECT_NE(OrDie(NoisePlan::make(q)).digest(), plan.digest());
  };
  other_digest([](NoisePlan::Query& q) { q.limits.min_units = 6; });
  other_digest([](NoisePlan::Query& q) { q.limits.rows = 3; });
  other_digest([](NoisePlan::Query& q) { q.delta = OrDie(Delta::parse("0.000002")); });
  other_digest([](NoisePlan::Query& q) { q.measures[0] = OrDie(Measure::make(0, 1201, -1)); });
  other_digest([](NoisePlan::Query& q) { q.measures[0] = OrDie(Measure::make(0, 1200, 0)); });
  other_digest([](NoisePlan::Query& q) { q.cells.pop_back(); q.cells.resize(5); });
}

TEST(Release, GivesEachGroupAndQuantityItsOwnNoise) {
  const NoisePlan plan = OrDie(NoisePlan::make(query({{Statistic::count_rows, std::nullopt}, {Statistic::count_rows, kMeasure}}, true, "1")));
  std::vector<std::string> keys;
  std::vector<Contribution> all;
  for (std::uint32_t g = 0; g < 50; ++g) {
    keys.push_back("group " + std::to_string(g));
    const auto more = people(g * 1000, 1000, g);
    all.insert(all.end(), more.begin(), more.end());
  }
  std::set<std::int64_t> values;
  for (const auto& row : OrDie(release(plan, seed_from(1), keys, all)).rows) {
    for (const Scaled& cell : row.cells) values.insert(cell.value);
  }
  EXPECT_GT(values.size(), 60U);  // 100 draws of a noise whose scale is about 50
}

TEST(Release, AnswersABlockWithoutKeysEvenWhenItIsEmpty) {
  const NoisePlan plan = OrDie(NoisePlan::make(query(all_cells(), false)));
  const std::vector<std::string> one{""};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const NoisyTable table = OrDie(release(plan, seed_from(seed), one, {}));
    ASSERT_EQ(table.rows.size(), 1U);
    const auto& cells = table.rows[0].cells;
    EXPECT_NEAR(number(cells[0]), 0, 20);
    EXPECT_GE(cells[5].value, 0);
    EXPECT_LE(cells[5].value, 1200 * 10'000);
    EXPECT_GE(cells[6].value, 0);
    EXPECT_LE(cells[6].value, std::int64_t{600} * 600 * 10'000);
    EXPECT_GE(cells[8].value, 0);
    EXPECT_LE(cells[8].value, 600 * 10'000);
  }
  EXPECT_EQ(release(plan, seed_from(1), kPlaceNames, {}).error().code(), Code::usage);
  EXPECT_EQ(release(plan, seed_from(1), std::vector<std::string>{"a"}, {}).error().code(), Code::usage);
  EXPECT_EQ(release(plan, seed_from(1), {}, {}).error().code(), Code::usage);
}

TEST(Release, RefusesGroupKeysThatStandTwiceAndJunkContributions) {
  const NoisePlan plan = OrDie(NoisePlan::make(query(all_cells())));
  EXPECT_EQ(release(plan, seed_from(1), std::vector<std::string>{"a", "b", "a"}, {}).error().code(), Code::usage);
  EXPECT_EQ(release(plan, seed_from(1), kPlaceNames, {{1, 2, 1, {Moments{}}}}).error().code(), Code::usage);
  EXPECT_EQ(release(plan, seed_from(1), kPlaceNames, {{1, 0, 1, {}}}).error().code(), Code::usage);
}

TEST(Release, HoldsTheLargestNumbers) {
  NoisePlan::Query q = query({{Statistic::sum, 0}, {Statistic::avg, 0}, {Statistic::var_samp, 1}, {Statistic::stddev_samp, 1}}, true, "0.5");
  q.limits = Limits{8, 50, 10};
  q.measures = {OrDie(Measure::make(-Measure::kMaxValue, Measure::kMaxValue, 0)),
                OrDie(Measure::make(-Measure::kMaxHalfWidth, Measure::kMaxHalfWidth, 12))};
  const NoisePlan plan = OrDie(NoisePlan::make(q));
  std::vector<Contribution> all;
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  for (std::uint64_t u = 0; u < 3000; ++u) {
    const auto extreme = u % 2 == 0 ? kMost : std::numeric_limits<std::int64_t>::min();
    all.push_back({u, 0, kMost, {Moments{kMost, extreme, extreme, kMost}, Moments{kMost, extreme, extreme, kMost}}});
  }
  const NoisyTable table = OrDie(release(plan, seed_from(1), kPlaceNames, all));
  ASSERT_EQ(table.rows.size(), 1U);
  const auto& cells = table.rows[0].cells;
  EXPECT_LE(std::abs(number(cells[1])), std::ldexp(1.0, 40));
  EXPECT_GE(cells[2].value, 0);
  EXPECT_LE(number(cells[3]), 1.01 * std::ldexp(1.0, 20) * 1e12);
}

TEST(NoisePlan, RefusesQueriesThatItCannotPrice) {
  const auto code = [](auto change) {
    NoisePlan::Query q = query(all_cells());
    change(q);
    const auto plan = NoisePlan::make(q);
    return plan.ok() ? Code::internal : plan.error().code();
  };
  EXPECT_EQ(code([](NoisePlan::Query& q) { q.cells.clear(); }), Code::usage);
  EXPECT_EQ(code([](NoisePlan::Query& q) { q.cells.assign(65, Cell{Statistic::sum, kMeasure}); }), Code::usage);
  EXPECT_EQ(code([](NoisePlan::Query& q) { q.cells[0].measure = 1; }), Code::usage);
  EXPECT_EQ(code([](NoisePlan::Query& q) { q.cells[4].measure = std::nullopt; }), Code::usage);
  EXPECT_EQ(code([](NoisePlan::Query& q) { q.keyed = false; }), Code::usage);
  EXPECT_EQ(code([](NoisePlan::Query& q) { q.limits.groups = 0; }), Code::usage);
  EXPECT_EQ(code([](NoisePlan::Query& q) { q.epsilon = OrDie(Epsilon::parse("0.000001")); }), Code::usage);
  EXPECT_EQ(code([](NoisePlan::Query& q) { q.delta = OrDie(Delta::from_units(1)); }), Code::usage);
  EXPECT_EQ(code([](NoisePlan::Query& q) { q.measures[0] = OrDie(Measure::make(0, 2 * Measure::kMaxHalfWidth + 2, 0)); }), Code::usage);
}

TEST(Scaled, WritesPlainDecimals) {
  EXPECT_EQ((Scaled{-1250, -2}).text(), "-12.50");
  EXPECT_EQ((Scaled{5, -3}).text(), "0.005");
  EXPECT_EQ((Scaled{-5, -1}).text(), "-0.5");
  EXPECT_EQ((Scaled{0, -2}).text(), "0.00");
  EXPECT_EQ((Scaled{0, 3}).text(), "0");
  EXPECT_EQ((Scaled{12, 3}).text(), "12000");
  EXPECT_EQ((Scaled{INT64_MIN, 0}).text(), "-9223372036854775808");
}

}  // namespace
}  // namespace redoubt::sql::dp
