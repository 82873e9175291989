// Goal: concat gives what its parts give one by one. Method: each kind of part alone, at its ends, and together.
#include "common/base/concat.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace redoubt {
namespace {

TEST(Concat, WritesEachKindOfPartAsItStandsAlone) {
  const Bytes bytes = {std::byte{0}, std::byte{0x9a}, std::byte{0xff}};
  const Instant at(1795000000);
  EXPECT_EQ(concat(), "");
  EXPECT_EQ(concat("valid at ", at, ", key ", Hex{bytes}, ',', ' ', std::string("level "), 7U), "valid at " + at.text() + ", key 009aff, level 7");
  for (const std::int64_t number : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-10}, std::int64_t{-9}, std::int64_t{-1}, std::int64_t{0},
                                    std::int64_t{9}, std::int64_t{10}, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(concat(number), std::to_string(number));
    EXPECT_EQ(text_room(number), std::to_string(number).size());
  }
  EXPECT_EQ(concat(std::numeric_limits<std::uint64_t>::max(), std::uint8_t{200}), "18446744073709551615200");
}

TEST(Concat, WritesTimesOutsideTheYearsThatAreReadAsTheNearest) {
  EXPECT_EQ(concat(Instant(INT64_MIN)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(concat(Instant(INT64_MAX)), "9999-12-31T23:59:59Z");
  EXPECT_EQ(concat(Instant(951782400)), "2000-02-29T00:00:00Z");
}

TEST(Concat, WritesHexAsHexEncodeDoes) {
  Bytes all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<std::byte>(i));
  EXPECT_EQ(concat(Hex{all}), hex_encode(all));
}

}  // namespace
}  // namespace redoubt
