// Goal: the scanner reads what is JSON, gives the exact bytes of a slice, and refuses everything that two readers could read in
// two ways. Method: small texts, each with one fault; every truncation of a good one.
#include "common/base/json_slice.h"

#include <gtest/gtest.h>

namespace redoubt::json {
namespace {

Status skip_all(std::string_view text) {
  Scanner in(text, "test", 4096);
  in.skip();
  return in.finish();
}

TEST(JsonScanner, GivesTheExactBytesOfASlice) {
  const std::string_view text = " { \"a\" : {\"x\":[1, 2],\n\"y\":\"z\"} , \"b\":7 } ";
  Scanner in(text, "test", 4096);
  std::string_view inner;
  std::uint64_t b = 0;
  in.object([&](std::string_view name) {
    if (name == "a") {
      inner = in.slice([&] { in.skip(); });
    } else {
      b = in.integer(0, 7);
    }
  });
  ASSERT_TRUE(in.finish().ok());
  EXPECT_EQ(inner, "{\"x\":[1, 2],\n\"y\":\"z\"}");
  EXPECT_EQ(b, 7U);
}

TEST(JsonScanner, SkipsEveryKindOfValue) {
  for (const std::string_view text :
       {"null", "true", "false", "0", "-1", "1.5e+3", "\"\"", "\"a\\u00e9\\n\\/\"", "[]", "{}", "[[],{},[1,\"x\",null]]", " 1 "}) {
    EXPECT_TRUE(skip_all(text).ok()) << text;
  }
}

TEST(JsonScanner, RefusesWhatIsNotJson) {
  for (const std::string_view text :
       {"", " ", "nul", "01", "1.", ".5", "+1", "1e", "--1", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "[1,]", "[,1]", "[1 2]",
        "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":1 \"b\":2}", "{,}", "[", "{", "]", "1 2", "{} {}",
        "\"\xc3\xa9\"", "\"\x7f\"", "{\"\":1}"}) {
    const Status status = skip_all(text);
    ASSERT_FALSE(status.ok()) << text;
    EXPECT_EQ(status.error().code(), Code::malformed);
  }
}

TEST(JsonScanner, RefusesANameThatStandsTwiceAtAnyDepth) {
  EXPECT_FALSE(skip_all("{\"a\":1,\"a\":1}").ok());
  EXPECT_FALSE(skip_all("[{\"b\":{\"a\":1,\"c\":{\"a\":2},\"a\":3}}]").ok());
  EXPECT_TRUE(skip_all("{\"a\":{\"a\":1},\"b\":{\"a\":1}}").ok());
}

TEST(JsonScanner, RefusesEscapesInNamesSinceTheyHideASecondName) {
  EXPECT_FALSE(skip_all("{\"\\u0061\":1,\"a\":2}").ok());
}

TEST(JsonScanner, RefusesDepthCountsAndSizesBeyondItsBounds) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(skip_all(nested(Scanner::kMaxDepth)).ok());
  EXPECT_FALSE(skip_all(nested(Scanner::kMaxDepth + 1)).ok());
  const auto members = [](std::size_t count) {
    std::string text = "{";
    for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":0";
    return text + "}";
  };
  EXPECT_TRUE(skip_all(members(Scanner::kMaxMembers)).ok());
  EXPECT_FALSE(skip_all(members(Scanner::kMaxMembers + 1)).ok());
  EXPECT_FALSE(skip_all("\"" + std::string(4096, 'a') + "\"").ok());
  Scanner in("[1,2,3]", "test", 4096);
  in.array(2, [&] { in.skip(); });
  EXPECT_FALSE(in.finish().ok());
}

TEST(JsonScanner, ReadsIntegersInOneSpellingAndWithinTheirRange) {
  const auto read = [](std::string_view text) {
    Scanner in(text, "test", 4096);
    const std::uint64_t value = in.integer(1, 9007199254740991U);
    const Status status = in.finish();
    return status.ok() ? value : 0;
  };
  EXPECT_EQ(read("1"), 1U);
  EXPECT_EQ(read("9007199254740991"), 9007199254740991U);
  for (const std::string_view text : {"0", "01", "-1", "1.0", "1e0", "9007199254740992", "99999999999999999999", "\"1\"", ""}) {
    EXPECT_EQ(read(text), 0U) << text;
  }
}

TEST(JsonScanner, ReadsHexOfExactlyTheLengthAskedFor) {
  const auto read = [](std::string_view text) {
    using Four = FixedBytes<struct FourTag, 2>;
    Scanner in(text, "test", 4096);
    const Four out = in.fixed_hex<Four>();
    return in.finish().ok() ? out.hex() : std::string("refused");
  };
  EXPECT_EQ(read("\"00fF\""), "00ff");
  for (const std::string_view text : {"\"00f\"", "\"00ff0\"", "\"00fg\"", "\"\"", "1"}) EXPECT_EQ(read(text), "refused") << text;
}

TEST(JsonScanner, ReadsTimesInOneSpelling) {
  const auto read = [](std::string_view text) {
    Scanner in(text, "test", 4096);
    in.instant();
    return in.finish().ok();
  };
  EXPECT_TRUE(read("\"2025-02-13T03:29:42Z\""));
  for (const std::string_view text : {"\"2025-13-13T03:29:42Z\"", "\"2025-02-13T03:29:42\"", "\"2025-02-13 03:29:42Z\"", "5"}) {
    EXPECT_FALSE(read(text)) << text;
  }
}

TEST(JsonScanner, NeverAcceptsATruncatedText) {
  const std::string text = "{\"a\":[1,{\"b\":\"c\\n\"},-2.5e3],\"d\":null}";
  ASSERT_TRUE(skip_all(text).ok());
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(skip_all(text.substr(0, size)).ok()) << size;
}

TEST(JsonScanner, TellsWhereAndWhatInItsFirstErrorAndKeepsIt) {
  Scanner in("{\"a\":x}", "the thing", 4096);
  in.object([&](std::string_view) { in.integer(0, 9); });
  in.fail("later");
  const Status status = in.finish();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message(), "the thing: at byte 5 (\"a\"): expected an integer from 0 to 9");
}

}  // namespace
}  // namespace redoubt::json
