// Goal: Reader never reads past its bytes, stays failed after the first failure, and refuses trailing bytes; Writer and
// Fields write what Reader reads. Method: one structure, read whole, cut at every length, and with one byte more.
#include "common/base/reader.h"

#include <gtest/gtest.h>

#include "common/base/writer.h"
#include "tests/support/expect.h"

namespace redoubt {
namespace {

Bytes sample() {
  return Writer().u8(1).u16be(2).u32be(3).u64be(4).u16le(5).u32le(6).u64le(7).sized16be(as_bytes("ab")).take();
}

Status read_sample(ByteView bytes) {
  Reader reader(bytes, "sample");
  EXPECT_LE(reader.u8(), 1);
  reader.expect_u16be(2, "version");
  reader.expect_u32be(3, "magic");
  (void)reader.u64be();
  (void)reader.u16le();
  (void)reader.u32le();
  if (const auto seven = reader.u64le(); reader.ok()) {
    EXPECT_EQ(seven, 7U);
  }
  if (const auto text = reader.sized16be(2); reader.ok()) {
    EXPECT_EQ(as_text(text), "ab");
  }
  return reader.finish();
}

TEST(Reader, ReadsWhatWriterWrote) { EXPECT_OK(read_sample(sample())); }

TEST(Reader, RefusesEveryCutAndEveryTrailingByte) {
  const Bytes whole = sample();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_ERROR(read_sample(ByteView(whole).first(size)), Code::malformed, "sample at offset");
  }
  Bytes longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_ERROR(read_sample(longer), Code::malformed, "1 trailing bytes");
}

TEST(Reader, NamesTheFieldAndBothValues) {
  const Bytes bytes = Writer().u8(0).u16be(9).take();
  EXPECT_ERROR(read_sample(bytes), Code::malformed, "version: expected 2, found 9");
}

TEST(Reader, RefusesALengthAboveTheLimitBeforeReadingIt) {
  const Bytes bytes = Writer().sized32be(as_bytes("abc")).take();
  Reader reader(bytes, "field");
  EXPECT_TRUE(reader.sized32be(2).empty());
  EXPECT_ERROR(reader.status(), Code::malformed, "length 3 above the limit 2");
  EXPECT_EQ(reader.u64be(), 0U);
}

TEST(Fields, DifferentSplitsGiveDifferentBytes) {
  const Fields a = Fields("l").text("ab").text("c");
  const Fields b = Fields("l").text("a").text("bc");
  const Fields c = Fields("la").text("b").text("c");
  EXPECT_FALSE(equal(a.view(), b.view()));
  EXPECT_FALSE(equal(b.view(), c.view()));
}

}  // namespace
}  // namespace redoubt
