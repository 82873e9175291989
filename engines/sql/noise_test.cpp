// Goal: a query at differential_privacy is answered with noise that covers whatever one unit can do to it. Method: real plans over real
// tables; data that differ in one unit move the exact sums by at most the stated bound, in generated tables and for each kind of query;
// released values lie around the truth as the noise says, over many seeds; small groups, repeats, and what is left in the engine.
#include "engines/sql/noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "engines/sql/checker.h"
#include "engines/sql/dp/budget.h"
#include "engines/sql/engine.h"
#include "tests/support/expect.h"
#include "tests/support/stride.h"

namespace redoubt::sql {
namespace {

using Cells = std::vector<std::vector<std::optional<std::string>>>;
using Exact = std::map<std::string, std::vector<long long>>;  // group key, quantities

Table visits_table() {
  return {"visits",
          {{"person", {TypeId::bigint, 0, 0}, Role::unit},
           {"place", {TypeId::varchar, 0, 0}, Role::attribute},
           {"score", {TypeId::integer, 0, 0}, Role::attribute, Bounds{0, 20}},
           {"paid", {TypeId::decimal, 12, 2}, Role::attribute, Bounds{-50, 1000}},
           {"good", {TypeId::boolean, 0, 0}, Role::attribute},
           {"weight", {TypeId::double_, 0, 0}, Role::attribute, Bounds{0, 1}}}};
}
Table notes() {
  return {"notes", {{"person", {TypeId::bigint, 0, 0}, Role::unit}, {"kind", {TypeId::varchar, 0, 0}, Role::attribute}}};
}

ReleasePlan planned(std::string_view text, std::uint64_t k = 2) {
  Verdict v = OrDie(check(text, OrDie(Schema::make({visits_table(), notes()})), Level::differential_privacy, k));
  EXPECT_TRUE(v.accepted()) << v.rule << ": " << v.message << "\n" << text;
  return std::move(*v.plan);
}

NoiseParameters parameters(const char* epsilon = "1", std::uint32_t groups = 8, std::uint32_t rows = 50) {
  return {OrDie(dp::Epsilon::parse(epsilon)), OrDie(dp::Delta::parse("0.000001")), groups, rows};
}

dp::NoiseSeed seed_of(std::uint64_t number) {
  static const SecretBytes key = SecretBytes::copy_of(Bytes(32, std::byte{5}));
  dp::QueryDigest query;
  for (std::size_t i = 0; i < 8; ++i) query.array()[i] = static_cast<std::byte>(number >> (8 * i));
  const std::vector<dp::TouchedDataset> datasets{{dp::DatasetDigest(), &key}};
  return OrDie(dp::NoiseSeed::derive(datasets, ContractDigest(), query, {}));
}

Row visit(std::int64_t person, const char* place, std::int64_t score, std::int64_t cents, bool good = true, double weight = 0.5) {
  return {Value(person), Value(std::string(place)), Value(score), Value(Decimal{cents}), Value(good), Value(weight)};
}

struct Data {
  std::vector<Row> visits, notes;
};

Engine engine_of(const Data& data) {
  Engine engine = OrDie(Engine::create(OrDie(VerifiedLibrary::verify()), {}));
  EXPECT_OK(engine.create_table(visits_table(), data.visits));
  EXPECT_OK(engine.create_table(notes(), data.notes));
  return engine;
}

// exact_sums: what the noise of one block is added to.
Exact exact_sums(Engine& engine, const NoisyBlock& block, const dp::NoisePlan& noise, const dp::NoiseSeed& seed) {
  const dp::Limits& limits = noise.query().limits;
  Engine::Contributions all = OrDie(engine.contributions(block, limits, seed));
  const auto bounded = OrDie(dp::bound_groups(std::move(all.units), all.group_keys, block.measures, limits, seed));
  Exact out;
  for (const dp::Contribution& c : bounded) {
    auto& sums = out[all.group_keys[c.group]];
    sums.resize(noise.quantities().size());
    for (std::size_t q = 0; q < sums.size(); ++q) {
      const dp::Quantity& quantity = noise.quantities()[q];
      const dp::Moments all_rows{c.rows, 0, 0, 0};
      const dp::Moments& moments = quantity.measure ? c.moments[*quantity.measure] : all_rows;
      switch (quantity.kind) {
        case dp::Quantity::Kind::units: sums[q] += moments.count > 0 ? 1 : 0; break;
        case dp::Quantity::Kind::rows: sums[q] += moments.count; break;
        case dp::Quantity::Kind::sum: sums[q] += moments.sum; break;
        case dp::Quantity::Kind::centred: sums[q] += moments.centred; break;
        case dp::Quantity::Kind::squares: sums[q] += moments.squares; break;
      }
    }
  }
  return out;
}

// used notes the largest share of its bound by which each kind of quantity differs in a group; fails where one passes it, or in too many groups.
void used(const Exact& a, const Exact& b, const dp::NoisePlan& noise, const std::string& what, std::map<dp::Quantity::Kind, double>& most) {
  std::map<std::string, bool> keys;
  for (const Exact* side : {&a, &b}) {
    for (const auto& [key, sums] : *side) keys[key] = true;
  }
  const std::vector<long long> zero(noise.quantities().size(), 0);
  std::size_t changed = 0;
  for (const auto& [key, known] : keys) {
    const auto& left = a.contains(key) ? a.at(key) : zero;
    const auto& right = b.contains(key) ? b.at(key) : zero;
    if (left != right) ++changed;
    for (std::size_t q = 0; q < zero.size(); ++q) {
      const auto difference = static_cast<double>(std::llabs(left[q] - right[q]));
      const double share = difference / static_cast<double>(noise.quantities()[q].bound);
      EXPECT_LE(share, 1.0) << what << ": " << noise.quantities()[q].name() << " of group " << key;
      double& reached = most[noise.quantities()[q].kind];
      reached = std::max(reached, share);
    }
  }
  EXPECT_LE(changed, noise.query().limits.groups) << what;
}

const char* const kQueries[] = {
    "SELECT place, count(*), count(DISTINCT person), sum(paid), avg(score) FROM visits GROUP BY place",
    "SELECT count(*), sum(score), stddev(paid), var_pop(weight) FROM visits",
    "SELECT place, sum(paid) FILTER (WHERE good), count_if(score > 10), count(score) FROM visits GROUP BY place",
    "SELECT place, score % 3 AS s, avg(CASE WHEN good THEN paid ELSE 0 END) FROM visits GROUP BY 1, 2",
    "SELECT kind, count(*), sum(paid) FROM visits JOIN notes USING (person) GROUP BY kind",
    "SELECT n, count(*), sum(t) FROM (SELECT person, count(*) AS n, sum(score) AS t FROM visits GROUP BY person) GROUP BY n",
    "SELECT place, sum(score) FROM (SELECT *, row_number() OVER (PARTITION BY person ORDER BY place) AS r FROM visits) WHERE r = 1 GROUP BY place",
    "SELECT place, count(*) FROM visits WHERE person IN (SELECT person FROM notes WHERE kind = 'a') GROUP BY place",
    "SELECT count(DISTINCT n.person), count(DISTINCT v.person) FROM visits v LEFT JOIN notes n ON v.person = n.person",
    "SELECT count(*) FROM visits WHERE person NOT IN (SELECT n.person FROM visits v LEFT JOIN notes n ON v.person = n.person WHERE v.score = 7)",
    "SELECT count(*) FROM visits v LEFT JOIN notes n ON v.person = n.person WHERE n.person NOT IN (SELECT person FROM visits WHERE score = 7)",
};

// generated: few places and persons, one of whom has far too much of everything.
Data generated(std::mt19937_64& random) {
  const char* const places[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
  const char* const kinds[] = {"a", "b", "c"};
  Data out;
  for (std::int64_t person = 0; person < 12; ++person) {
    const std::size_t count = person == 3 ? 80 : random() % 6;
    const bool one_place = random() % 2 == 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char* const place = person == 3 && one_place ? "a" : places[random() % 12];
      out.visits.push_back(visit(person, place, static_cast<std::int64_t>(random() % 40) - 10, static_cast<std::int64_t>(random() % 300'000) - 50'000,
                                 random() % 2 == 0, static_cast<double>(random() % 1000) / 500 - 0.5));
    }
    for (std::size_t i = random() % 3; i > 0; --i) out.notes.push_back({Value(person), Value(std::string(kinds[random() % 3]))});
  }
  std::ranges::shuffle(out.visits, random);
  return out;
}

Data without(const Data& data, std::int64_t person) {
  const auto other = [&](const Row& row) { return std::get<std::int64_t>(row[0]) != person; };
  Data out;
  std::ranges::copy_if(data.visits, std::back_inserter(out.visits), other);
  std::ranges::copy_if(data.notes, std::back_inserter(out.notes), other);
  return out;
}

TEST(NoisePlan, SaysWhatIsMeasuredInWhichStepsAndSharesWhatItCan) {
  const ReleasePlan plan = planned(
      "SELECT place, count(*), count(DISTINCT person), sum(paid), avg(paid), count(paid), sum(score), stddev(paid) FILTER (WHERE good),"
      " count(*) FILTER (WHERE good), count_if(good), avg(weight * 3), sum(paid / 3) FROM visits GROUP BY place");
  ASSERT_EQ(plan.noisy().size(), 1U);
  const NoisyBlock& block = plan.noisy()[0];
  using dp::Statistic;
  const std::vector<std::pair<Statistic, std::optional<std::size_t>>> expected{
      {Statistic::count_rows, std::nullopt}, {Statistic::count_units, std::nullopt}, {Statistic::sum, 0}, {Statistic::avg, 0}, {Statistic::count_rows, 0},
      {Statistic::sum, 1}, {Statistic::stddev_samp, 2}, {Statistic::count_rows, 3}, {Statistic::count_rows, 4}, {Statistic::avg, 5}, {Statistic::sum, 6}};
  ASSERT_EQ(block.cells.size(), expected.size());
  for (std::size_t j = 0; j < expected.size(); ++j) EXPECT_EQ(std::pair(block.cells[j].statistic, block.cells[j].measure), expected[j]) << j;
  const auto measure = [](std::int64_t low, std::int64_t high, int exponent) { return OrDie(dp::Measure::make(low, high, exponent)); };
  const std::vector<dp::Measure> measures{measure(-5000, 100'000, -2), measure(0, 20, 0), measure(-5000, 100'000, -2), measure(0, 0, 0), measure(0, 0, 0),
                                          measure(0, 300'000'000, -8), measure(-1'666'667, 33'333'334, -5)};
  ASSERT_EQ(block.measures.size(), measures.size());
  for (std::size_t m = 0; m + 1 < measures.size(); ++m) EXPECT_EQ(block.measures[m], measures[m]) << m;
  EXPECT_EQ(block.cell_type(0), "BIGINT");
  EXPECT_EQ(block.cell_type(2), "DECIMAL(38,2)");
  EXPECT_EQ(block.cell_type(5), "DECIMAL(38,0)");
  EXPECT_EQ(block.cell_type(3), "DOUBLE");
}

TEST(NoisePlan, CostsNoQueryMoreThanItsParametersAllow) {
  const dp::Loss price = OrDie(dp::Budget::total_for(OrDie(dp::Epsilon::parse("1")), OrDie(dp::Delta::parse("0.000001"))));
  for (const char* text : {"SELECT count(*) FROM visits", "SELECT place, avg(paid) FROM visits GROUP BY place", "SELECT place FROM visits GROUP BY place",
                           "SELECT a.n, b.n FROM (SELECT count(*) AS n FROM visits) a, (SELECT sum(score) AS n FROM visits) b"}) {
    const auto noise = OrDie(noise_plans(planned(text), parameters()));
    dp::Loss spent;
    for (const dp::NoisePlan& block : noise) spent = {{spent.rho.units + block.loss().rho.units}, spent.delta + block.loss().delta};
    EXPECT_LE(spent.rho, price.rho) << text;
    EXPECT_GE(spent.rho.units + 1000, price.rho.units) << text;
    EXPECT_LE(spent.delta, price.delta) << text;
  }
  const ReleasePlan plan = planned("SELECT count(*) FROM visits");
  EXPECT_ERROR(noise_plans(plan, parameters("1", 9)), Code::usage, "1 to 8 groups");
  EXPECT_ERROR(noise_plans(plan, parameters("1", 8, 0)), Code::usage, "1 to 50 rows");
  EXPECT_ERROR(noise_plans(plan, parameters("0.000001")), Code::usage, "");
}

TEST(NoisePlan, RefusesAnArgumentThatReachesBeyondEveryGrid) {
  const auto schema = OrDie(Schema::make({visits_table()}));
  const Verdict far = OrDie(check("SELECT sum(paid * paid * paid * paid * paid * paid * paid) FROM visits", schema, Level::differential_privacy, 2));
  EXPECT_FALSE(far.accepted());
  EXPECT_EQ(far.rule, "D3");
}

TEST(Neighbours, MoveTheExactSumsByAtMostTheStatedBound) {
  std::map<dp::Quantity::Kind, double> most;
  for (std::uint64_t number = 1; number <= 12; number += test::stride(5)) {
    std::mt19937_64 random(number);
    const Data data = generated(random);
    const std::int64_t person = number % 2 == 0 ? 3 : static_cast<std::int64_t>(random() % 12);
    Data other = without(data, person);
    if (number % 3 == 0) {  // changed instead of left out
      for (int i = 0; i < 70; ++i) other.visits.push_back(visit(person, "b", 20, 100'000));
      other.notes.push_back({Value(person), Value(std::string("c"))});
    }
    Engine with = engine_of(data);
    Engine less = engine_of(other);
    // A unit that is changed is one taken out and another put in: twice the bound, measured in two steps.
    Engine none = engine_of(without(data, person));
    for (const char* text : kQueries) {
      const ReleasePlan plan = planned(text);
      for (const std::uint32_t groups : {1U, 8U}) {
        const auto noise = OrDie(noise_plans(plan, parameters("1", groups, groups == 1 ? 3 : 50)));
        const dp::NoiseSeed seed = seed_of(number);
        for (std::size_t b = 0; b < noise.size(); ++b) {
          const std::string what = "seed " + std::to_string(number) + ", " + text;
          const Exact base = exact_sums(none, plan.noisy()[b], noise[b], seed);
          used(exact_sums(with, plan.noisy()[b], noise[b], seed), base, noise[b], what, most);
          used(exact_sums(less, plan.noisy()[b], noise[b], seed), base, noise[b], what, most);
        }
      }
    }
  }
  // Some unit reaches each bound: they are not wider than they need to be.
  for (const auto& [kind, share] : most) EXPECT_GE(share, kind == dp::Quantity::Kind::squares || kind == dp::Quantity::Kind::centred ? 0.3 : 1.0);
  EXPECT_EQ(most.size(), 5U);
}

TEST(Neighbours, DoNotSwitchAllOthersByANullAmongUnits) {
  Data data;
  for (std::int64_t person = 0; person < 40; ++person) {
    data.visits.push_back(visit(person, person == 5 ? "target" : "a", 1, 0));
    if (person % 4 != 1) data.notes.push_back({Value(person), Value(std::string("a"))});
  }
  Engine with = engine_of(data);
  Engine less = engine_of(without(data, 5));
  std::map<dp::Quantity::Kind, double> most;
  for (const char* text : {
           // One row of a person without notes puts a NULL into the list.
           "SELECT count(DISTINCT person) FROM visits WHERE person NOT IN"
           " (SELECT n.person FROM visits v LEFT JOIN notes n ON v.person = n.person WHERE v.place = 'target')",
           "SELECT count(*) FROM visits WHERE (person IN"
           " (SELECT n.person FROM visits v LEFT JOIN notes n ON v.person = n.person WHERE v.place = 'target')) IS NULL",
           // NULL is not in an empty list, and of no list that holds anything is it known.
           "SELECT count(*) FROM visits v LEFT JOIN notes n ON v.person = n.person WHERE n.person NOT IN (SELECT person FROM visits WHERE place = 'target')",
           "SELECT count(*) FROM visits v LEFT JOIN notes n ON v.person = n.person"
           " WHERE NOT EXISTS (SELECT 1 FROM visits w WHERE w.person = n.person AND place = 'target')",
       }) {
    const ReleasePlan plan = planned(text);
    const auto noise = OrDie(noise_plans(plan, parameters("1", 1, 1)));
    used(exact_sums(with, plan.noisy()[0], noise[0], seed_of(1)), exact_sums(less, plan.noisy()[0], noise[0], seed_of(1)), noise[0], text, most);
  }
}

TEST(NoisePlan, SettlesTiesByTheColumnsThatAreThere) {
  for (const char* join : {"SEMI JOIN notes n ON v.person = n.person", "ANTI JOIN notes n USING (person)",
                           "SEMI JOIN (SELECT n.person FROM notes n FULL JOIN notes m USING (person)) n ON v.person = n.person"}) {
    const ReleasePlan plan = planned("SELECT place, sum(score) FROM (SELECT v.*, row_number() OVER (PARTITION BY v.person ORDER BY place) AS r FROM visits v " +
                                     std::string(join) + ") WHERE r = 1 GROUP BY place");
    Engine engine = engine_of({{visit(1, "a", 1, 0)}, {}});
    EXPECT_OK(engine.run_noisy(plan, parameters(), seed_of(1)));
  }
}

TEST(Neighbours, AreNotToldApartByTheOrderOfRowsInWindows) {
  std::mt19937_64 random(11);
  const Data data = generated(random);
  Data shuffled = data;
  std::ranges::shuffle(shuffled.visits, random);
  Engine engine = engine_of(data);
  Engine other = engine_of(shuffled);
  const std::string unit = " OVER (PARTITION BY person ORDER BY good";
  for (const std::string& window : {
           "row_number()" + unit + ")",
           "row_number()" + unit + " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)",
           "row_number()" + unit + " GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES)",
           std::string("row_number() OVER (PARTITION BY person ORDER BY score % 2 RANGE BETWEEN 1 PRECEDING AND CURRENT ROW)"),
           "row_number(ORDER BY score % 3)" + unit + ")",
           "lag(score)" + unit + " GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW)",
           "lead(score, 2, 0 ORDER BY score % 3)" + unit + ")",
           "lead(score)" + unit + " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW)",
           "first_value(score)" + unit + ")",
           "first_value(score)" + unit + " GROUPS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)",
           "first_value(score)" + unit + " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW)",
           "last_value(score)" + unit + ")",
           "last_value(score)" + unit + " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)",
           "last_value(score IGNORE NULLS)" + unit + " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE GROUP)",
           std::string("last_value(score) OVER (PARTITION BY person ORDER BY score % 2 RANGE BETWEEN 1 PRECEDING AND CURRENT ROW)"),
           std::string("last_value(score) OVER (PARTITION BY person)"),
           "sum(score)" + unit + " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES)",
           "min(score)" + unit + " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
           "sum(score)" + unit + " GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW)",
           "rank(ORDER BY score % 3)" + unit + " ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)",
       }) {
    const ReleasePlan plan = planned("SELECT place, v, count(*) FROM (SELECT *, " + window + " AS v FROM visits) GROUP BY place, v");
    const auto noise = OrDie(noise_plans(plan, parameters()));
    EXPECT_EQ(exact_sums(engine, plan.noisy()[0], noise[0], seed_of(1)), exact_sums(other, plan.noisy()[0], noise[0], seed_of(1))) << window;
  }
}

TEST(RunNoisy, LiesAroundTheTruthAsTheNoiseSays) {
  Data data;
  for (std::int64_t person = 0; person < 100; ++person) data.visits.push_back(visit(person, "a", person % 21, 1'234));
  Engine engine = engine_of(data);
  const ReleasePlan plan = planned("SELECT count(DISTINCT person), sum(paid) FROM visits");
  const NoiseParameters spent = parameters("2", 1, 1);
  const auto noise = OrDie(noise_plans(plan, spent));
  const auto deviation = [&](std::size_t q) {
    const dp::Scale& sigma = noise[0].quantities()[q].sigma;
    return static_cast<double>(sigma.numerator()) / static_cast<double>(sigma.denominator());
  };
  constexpr std::size_t kSeeds = 800;
  std::vector<double> units, sums;
  for (std::uint64_t number = 0; number < kSeeds; ++number) {
    const Cells cells = OrDie(engine.run_noisy(plan, spent, seed_of(number))).rows;
    ASSERT_EQ(cells.size(), 1U);
    units.push_back((std::stod(*cells[0][0]) - 100) / deviation(0));
    sums.push_back((std::stod(*cells[0][1]) - 1'234) * 100 / deviation(1));
  }
  for (auto* sample : {&units, &sums}) {
    std::ranges::sort(*sample);
    double distance = 0;
    double mean = 0;
    for (std::size_t i = 0; i < kSeeds; ++i) {
      const double normal = 0.5 * std::erfc(-(*sample)[i] / std::sqrt(2.0));
      distance = std::max(distance, std::abs(normal - (static_cast<double>(i) + 0.5) / kSeeds));
      mean += (*sample)[i] / kSeeds;
    }
    // Kolmogorov and Smirnov: above 1.95 / sqrt(n) with probability 0.001; half a step of the integers besides.
    EXPECT_LT(distance, 1.95 / std::sqrt(static_cast<double>(kSeeds)) + 0.5 * 0.4 / deviation(0));
    EXPECT_LT(std::abs(mean), 4 / std::sqrt(static_cast<double>(kSeeds)));
  }
}

TEST(RunNoisy, ShowsAGroupOfOneUnitNeverAndOneOfFewHardlyEver) {
  Data data;
  for (std::int64_t person = 0; person < 400; ++person) data.visits.push_back(visit(person, "large", 1, 0));
  for (int i = 0; i < 300; ++i) data.visits.push_back(visit(7, "alone", 1, 0));
  for (std::int64_t person = 0; person < 3; ++person) data.visits.push_back(visit(person, "few", 1, 0));
  Engine engine = engine_of(data);
  const ReleasePlan plan = planned("SELECT place FROM visits GROUP BY place");
  for (std::uint64_t number = 0; number < 200; ++number) {
    EXPECT_EQ(OrDie(engine.run_noisy(plan, parameters("4", 2, 1), seed_of(number))).rows, (Cells{{"large"}})) << number;
  }
}

TEST(RunNoisy, RepeatsItsAnswerForTheSameSeedAndForNoOther) {
  std::mt19937_64 random(5);
  const Data data = generated(random);
  Data shuffled = data;
  std::ranges::shuffle(shuffled.visits, random);
  Engine engine = engine_of(data);
  Engine other = engine_of(shuffled);
  for (const char* text : kQueries) {
    const ReleasePlan plan = planned(text);
    const Cells first = OrDie(engine.run_noisy(plan, parameters("8"), seed_of(1))).rows;
    EXPECT_EQ(OrDie(engine.run_noisy(plan, parameters("8"), seed_of(1))).rows, first) << text;
    EXPECT_EQ(OrDie(other.run_noisy(plan, parameters("8"), seed_of(1))).rows, first) << text << ": the order of rows shows";
  }
  const ReleasePlan plan = planned("SELECT count(*) FROM visits");
  const Cells first = OrDie(engine.run_noisy(plan, parameters(), seed_of(1))).rows;
  EXPECT_NE(OrDie(engine.run_noisy(plan, parameters(), seed_of(2))).rows, first);
  EXPECT_NE(OrDie(engine.run_noisy(plan, parameters("1.000001"), seed_of(1))).rows, first);
  EXPECT_NE(OrDie(engine.run_noisy(plan, parameters("1", 8, 49), seed_of(1))).rows, first);
}

TEST(RunNoisy, GivesTwoBlocksOfOneQueryDifferentNoise) {
  Data data;
  for (std::int64_t person = 0; person < 100; ++person) data.visits.push_back(visit(person, "a", 1, 0));
  Engine engine = engine_of(data);
  // With the same noise in both the difference would be the exact number of whom the condition leaves out: 0.
  const ReleasePlan plan = planned("SELECT a.n - b.n FROM (SELECT count(*) AS n FROM visits) a, (SELECT count(*) AS n FROM visits WHERE score < 2) b");
  ASSERT_EQ(plan.noisy().size(), 2U);
  int zeros = 0;
  for (std::uint64_t number = 0; number < 50; ++number) zeros += *OrDie(engine.run_noisy(plan, parameters(), seed_of(number))).rows[0][0] == "0" ? 1 : 0;
  EXPECT_LE(zeros, 2);
}

TEST(RunNoisy, ComputesOverNoisyGroupsOnlyAndLeavesNothingBehind) {
  Data data;
  for (std::int64_t person = 0; person < 3000; ++person) data.visits.push_back(visit(person, person % 3 == 0 ? "a" : "b", 10, 1'050));
  Engine engine = engine_of(data);
  const ReleasePlan plan = planned(
      "SELECT place, count(DISTINCT person) AS n, sum(paid) AS s, avg(score) AS m, sum(score) / count(DISTINCT person) AS q FROM visits GROUP BY place "
      "HAVING count(DISTINCT person) > 1500 ORDER BY n DESC LIMIT 1");
  const ResultTable table = OrDie(engine.run_noisy(plan, parameters("16", 1, 1), seed_of(3)));
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(table.rows[0][0], "b");
  EXPECT_NEAR(std::stod(*table.rows[0][1]), 2000, 20);
  EXPECT_NEAR(std::stod(*table.rows[0][2]), 21'000, 5000);
  EXPECT_EQ(table.rows[0][2]->find('.'), table.rows[0][2]->size() - 3);
  EXPECT_NEAR(std::stod(*table.rows[0][3]), 10, 1);
  EXPECT_EQ(table.columns[2].type, "DECIMAL(38,2)");
  EXPECT_ERROR(engine.run(plan), Code::usage, "without it");
  // Noisy tables are gone, after a failure too.
  const ReleasePlan many = planned("SELECT score, count(*) FROM visits GROUP BY score");
  EXPECT_ERROR(engine.run_noisy(many, parameters("1", 9), seed_of(1)), Code::usage, "groups");
  EXPECT_OK(engine.run_noisy(many, parameters(), seed_of(1)));
  EXPECT_OK(engine.run_noisy(plan, parameters(), seed_of(1)));
}

}  // namespace
}  // namespace redoubt::sql
