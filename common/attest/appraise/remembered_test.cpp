// Goal: what is remembered is found again, by every thread, is never another's, and is bounded. Method: few keys in one bucket, values that
// no longer fit, a full table, and threads that keep and look up the same keys at once.
#include "common/attest/appraise/remembered.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace redoubt::appraise {
namespace {

TEST(Remembered, AKeyGivesItsLatestValueThatFits) {
  Remembered<std::string, int> table(8);
  EXPECT_EQ(table.find("a", 1), nullptr);
  table.keep("a", 1, 10);
  table.keep("b", 1, 20);    // the same bucket
  table.keep("c", 257, 30);  // and this
  const int* const first = table.find("a", 1);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(*first, 10);
  EXPECT_EQ(*table.find("b", 1), 20);
  EXPECT_EQ(*table.find("c", 257), 30);
  EXPECT_EQ(table.find("c", 2), nullptr);
  table.keep("a", 1, 11);
  EXPECT_EQ(*table.find("a", 1), 11);
  EXPECT_EQ(*table.find("a", 1, [](int value) { return value < 11; }), 10);
  EXPECT_EQ(table.find("a", 1, [](int value) { return value > 11; }), nullptr);
  EXPECT_EQ(*first, 10);  // what was given stays
}

TEST(Remembered, AFullTableKeepsWhatItHasAndTakesNoMore) {
  Remembered<int, int> table(3);
  for (int key = 0; key < 10; ++key) table.keep(key, static_cast<std::size_t>(key), -key);
  for (int key = 0; key < 10; ++key) {
    const int* const found = table.find(key, static_cast<std::size_t>(key));
    if (key < 3) {
      ASSERT_NE(found, nullptr) << key;
      EXPECT_EQ(*found, -key);
    } else {
      EXPECT_EQ(found, nullptr) << key;
    }
  }
}

TEST(Remembered, ThreadsFindWhatAnyOfThemKept) {
  constexpr int kKeys = 200;
  Remembered<int, std::string> table(4 * kKeys);
  const auto hash = [](int key) { return static_cast<std::size_t>(key % 5); };
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (int key = 0; key < kKeys; ++key) {
        if (table.find(key, hash(key)) == nullptr) table.keep(key, hash(key), "value of " + std::to_string(key));
        for (int earlier = 0; earlier <= key; earlier += 17) {
          const std::string* const found = table.find(earlier, hash(earlier));
          if (found == nullptr || *found != "value of " + std::to_string(earlier)) ++count;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) EXPECT_EQ(count, 0);
}

}  // namespace
}  // namespace redoubt::appraise
