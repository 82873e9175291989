// Goal: CBOR has one encoding for every value we speak, and everything else is refused. Method: the examples of RFC 8949
// appendix A that our subset holds, the rest of that appendix refused, every cut of a document, and closed maps.
#include "common/base/cbor.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt::cbor {
namespace {

Bytes hex(std::string_view text) { return OrDie(hex_decode(text)); }

TEST(Cbor, ReadsAndWritesAppendixAOfRfc8949) {
  const std::pair<Value, const char*> table[] = {
      {Value::unsigned_integer(0), "00"}, {Value::unsigned_integer(10), "0a"}, {Value::unsigned_integer(23), "17"},
      {Value::unsigned_integer(24), "1818"}, {Value::unsigned_integer(100), "1864"}, {Value::unsigned_integer(1000), "1903e8"},
      {Value::unsigned_integer(1000000), "1a000f4240"}, {Value::unsigned_integer(1000000000000), "1b000000e8d4a51000"},
      {Value::unsigned_integer(18446744073709551615U), "1bffffffffffffffff"}, {Value::integer(-1), "20"},
      {Value::integer(-10), "29"}, {Value::integer(-100), "3863"}, {Value::integer(-1000), "3903e7"},
      {Value::boolean(false), "f4"}, {Value::boolean(true), "f5"}, {Value(), "f6"},
      {Value::bytes(hex("01020304")), "4401020304"}, {Value::text(""), "60"}, {Value::text("IETF"), "6449455446"},
      {Value::text("\"\\"), "62225c"}, {Value::text("\xf0\x90\x85\x91"), "64f0908591"}, {Value::array({}), "80"},
      {Value::array({Value::integer(1), Value::array({Value::integer(2), Value::integer(3)})}), "8201820203"},
      {Value::map({}), "a0"},
      {Value::map({{Value::integer(3), Value::integer(4)}, {Value::integer(1), Value::integer(2)}}), "a201020304"},
      {Value::tagged(1, Value::unsigned_integer(1363896240)), "c11a514b67b0"}};
  for (const auto& [value, encoded] : table) {
    EXPECT_EQ(hex_encode(encode(value)), encoded);
    EXPECT_TRUE(OrDie(parse(hex(encoded))) == value) << encoded;
  }
}

TEST(Cbor, RefusesOtherSpellingsAndKinds) {
  const std::pair<const char*, const char*> table[] = {
      {"", "expected 1 bytes"}, {"1817", "shortest form"}, {"1900ff", "shortest form"}, {"1a0000ffff", "shortest form"},
      {"1b00000000ffffffff", "shortest form"}, {"5801ff", "shortest form"}, {"0000", "1 trailing bytes"},
      {"9fff", "indefinite"}, {"bfff", "indefinite"}, {"5f42010243030405ff", "indefinite"}, {"1c", "reserved"},
      {"f93c00", "floats"}, {"fa47c35000", "floats"}, {"fb3ff199999999999a", "floats"}, {"f7", "simple"}, {"f0", "simple"},
      {"f818", "simple"}, {"61ff", "UTF-8"}, {"62c328", "UTF-8"}, {"a201020104", "duplicate map key"},
      {"a203040102", "deterministic order"}, {"9bffffffffffffffff00", "more than the document holds"},
      {"5bffffffffffffffff00", "more than the document holds"}, {"ba7fffffff00", "more than the document holds"}};
  for (const auto& [text, message] : table) EXPECT_ERROR(parse(hex(text)), Code::malformed, message);
  EXPECT_OK(parse(hex("a203040102"), Order::any));
  EXPECT_ERROR(parse(hex("a3010203040105"), Order::any), Code::malformed, "duplicate map key");
}

TEST(Cbor, BoundsDepthAndSize) {
  Bytes deep(16, std::byte{0x81});
  deep.push_back(std::byte{0});
  EXPECT_OK(parse(deep));
  deep.insert(deep.begin(), std::byte{0x81});
  EXPECT_ERROR(parse(deep), Code::malformed, "more than 16 levels");
  EXPECT_ERROR(parse(deep, Order::any, {.max_bytes = 4}), Code::malformed, "above the limit 4");
}

TEST(Cbor, RefusesEveryCut) {
  const Bytes whole = encode(Value::map({{Value::integer(1), Value::bytes(Bytes(300))},
                                         {Value::integer(2), Value::array({Value::text("abc"), Value::tagged(24, Value())})}}));
  ASSERT_OK(parse(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_ERROR(parse(ByteView(whole).first(size)), Code::malformed, "cbor at offset");
  }
}

TEST(MapReader, ReadsClosedMaps) {
  const Value value = Value::map({{Value::integer(1), Value::text("t")}, {Value::integer(2), Value::bytes(Bytes(4))},
                                  {Value::integer(3), Value::integer(9)}, {Value::integer(4), Value::boolean(true)}});
  const auto read = [&](bool whole, std::uint64_t max, const char* type) {
    MapReader reader(value, "message");
    reader.expect(1, type);
    EXPECT_LE((reader.fixed<FixedBytes<struct T, 4>>(2).view().size()), 4U);
    (void)reader.number(3, max);
    if (whole) (void)reader.boolean(4);
    return reader.finish();
  };
  EXPECT_OK(read(true, 9, "t"));
  EXPECT_ERROR(read(false, 9, "t"), Code::malformed, "message: unknown key 4");
  EXPECT_ERROR(read(true, 8, "t"), Code::malformed, "from 0 to 8");
  EXPECT_ERROR(read(true, 9, "u"), Code::malformed, "expected \"u\", found \"t\"");
  MapReader reader(value, "message");
  (void)reader.fixed<FixedBytes<struct U, 5>>(2);
  EXPECT_ERROR(reader.finish(), Code::malformed, "expected 5 bytes, found 4");
  EXPECT_ERROR(MapReader(Value(), "message").finish(), Code::malformed, "expected a map");
}

}  // namespace
}  // namespace redoubt::cbor
