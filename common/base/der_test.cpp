// Goal: exactly one spelling of every value is read. Method: the shortest bytes that show each rule, and next to them the bytes
// that break it; every prefix of a nested structure.
#include "common/base/der.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt::der {
namespace {

// Bytes that live as long as the reader over them.
struct Input {
  explicit Input(std::string_view hex) : bytes(OrDie(hex_decode(hex))), reader(bytes, "thing") {}
  Bytes bytes;
  Reader reader;
};

template <class Read>
Status read_all(std::string_view hex, Read read) {
  Input in(hex);
  (void)read(in.reader);
  return in.reader.finish();
}
const auto kAny = [](Reader& reader) { return reader.any(); };
const auto kBoolean = [](Reader& reader) { return reader.boolean(); };
const auto kInteger = [](Reader& reader) { return reader.unsigned_integer(); };
const auto kNamedBits = [](Reader& reader) { return reader.named_bits(); };
const auto kTime = [](Reader& reader) { return reader.time(); };

TEST(Der, AnElementIsItsTagItsContentAndItsBytes) {
  Input in("0402abcd0500");
  const Element element = in.reader.element(Tag::octet_string);
  EXPECT_EQ(hex_encode(element.content), "abcd");
  EXPECT_EQ(hex_encode(element.whole), "0402abcd");
  EXPECT_EQ(in.reader.peek(), Tag::null);
  EXPECT_TRUE(in.reader.content(Tag::null).empty());
  EXPECT_FALSE(in.reader.peek().has_value());
  EXPECT_OK(in.reader.finish());
}

TEST(Der, LengthsAreMinimalAndDefinite) {
  EXPECT_OK(read_all("0481800" + std::string(255, '0'), kAny));
  EXPECT_ERROR(read_all("048101aa", kAny), Code::malformed, "not minimal");
  EXPECT_ERROR(read_all("04820080" + std::string(256, '0'), kAny), Code::malformed, "not minimal");
  EXPECT_ERROR(read_all("30800000", kAny), Code::malformed, "indefinite");
  EXPECT_ERROR(read_all("04850000000001aa", kAny), Code::malformed, "a length of 5 octets");
  EXPECT_ERROR(read_all("0484ffffffffaa", kAny), Code::malformed, "4294967295 bytes where 1 are left");
  EXPECT_ERROR(read_all("0482ff", kAny), Code::malformed, "a length of 2 octets");
  EXPECT_ERROR(read_all("0402aa", kAny), Code::malformed, "2 bytes where 1 are left");
  EXPECT_ERROR(read_all("04", kAny), Code::malformed, "without its length");
  EXPECT_ERROR(read_all("", kAny), Code::malformed, "found the end");
  EXPECT_ERROR(read_all("04000400", kAny), Code::malformed, "2 trailing bytes");
}

TEST(Der, TagsAreExpectedOnes) {
  EXPECT_ERROR(read_all("1f8101aa", kAny), Code::malformed, "above 30");
  EXPECT_ERROR(read_all("0000", kAny), Code::malformed, "end-of-contents");
  EXPECT_ERROR(read_all("0400", [](Reader& reader) { return reader.element(Tag::sequence); }), Code::malformed,
               "expected tag 0x30, found 0x04");
  Input in("800101");
  EXPECT_FALSE(in.reader.optional(context(1, false)).has_value());
  EXPECT_EQ(hex_encode(in.reader.optional(context(0, false)).value()), "01");
  EXPECT_FALSE(in.reader.optional(context(0, false)).has_value());
  EXPECT_OK(in.reader.finish());
}

TEST(Der, BooleansHaveTwoSpellings) {
  Input in("0101ff010100");
  EXPECT_TRUE(in.reader.boolean());
  EXPECT_FALSE(in.reader.boolean());
  EXPECT_OK(in.reader.finish());
  EXPECT_ERROR(read_all("010101", kBoolean), Code::malformed, "other than 00 and ff");
  EXPECT_ERROR(read_all("0102ffff", kBoolean), Code::malformed, "other than 00 and ff");
  EXPECT_ERROR(read_all("0100", kBoolean), Code::malformed, "other than 00 and ff");
}

TEST(Der, IntegersAreMinimalAndNotNegative) {
  Input in("02010002017f0202008002020100");
  EXPECT_EQ(hex_encode(in.reader.unsigned_integer()), "00");
  EXPECT_EQ(hex_encode(in.reader.unsigned_integer()), "7f");
  EXPECT_EQ(hex_encode(in.reader.unsigned_integer()), "80");
  EXPECT_EQ(in.reader.small(256), 256U);
  EXPECT_OK(in.reader.finish());
  EXPECT_ERROR(read_all("0200", kInteger), Code::malformed, "empty integer");
  EXPECT_ERROR(read_all("020180", kInteger), Code::malformed, "negative");
  EXPECT_ERROR(read_all("0202007f", kInteger), Code::malformed, "not minimal");
  EXPECT_ERROR(read_all("02020000", kInteger), Code::malformed, "not minimal");
  EXPECT_ERROR(read_all("02020101", [](Reader& reader) { return reader.small(256); }), Code::malformed, "above 256");
  EXPECT_ERROR(read_all("0209010000000000000000", [](Reader& reader) { return reader.small(~std::uint64_t{0}); }), Code::malformed,
               "an integer above");
  EXPECT_OK(read_all("020900ffffffffffffffff", [](Reader& reader) { return reader.small(~std::uint64_t{0}); }));
}

TEST(Der, BitStringsAreWholeBytesOrNamedBits) {
  Input in("030300aabb030205a003010003020004030303abf8");
  EXPECT_EQ(hex_encode(in.reader.bits()), "aabb");
  EXPECT_EQ(in.reader.named_bits(), 0xa000);
  EXPECT_EQ(in.reader.named_bits(), 0);
  EXPECT_EQ(in.reader.named_bits(), 0x0400);  // trailing zeros, as AMD writes them
  EXPECT_EQ(in.reader.named_bits(), 0xabf8);
  EXPECT_OK(in.reader.finish());
  EXPECT_ERROR(read_all("030201aa", [](Reader& reader) { return reader.bits(); }), Code::malformed, "whole bytes");
  EXPECT_ERROR(read_all("0300", [](Reader& reader) { return reader.bits(); }), Code::malformed, "whole bytes");
  EXPECT_ERROR(read_all("030206e0", kNamedBits), Code::malformed, "not zero");
  EXPECT_ERROR(read_all("03020800", kNamedBits), Code::malformed, "not zero");
  EXPECT_ERROR(read_all("030101", kNamedBits), Code::malformed, "not zero");
  EXPECT_ERROR(read_all("0300", kNamedBits), Code::malformed, "at most 16 bits");
  EXPECT_ERROR(read_all("030400aabbcc", kNamedBits), Code::malformed, "at most 16 bits");
}

std::string time_hex(Tag tag, std::string_view text) {
  return hex_encode(std::array{static_cast<std::byte>(tag), static_cast<std::byte>(text.size())}) + hex_encode(as_bytes(text));
}
std::string time_of(Tag tag, std::string_view text) {
  Input in(time_hex(tag, text));
  const Instant time = in.reader.time();
  const Status status = in.reader.finish();
  return status.ok() ? time.text() : status.error().message();
}

TEST(Der, TimesAreThoseOfRfc5280) {
  EXPECT_EQ(time_of(Tag::utc_time, "491231235959Z"), "2049-12-31T23:59:59Z");
  EXPECT_EQ(time_of(Tag::utc_time, "700101000000Z"), "1970-01-01T00:00:00Z");
  EXPECT_EQ(time_of(Tag::utc_time, "240229120000Z"), "2024-02-29T12:00:00Z");
  EXPECT_EQ(time_of(Tag::generalized_time, "20500101000000Z"), "2050-01-01T00:00:00Z");
  EXPECT_EQ(time_of(Tag::generalized_time, "99991231235959Z"), "9999-12-31T23:59:59Z");
  Input old(time_hex(Tag::utc_time, "500101000000Z"));
  EXPECT_EQ(old.reader.time().unix_seconds(), -631152000);
  EXPECT_OK(old.reader.finish());
  EXPECT_ERROR(read_all(time_hex(Tag::generalized_time, "20491231235959Z"), kTime), Code::malformed, "before 2050");
  for (const std::string_view text : {"2401010000Z", "240101000000+0100", "2401010000000", "24010100000 Z", "24010100000aZ"}) {
    EXPECT_FALSE(read_all(time_hex(Tag::utc_time, text), kTime).ok()) << text;
  }
  for (const std::string_view text : {"240001000000Z", "241301000000Z", "240100000000Z", "230229000000Z", "240101240000Z", "240101006000Z",
                                      "240101000060Z"}) {
    EXPECT_ERROR(read_all(time_hex(Tag::utc_time, text), kTime), Code::malformed, "no such date");
  }
  EXPECT_ERROR(read_all(time_hex(Tag::generalized_time, "20500101000000.5Z"), kTime), Code::malformed, "YYYYMMDDhhmmssZ");
  EXPECT_ERROR(read_all("0400", kTime), Code::malformed, "expected tag 0x17");
}

TEST(Der, OidsAreReadAndWritten) {
  constexpr auto sgx = oid("1.2.840.113741.1.13.1");
  EXPECT_EQ(hex_encode(sgx.view()), "2a864886f84d010d01");
  EXPECT_EQ(oid_text(sgx.view()), "1.2.840.113741.1.13.1");
  EXPECT_EQ(oid_text(oid("2.23.133.8.1").view()), "2.23.133.8.1");
  EXPECT_EQ(oid_text(oid("2.999.3").view()), "2.999.3");
  EXPECT_EQ(oid_text(oid("0.9.2342").view()), "0.9.2342");
  EXPECT_TRUE(sgx.view() == sgx);
  for (const std::string_view bad : {"", "80", "2a80", "2a8001", "2aff"}) EXPECT_EQ(oid_text(OrDie(hex_decode(bad))), "?") << bad;
  EXPECT_EQ(oid_text(Bytes(65, std::byte{1})), "?");
  EXPECT_EQ(oid_text(Bytes(20, std::byte{0xff})), "?");
}

TEST(Der, TheFirstFailureStaysAndGoesDown) {
  Input in("02018004020500");
  (void)in.reader.unsigned_integer();
  EXPECT_TRUE(in.reader.octet_string().empty());
  Reader inner = in.reader.enter(Tag::sequence, "inner");
  EXPECT_TRUE(inner.any().whole.empty());
  EXPECT_ERROR(inner.finish(), Code::malformed, "thing at offset 3: a negative integer");
  EXPECT_ERROR(in.reader.finish(), Code::malformed, "negative");
}

TEST(Der, EveryPrefixOfAStructureIsRefused) {
  const Bytes whole = OrDie(hex_decode("300c3007020101040200ff0101ff"));
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    Reader outer(ByteView(whole).first(size), "outer");
    Reader reader = outer.enter(Tag::sequence, "reader");
    Reader inner = reader.enter(Tag::sequence, "inner");
    (void)inner.small(1);
    (void)inner.octet_string();
    (void)reader.boolean();
    EXPECT_EQ(inner.finish().ok() && reader.finish().ok() && outer.finish().ok(), size == whole.size()) << size;
  }
}

}  // namespace
}  // namespace redoubt::der
