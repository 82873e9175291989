// Goal: a range is what RFC 9110 section 14 says, and never a byte outside the body. Method: the RFC's forms and its examples, each broken;
// all short ranges over small bodies against the definition.
#include "common/net/byte_range.h"

#include <gtest/gtest.h>

namespace redoubt::net {
namespace {

TEST(ByteRange, ReadsTheFormsOfTheRfc) {
  const std::vector<std::pair<std::string_view, RangeAnswer>> all{
      {"bytes=0-499", ByteRange{0, 500}},         {"bytes=500-999", ByteRange{500, 500}},    {"bytes=-500", ByteRange{9500, 500}},
      {"bytes=9500-", ByteRange{9500, 500}},      {"bytes=0-0", ByteRange{0, 1}},            {"bytes=-1", ByteRange{9999, 1}},
      {"BYTES=1-2", ByteRange{1, 2}},             {"bytes=9999-9999", ByteRange{9999, 1}},   {"bytes=9999-10000", ByteRange{9999, 1}},
      {"bytes=0-99999999999999999999999", ByteRange{0, 10'000}},
      {"bytes=-99999999999999999999999", ByteRange{0, 10'000}},
      {"bytes=5-18446744073709551615", ByteRange{5, 9995}},
      {"bytes=10000-", NoRange{}},                {"bytes=10000-10001", NoRange{}},          {"bytes=-0", NoRange{}},
      {"bytes=18446744073709551615-", NoRange{}}, {"bytes=18446744073709551616-", NoRange{}}, {"bytes=99999999999999999999-99999999999999999999", NoRange{}},
  };
  for (const auto& [text, expected] : all) EXPECT_EQ(parse_range(text, 10'000), expected) << text;
}

TEST(ByteRange, WhatIsNotOneRangeIsNone) {
  for (const std::string_view text : {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=2-1", "bytes=0-1,2-3", "bytes=0-1,", "bytes= 0-1", "bytes=0 -1",
                                      "bytes=0-1 ", "bytes=+0-1", "bytes=0-+1", "bytes=--1", "bytes=0--1", "bytes=0x0-1", "bytes:0-1", "items=0-1", "byte=0-1",
                                      "bytes=1-18446744073709551616x", "bytes=18446744073709551616-1"}) {
    EXPECT_EQ(parse_range(text, 10'000), RangeAnswer(WholeBody{})) << text;
  }
}

TEST(ByteRange, NeverLeavesTheBody) {
  for (std::uint64_t size = 0; size < 6; ++size) {
    for (std::uint64_t from = 0; from < 8; ++from) {
      for (std::uint64_t to = from; to < 8; ++to) {
        const auto found = parse_range("bytes=" + std::to_string(from) + "-" + std::to_string(to), size);
        if (from >= size) {
          EXPECT_EQ(found, RangeAnswer(NoRange{}));
        } else {
          EXPECT_EQ(found, RangeAnswer(ByteRange{from, std::min(to, size - 1) - from + 1}));
        }
      }
      const auto suffix = parse_range("bytes=-" + std::to_string(from), size);
      const std::uint64_t count = std::min(from, size);
      EXPECT_EQ(suffix, count == 0 ? RangeAnswer(NoRange{}) : RangeAnswer(ByteRange{size - count, count}));
    }
  }
}

TEST(ByteRange, CountsForGetAndForTheBodyThatIsMeant) {
  HttpRequest request;
  request.method = "GET";
  EXPECT_EQ(range_of(request, 10, "\"a\""), RangeAnswer(WholeBody{}));
  request.headers = {{"range", "bytes=1-2"}};
  const RangeAnswer asked(ByteRange{1, 2});
  EXPECT_EQ(range_of(request, 10, "\"a\""), asked);
  request.method = "HEAD";
  EXPECT_EQ(range_of(request, 10, "\"a\""), RangeAnswer(WholeBody{}));
  request.method = "GET";
  request.headers.set("if-range", "\"a\"");
  EXPECT_EQ(range_of(request, 10, "\"a\""), asked);
  for (const char* const other : {"\"b\"", "a", "W/\"a\"", "Sun, 22 Nov 2026 08:49:37 GMT", "*", ""}) {
    request.headers.set("if-range", other);
    EXPECT_EQ(range_of(request, 10, "\"a\""), RangeAnswer(WholeBody{})) << other;
  }
  request.headers = {{"range", "bytes=1-2"}, {"range", "bytes=3-4"}};
  EXPECT_EQ(range_of(request, 10, "\"a\""), RangeAnswer(WholeBody{})) << "which of them was meant?";
  request.headers = {{"range", "bytes=1-2"}, {"if-range", "\"a\""}, {"if-range", "\"a\""}};
  EXPECT_EQ(range_of(request, 10, "\"a\""), RangeAnswer(WholeBody{}));
  EXPECT_EQ(content_range(ByteRange{1, 2}, 10), "bytes 1-2/10");
  EXPECT_EQ(content_range(NoRange{}, 10), "bytes */10");
}

}  // namespace
}  // namespace redoubt::net
