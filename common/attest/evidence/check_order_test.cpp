// Goal: checks come out in the order of their ids, with their texts, whatever the order they were made in. Method: every check that
// there is, shuffled many times; the same with checks that stand twice, against std::stable_sort; more of them than any Evidence has.
#include "common/attest/evidence/check_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace redoubt::attest {
namespace {

constexpr int kIdCount = static_cast<int>(CheckId::software_tpm) + 1;

// numbered: a check that can be told from any other of its id; every third text is longer than a string keeps in place.
Check numbered(int id, int number) {
  const std::string text = std::to_string(number) + (number % 3 == 0 ? " in a text that is longer than a short string" : "");
  return passed(static_cast<CheckId>(id), "expected " + text, text);
}

std::vector<Check> sorted_by_comparing(std::vector<Check> checks) {
  std::stable_sort(checks.begin(), checks.end(), [](const Check& a, const Check& b) { return a.id < b.id; });
  return checks;
}

TEST(CheckOrder, IsThatOfTheIdsFromAnyOther) {
  std::vector<Check> made;
  for (int id = 0; id < kIdCount; ++id) made.push_back(numbered(id, id));
  const std::vector<Check> wanted = made;
  constexpr unsigned kSeed = 20261122;
  std::mt19937 random(kSeed);
  for (int round = 0; round < 200; ++round) {
    std::shuffle(made.begin(), made.end(), random);
    sort_checks(made);
    ASSERT_EQ(made, wanted) << "seed " << kSeed << ", round " << round;
  }
  std::reverse(made.begin(), made.end());
  sort_checks(made);
  EXPECT_EQ(made, wanted);
}

TEST(CheckOrder, KeepsChecksOfOneIdAsTheyWereMade) {
  constexpr unsigned kSeed = 20261123;
  std::mt19937 random(kSeed);
  for (const int count : {0, 1, 2, 20, 128, 129, 400}) {
    for (int round = 0; round < 20; ++round) {
      std::vector<Check> made;
      for (int i = 0; i < count; ++i) made.push_back(numbered(std::uniform_int_distribution(0, kIdCount - 1)(random), i));
      const std::vector<Check> wanted = sorted_by_comparing(made);
      sort_checks(made);
      ASSERT_EQ(made, wanted) << "seed " << kSeed << ", " << count << " checks, round " << round;
    }
  }
}

}  // namespace
}  // namespace redoubt::attest
