// Goal: a ShortList is a list, whether its items fit where it stands or not. Method: every size around the limit, beside a std::vector
// that is treated alike; copies and moves on both sides of the limit, with items that own memory.
#include "common/base/short_list.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/bytes.h"

namespace redoubt {
namespace {

using Names = ShortList<std::string, 4>;

std::string name(std::size_t i) { return "a name that is too long to stand in the string itself " + std::to_string(i); }

std::vector<std::string> names(std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(name(i));
  return out;
}

Names list(std::size_t count) {
  Names out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(name(i));
  return out;
}

TEST(ShortList, HoldsWhatWasPutThereOnBothSidesOfItsLimit) {
  for (std::size_t count = 0; count < 20; ++count) {
    const Names one = list(count);
    EXPECT_EQ(one, names(count)) << count;
    EXPECT_EQ(one.size(), count);
    EXPECT_EQ(one.empty(), count == 0);
    if (count != 0) {
      EXPECT_EQ(one.front(), name(0));
      EXPECT_EQ(one.back(), name(count - 1));
      EXPECT_EQ(one[count / 2], name(count / 2));
    }
    const bool in_place = reinterpret_cast<const char*>(one.data()) >= reinterpret_cast<const char*>(&one) &&
                          reinterpret_cast<const char*>(one.data()) < reinterpret_cast<const char*>(&one + 1);
    EXPECT_EQ(in_place, count <= 4) << count;
  }
}

TEST(ShortList, CopiesAndMovesAreOfTheirOwn) {
  for (const std::size_t count : {0U, 1U, 4U, 5U, 9U}) {
    Names first = list(count);
    Names copy = first;
    first.clear();
    EXPECT_TRUE(first.empty());
    EXPECT_EQ(copy, names(count));
    Names moved = std::move(copy);
    EXPECT_EQ(moved, names(count));
    Names assigned = list(7);
    assigned = moved;
    EXPECT_EQ(assigned, names(count));
    assigned = std::move(moved);
    EXPECT_EQ(assigned, names(count));
    moved = Names{name(3)};  // one that was moved from may be used again
    EXPECT_EQ(moved, std::vector<std::string>{name(3)});
    assigned.push_back(name(count));
    EXPECT_EQ(assigned, names(count + 1));
  }
}

TEST(ShortList, OneThatWasMovedFromReadsNothingThatIsGone) {
  Names many = list(9);
  const Names taken = std::move(many);
  EXPECT_EQ(taken.size(), 9U);
  EXPECT_EQ(many.size(), 0U);  // NOLINT: what it is after that is promised
}

TEST(ShortList, IsCutAndSortedInPlace) {
  for (std::size_t count = 0; count < 12; ++count) {
    for (std::size_t left = 0; left <= count; ++left) {
      Names one = list(count);
      one.truncate(left);
      EXPECT_EQ(one, names(left)) << count;
      one.push_back(name(left));
      EXPECT_EQ(one, names(left + 1)) << count;
    }
    Names sorted = list(count);
    std::ranges::reverse(sorted);
    std::ranges::sort(sorted);
    EXPECT_TRUE(std::ranges::is_sorted(sorted));
    drop_if(sorted, [](const std::string& one) { return one == name(0) || one == name(5); });
    EXPECT_EQ(sorted.size(), count - (count > 0 ? 1U : 0U) - (count > 5 ? 1U : 0U));
    EXPECT_EQ(std::ranges::find(sorted, name(0)), sorted.end());
  }
}

TEST(ShortList, OfBytesIsAView) {
  const Bytes long_ones(40, std::byte{7});
  for (const ByteView from : {ByteView(), ByteView(long_ones).first(3), ByteView(long_ones)}) {
    ShortBytes<16> bytes(from);
    EXPECT_TRUE(equal(bytes, from));
    EXPECT_EQ(hex_encode(bytes), hex_encode(from));
    Bytes same = to_bytes(from);
    for (const std::size_t size : {1U, 12U, 0U, 4U, 9U}) {
      bytes.append(ByteView(long_ones).first(size));
      append(same, ByteView(long_ones).first(size));
      EXPECT_EQ(bytes, same) << size;
    }
    bytes.assign(from);
    EXPECT_EQ(bytes, to_bytes(from));
  }
}

}  // namespace
}  // namespace redoubt
