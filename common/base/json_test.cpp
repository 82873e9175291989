// Goal: JSON is read strictly and written in the one form of RFC 8785, and signed JSON has no second spelling. Method: the
// published canonicalisation vectors, the number table of RFC 8785 appendix B, and a table of texts that must be refused.
#include "common/base/json.h"

#include <gtest/gtest.h>

#include <bit>

#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::json {
namespace {

TEST(Json, CanonicalisesThePublishedVectors) {
  for (const char* name : {"arrays", "french", "structures", "unicode", "values", "weird"}) {
    const auto folder = test::golden("json-canonicalization");
    const std::string input = test::read_text(folder / "input" / (std::string(name) + ".json"));
    const std::string output = test::read_text(folder / "output" / (std::string(name) + ".json"));
    EXPECT_EQ(canonical(OrDie(parse(input))), output) << name;
    EXPECT_EQ(canonical(OrDie(parse(output))), output) << name;
    EXPECT_EQ(canonical(OrDie(parse(pretty(OrDie(parse(input)))))), output) << name;
  }
}

TEST(Json, WritesNumbersAsInAppendixBOfRfc8785) {
  const std::pair<std::uint64_t, const char*> table[] = {
      {0x0000000000000000, "0"}, {0x8000000000000000, "0"}, {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"}, {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"}, {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"}, {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"}, {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"}, {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"}, {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"}, {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"}, {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"}, {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"}, {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"}};
  for (const auto& [bits, text] : table) EXPECT_EQ(canonical(Value(std::bit_cast<double>(bits))), text);
}

TEST(Json, RefusesWhatIsNotStrictJson) {
  const std::pair<const char*, const char*> table[] = {
      {"", "expected a value, found the end"}, {"{", "expected a name"}, {"{\"a\" 1}", "expected ':'"},
      {"{\"a\":1,}", "expected a name"}, {"[1,]", "expected a value"}, {"[1 2]", "expected ',' or ']'"},
      {"{\"a\":1,\"a\":2}", "offset 7: expected a name that did not occur before"},
      {"{\"a\":1,\"\\u0061\":2}", "did not occur before"}, {"01", "expected the end"}, {"1.", "expected a digit"},
      {".5", "expected a value"}, {"+1", "expected a value"}, {"-", "expected a value"}, {"1e", "expected a digit"},
      {"1e999", "range of a double"}, {"NaN", "expected a value"}, {"nul", "expected a value"}, {"true x", "expected the end"},
      {"\"a", "expected '\"'"}, {"\"\x01\"", "control character"}, {"\"\\x\"", "expected an escape"},
      {"\"\\u12g4\"", "hexadecimal"}, {"\"\\ud800\"", "surrogate"}, {"\"\\udc00\"", "lone surrogate"},
      {"\"\\ud800\\u0041\"", "surrogate"}, {"\"\xc0\x80\"", "UTF-8"}, {"\"\xed\xa0\x80\"", "UTF-8"},
      {"\"\xf4\x90\x80\x80\"", "UTF-8"}, {"\"\xe2\x82\"", "UTF-8"}, {"1 2", "expected the end"}, {"\xef\xbb\xbf" "1", "expected a value"}};
  for (const auto& [text, message] : table) EXPECT_ERROR(parse(text), Code::malformed, message);
  EXPECT_ERROR(parse(std::string_view("1\0", 2)), Code::malformed, "expected the end");
}

TEST(Json, BoundsDepthAndSize) {
  const std::string deep = std::string(33, '[') + std::string(33, ']');
  EXPECT_OK(parse(deep));
  EXPECT_ERROR(parse("[" + deep + "]"), Code::malformed, "at most 32 levels");
  EXPECT_ERROR(parse("[1,2,3]", {.max_bytes = 6}), Code::malformed, "above the limit 6");
}

TEST(Json, SortsNamesByUtf16) {
  // U+FB33 sorts after U+1F600, whose UTF-16 form begins with D83D, although its UTF-8 bytes are smaller.
  EXPECT_EQ(canonical(OrDie(parse("{\"\xef\xac\xb3\":1,\"\xf0\x9f\x98\x80\":2,\"\xed\x9f\xbb\":3}"))),
            "{\"\xed\x9f\xbb\":3,\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}");
}

TEST(SignedJson, HasOneSpelling) {
  const std::string good = "{\"a\":[true,\"x\",-1,9007199254740991],\"b\":{}}";
  EXPECT_EQ(canonical(OrDie(parse_signed(good))), good);
  for (const char* text : {"{\"b\":1,\"a\":2}", "{\"a\": 1}", " {}", "{}\n", "{\"a\":\"\\u0062\"}", "{\"a\":\"\\/\"}"}) {
    EXPECT_OK(parse(text));
    EXPECT_ERROR(parse_signed(text), Code::malformed, "not in canonical form");
  }
  for (const char* text : {"1.5", "null", "[null]", "{\"a\":1e2}", "9007199254740992", "-0"}) {
    EXPECT_OK(parse(text));
    EXPECT_ERROR(parse_signed(text), Code::malformed, "strings, booleans and integers");
  }
}

TEST(ObjectReader, ReadsClosedObjects) {
  const Value value = OrDie(parse(R"({"id":"ab01","n":3,"on":true,"c":"18446744073709551615","data":"AQI=","list":["x"]})"));
  ObjectReader reader(value, "thing");
  EXPECT_EQ((reader.hex<FixedBytes<struct T, 2>>("id").hex()), "ab01");
  EXPECT_EQ(reader.integer("n", 0, 5), 3);
  EXPECT_TRUE(reader.boolean("on"));
  EXPECT_EQ(reader.counter("c"), 18446744073709551615U);
  EXPECT_EQ(reader.base64("data", 2).size(), 2U);
  EXPECT_EQ(OrDie(strings(Value(reader.array("list", 1)), "list", 1)).at(0), "x");
  EXPECT_OK(reader.finish());
}

TEST(ObjectReader, RefusesUnknownAbsentAndWrongMembers) {
  const Value value = OrDie(parse(R"({"a":"x","n":7,"c":"01"})"));
  const auto read = [&](auto get) {
    ObjectReader reader(value, "thing");
    get(reader);
    return reader.finish();
  };
  EXPECT_ERROR(read([](auto& r) { r.string("a"); }), Code::malformed, "thing: unknown member \"c\"");
  EXPECT_ERROR(read([](auto& r) { r.string("z"); }), Code::malformed, "member \"z\" is absent");
  EXPECT_ERROR(read([](auto& r) { r.boolean("a"); }), Code::malformed, "expected boolean, found string");
  EXPECT_ERROR(read([](auto& r) { r.integer("n", 0, 6); }), Code::malformed, "expected 0 to 6, found 7");
  EXPECT_ERROR(read([](auto& r) { r.counter("c"); }), Code::malformed, "decimal number");
  EXPECT_ERROR(read([](auto& r) { r.expect("a", "y"); }), Code::malformed, "expected \"y\", found \"x\"");
  EXPECT_ERROR(ObjectReader(Value(1), "thing").finish(), Code::malformed, "expected an object, found integer");
}

}  // namespace
}  // namespace redoubt::json
