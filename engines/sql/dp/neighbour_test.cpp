// Goal: two data sets that differ in one person give answers as alike as epsilon and delta say. Method: the whole release over many keyed
// seeds on both; for every event of a family (counts up to a threshold, counts above it, a group shown) the empirical probabilities
// satisfy P(S) <= exp(epsilon) P'(S) + delta both ways, up to sampling error. The same check on data that differ in ten persons must fail,
// so that it is known to see what it looks for. Seeds are fixed: the verdict never changes.
#include <gtest/gtest.h>

#include <algorithm>

#include "engines/sql/dp/dp_test_fixture.h"
#include "engines/sql/dp/release.h"

namespace redoubt::sql::dp {
namespace {

constexpr std::size_t kSeeds = 20'000;
constexpr double kEpsilon = 1;
constexpr double kDelta = 0.05;
const std::vector<std::string> kKeys{"a", "b"};

NoisePlan plan() {
  return OrDie(NoisePlan::make({{OrDie(Measure::make(0, 10, 0))},
                                {{Statistic::count_rows, std::nullopt}, {Statistic::sum, 0}},
                                Limits{2, 2, 3},
                                true,
                                OrDie(Epsilon::parse("1")),
                                OrDie(Delta::parse("0.05"))}));
}

// The base: 60 persons in group a, two (one fewer than the least) in group b; each with two rows of 5.
std::vector<Contribution> base() {
  std::vector<Contribution> out;
  for (std::uint64_t u = 0; u < 60; ++u) out.push_back({u, 0, 2, {Moments{2, 10, 0, 0}}});
  for (std::uint64_t u = 100; u < 102; ++u) out.push_back({u, 1, 2, {Moments{2, 10, 0, 0}}});
  return out;
}

// with adds persons who do the most that one person can, and claim more.
std::vector<Contribution> with(std::uint64_t persons) {
  std::vector<Contribution> out = base();
  for (std::uint64_t u = 200; u < 200 + persons; ++u) {
    for (const std::uint32_t group : {0U, 1U}) out.push_back({u, group, 1000, {Moments{1000, 1'000'000, 1'000'000, 1'000'000}}});
  }
  return out;
}

struct Sample {
  std::vector<std::int64_t> counts;  // of group a, where it is shown
  std::vector<std::int64_t> sums;
  std::size_t shown_b = 0;
};

Sample sample(const std::vector<Contribution>& data, std::uint64_t version) {
  const NoisePlan the_plan = plan();
  Sample out;
  for (std::size_t i = 0; i < kSeeds; ++i) {
    const NoisyTable table = OrDie(release(the_plan, seed_from(i, version), kKeys, data));
    for (const auto& row : table.rows) {
      if (row.group_key == "b") {
        out.shown_b += 1;
      } else {
        out.counts.push_back(row.cells[0].value);
        out.sums.push_back(row.cells[1].value);
      }
    }
  }
  std::ranges::sort(out.counts);
  std::ranges::sort(out.sums);
  return out;
}

double share(std::size_t count) { return static_cast<double>(count) / kSeeds; }

// excess: the most by which P(S) passes exp(epsilon) P'(S) + delta over half lines S, less four standard errors.
double excess(const std::vector<std::int64_t>& p, const std::vector<std::int64_t>& q) {
  double worst = -1;
  for (std::size_t i = 0; i < p.size(); i += 100) {
    const auto below = [cut = p[i]](const std::vector<std::int64_t>& v) {
      return static_cast<std::size_t>(std::ranges::lower_bound(v, cut) - v.begin());
    };
    for (const bool lower : {true, false}) {
      const double a = share(lower ? below(p) : p.size() - below(p));
      const double b = share(lower ? below(q) : q.size() - below(q));
      const double error = 4 * (std::sqrt(a / kSeeds) + std::exp(kEpsilon) * std::sqrt(b / kSeeds));
      worst = std::max(worst, a - std::exp(kEpsilon) * b - kDelta - error);
    }
  }
  return worst;
}

TEST(Neighbours, AreAsAlikeAsEpsilonAndDeltaSay) {
  const Sample without = sample(base(), 1);
  const Sample one_more = sample(with(1), 2);
  EXPECT_GT(without.counts.size(), kSeeds / 2);
  EXPECT_LE(excess(without.counts, one_more.counts), 0);
  EXPECT_LE(excess(one_more.counts, without.counts), 0);
  EXPECT_LE(excess(without.sums, one_more.sums), 0);
  EXPECT_LE(excess(one_more.sums, without.sums), 0);
  // A group below the least number of units is never shown; the one more person shows it with probability at most delta / 4 (half of
  // delta is the threshold's, and a person lifts at most two groups).
  EXPECT_EQ(without.shown_b, 0U);
  EXPECT_LE(share(one_more.shown_b), kDelta / 4 + 4 * std::sqrt(kDelta / 4 / kSeeds));
}

TEST(Neighbours, OfTenPersonsAreToldApartByTheSameCheck) {
  const Sample without = sample(base(), 1);
  const Sample ten_more = sample(with(10), 2);
  EXPECT_GT(excess(ten_more.counts, without.counts), 0.05);
  EXPECT_GT(excess(without.counts, ten_more.counts), 0.05);
}

}  // namespace
}  // namespace redoubt::sql::dp
