// Goal: no sequence of reservations spends more than an owner allows, a repeated query costs nothing, and the written form is one.
// Method: every way to reserve in order; each single change to the written form refused; random sequences against a plain sum.
#include "engines/sql/dp/budget.h"

#include <gtest/gtest.h>

#include "engines/sql/dp/dp_test_fixture.h"

namespace redoubt::sql::dp {
namespace {

const DatasetDigest kA = digest_from<DatasetDigest>(1);
const DatasetDigest kB = digest_from<DatasetDigest>(2);

Budget::Key key(std::uint64_t query, std::vector<DatasetDigest> datasets) { return {digest_from<QueryDigest>(query), data_digest(datasets)}; }

Budget two_accounts() {
  Budget budget;
  EXPECT_OK(budget.open(kA, {Rho{100}, 50}));
  EXPECT_OK(budget.open(kB, {Rho{60}, 50}));
  return budget;
}

Result<bool> reserve(Budget& budget, std::uint64_t query, std::vector<DatasetDigest> datasets, Loss loss) {
  return budget.reserve(key(query, datasets), datasets, loss);
}

TEST(Budget, ChargesEachQueryOnce) {
  Budget budget = two_accounts();
  EXPECT_TRUE(OrDie(reserve(budget, 1, {kA, kB}, {Rho{40}, 10})));
  EXPECT_FALSE(OrDie(reserve(budget, 1, {kB, kA}, {Rho{40}, 10})));
  EXPECT_EQ(budget.account(kA)->reserved, (Loss{Rho{40}, 10}));
  EXPECT_OK(budget.spend(key(1, {kA, kB})));
  EXPECT_OK(budget.spend(key(1, {kA, kB})));
  EXPECT_FALSE(OrDie(reserve(budget, 1, {kA, kB}, {Rho{40}, 10})));
  EXPECT_EQ(*budget.account(kA), (Budget::Account{{Rho{100}, 50}, {}, {Rho{40}, 10}}));
  EXPECT_EQ(budget.reservation(key(1, {kA, kB}))->state, Budget::State::spent);
  // Another version of the data is another answer and another charge.
  EXPECT_TRUE(OrDie(reserve(budget, 1, {kA}, {Rho{40}, 10})));
}

TEST(Budget, RefusesWhatAnyOneDatasetCannotPayAndChargesNone) {
  Budget budget = two_accounts();
  EXPECT_OK(reserve(budget, 1, {kA, kB}, {Rho{40}, 10}));
  const Budget before = budget;
  EXPECT_EQ(reserve(budget, 2, {kA, kB}, {Rho{21}, 10}).error().code(), Code::refused);
  EXPECT_EQ(reserve(budget, 2, {kA}, {Rho{10}, 41}).error().code(), Code::refused);
  EXPECT_EQ(reserve(budget, 1, {kA, kB}, {Rho{39}, 10}).error().code(), Code::refused) << "another price";
  EXPECT_EQ(reserve(budget, 1, {kA, kB}, {Rho{40}, 9}).error().code(), Code::refused) << "another price";
  EXPECT_EQ(reserve(budget, 2, {kA, digest_from<DatasetDigest>(9)}, {Rho{1}, 0}).error().code(), Code::not_found);
  EXPECT_EQ(reserve(budget, 2, {}, {Rho{1}, 0}).error().code(), Code::usage);
  EXPECT_EQ(reserve(budget, 2, {kA, kA}, {Rho{1}, 0}).error().code(), Code::usage);
  EXPECT_EQ(reserve(budget, 2, {kA}, {Rho{0}, 1}).error().code(), Code::usage);
  EXPECT_EQ(reserve(budget, 2, {kA}, {Rho{UINT64_MAX}, 0}).error().code(), Code::usage);
  EXPECT_EQ(reserve(budget, 2, {kA}, {Rho{1}, UINT64_MAX}).error().code(), Code::usage);
  EXPECT_EQ(budget.reserve(key(2, {kB}), std::vector<DatasetDigest>{kA}, {Rho{1}, 0}).error().code(), Code::usage) << "another data version";
  EXPECT_EQ(budget.spend(key(2, {kA})).error().code(), Code::not_found);
  EXPECT_EQ(budget, before);
  EXPECT_OK(reserve(budget, 2, {kA, kB}, {Rho{20}, 40}));
  EXPECT_EQ(reserve(budget, 3, {kB}, {Rho{1}, 0}).error().code(), Code::refused) << "reserved counts as spent";
}

TEST(Budget, RefusesAccountsOutOfRange) {
  Budget budget = two_accounts();
  EXPECT_EQ(budget.open(kA, {Rho{1}, 0}).error().code(), Code::refused);
  EXPECT_EQ(budget.open(digest_from<DatasetDigest>(3), {Rho{0}, 1}).error().code(), Code::usage);
  EXPECT_EQ(budget.open(digest_from<DatasetDigest>(3), {Rho{Rho::kMaxUnits + 1}, 1}).error().code(), Code::usage);
  EXPECT_EQ(budget.open(digest_from<DatasetDigest>(3), {Rho{1}, Delta::kMax + 1}).error().code(), Code::usage);
  for (std::uint64_t i = 3; i <= Budget::kMaxDatasets; ++i) ASSERT_OK(budget.open(digest_from<DatasetDigest>(i), {Rho{1}, 0}));
  EXPECT_EQ(budget.open(digest_from<DatasetDigest>(9999), {Rho{1}, 0}).error().code(), Code::usage);
}

TEST(Budget, BuysAsManyQueriesAsItsTotalSays) {
  const Epsilon epsilon = OrDie(Epsilon::parse("10"));
  const Loss total = OrDie(Budget::total_for(epsilon, OrDie(Delta::parse("0.00001"))));
  Budget budget;
  ASSERT_OK(budget.open(kA, total));
  const NoisePlan plan = OrDie(NoisePlan::make({{}, {{Statistic::count_rows, std::nullopt}}, Limits(), true, OrDie(Epsilon::parse("1")),
                                                OrDie(Delta::parse("0.000001"))}));
  std::uint64_t bought = 0;
  while (reserve(budget, bought, {kA}, plan.loss()).ok()) ++bought;
  EXPECT_EQ(bought, 10U);  // delta of thresholds: ten times 5e-7 out of 5e-6
  const Budget::Account& account = *budget.account(kA);
  EXPECT_LE(epsilon_for(account.reserved.rho, OrDie(Delta::parse("0.000005"))), epsilon.millionths());
}

TEST(Budget, KeepsToARandomSequencesPlainSums) {
  KeyedBits source = bits_from(5);
  Budget budget = two_accounts();
  std::map<std::uint64_t, Loss> charged;
  Loss sum;
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t query = source.below(40);
    const Loss loss{Rho{1 + source.below(9)}, source.below(4)};
    const auto reserved = reserve(budget, query, {kA}, loss);
    if (charged.contains(query)) {
      EXPECT_EQ(reserved.ok(), charged.at(query) == loss);
    } else if (reserved.ok()) {
      charged[query] = loss;
      sum = {Rho{sum.rho.units + loss.rho.units}, sum.delta + loss.delta};
    } else {
      EXPECT_TRUE(sum.rho.units + loss.rho.units > 100 || sum.delta + loss.delta > 50);
    }
    if (source.bits(1) != 0 && charged.contains(query)) {
      EXPECT_OK(budget.spend(key(query, {kA})));
    }
    const Budget::Account& account = *budget.account(kA);
    EXPECT_EQ(account.reserved.rho.units + account.spent.rho.units, sum.rho.units);
    EXPECT_EQ(account.reserved.delta + account.spent.delta, sum.delta);
    EXPECT_LE(sum.rho.units, 100U);
    EXPECT_LE(sum.delta, 50U);
  }
  EXPECT_GT(charged.size(), 10U);
  EXPECT_EQ(OrDie(Budget::parse(budget.canonical())), budget);
}

Budget written() {
  Budget budget = two_accounts();
  EXPECT_OK(reserve(budget, 1, {kA, kB}, {Rho{40}, 10}));
  EXPECT_OK(reserve(budget, 2, {kA}, {Rho{5}, 1}));
  EXPECT_OK(budget.spend(key(1, {kA, kB})));
  return budget;
}

TEST(BudgetDocument, ComesBackAsItWas) {
  EXPECT_EQ(OrDie(Budget::parse(written().canonical())), written());
  EXPECT_EQ(OrDie(Budget::parse(written().canonical())).canonical(), written().canonical());
  EXPECT_EQ(OrDie(Budget::parse(Budget().canonical())), Budget());
}

void expect_refused(std::string_view from, std::string_view to, Code code) {
  std::string text = written().canonical();
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const auto parsed = Budget::parse(text);
  ASSERT_FALSE(parsed.ok()) << from << " -> " << to;
  EXPECT_EQ(parsed.error().code(), code) << from << " -> " << to << ": " << parsed.error().message();
}

TEST(BudgetDocument, IsRefusedWithAnySingleChange) {
  expect_refused("redoubt/budget/1", "redoubt/budget/2", Code::malformed);
  expect_refused(R"("rho":"100")", R"("rho":"44")", Code::refused);  // overspent: 45 are charged
  expect_refused(R"("rho":"100")", R"("rho":100)", Code::malformed);
  expect_refused(R"("rho":"100")", R"("rho":"0100")", Code::malformed);
  expect_refused(R"("rho":"100")", R"("rho":"-1")", Code::malformed);
  expect_refused(R"("rho":"100")", R"("rho":"0")", Code::malformed);
  expect_refused(R"("rho":"100")", R"("rho":"18446744073709551616")", Code::malformed);
  expect_refused(R"("rho":"40")", R"("rho":"0")", Code::malformed);
  expect_refused(R"("delta":"50")", R"("delta":"10")", Code::refused);
  expect_refused(R"("state":"spent")", R"("state":"free")", Code::malformed);
  expect_refused(R"(,"state":"spent")", "", Code::malformed);
  expect_refused(R"("state":"spent")", R"("state":"spent","x":1)", Code::malformed);
  expect_refused(kA.hex(), kB.hex(), Code::malformed);  // an account twice
  expect_refused(kA.hex(), digest_from<DatasetDigest>(3).hex(), Code::malformed);  // out of order
  expect_refused(R"({"accounts")", R"( {"accounts")", Code::malformed);
  const std::string text = written().canonical();
  for (std::size_t i = 0; i < text.size(); ++i) EXPECT_FALSE(Budget::parse(std::string_view(text).substr(0, i)).ok());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto parsed = Budget::parse(changed);
    if (parsed.ok()) {
      EXPECT_EQ(parsed->canonical(), changed) << "another budget, in its own written form";
    }
  }
  EXPECT_EQ(Budget::parse(text + "\n").error().code(), Code::malformed);
  EXPECT_EQ(Budget::parse("[]").error().code(), Code::malformed);
}

}  // namespace
}  // namespace redoubt::sql::dp
