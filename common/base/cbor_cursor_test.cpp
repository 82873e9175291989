// Goal: the cursor reads exactly what cbor::parse reads, plus containers of indefinite length when asked. Method: the values and
// refusals of RFC 8949 appendix A, item by item and skipped, and every cut of a document.
#include "common/base/cbor_cursor.h"

#include <gtest/gtest.h>

#include "common/base/cbor.h"
#include "tests/support/expect.h"

namespace redoubt::cbor {
namespace {

Bytes decoded(std::string_view text) { return OrDie(hex_decode(text)); }

TEST(CborCursor, ReadsItemByItemWithoutCopies) {
  const Bytes bytes = decoded("d28643010203636162631b000001bb4f2d00003822f6a2004401020304187f80");
  Cursor cursor(bytes, "sample");
  EXPECT_EQ(cursor.peek(), Kind::tag);
  EXPECT_TRUE(cursor.tag(18));
  EXPECT_FALSE(cursor.tag(18)) << "read already";
  auto items = cursor.array("items", 6);
  ASSERT_TRUE(cursor.more(items));
  const ByteView view = cursor.bytes("first", 3, 3);
  EXPECT_EQ(hex_encode(view), "010203");
  EXPECT_EQ(view.data(), bytes.data() + 3);
  ASSERT_TRUE(cursor.more(items));
  EXPECT_EQ(cursor.text("second", 1, 3), "abc");
  ASSERT_TRUE(cursor.more(items));
  EXPECT_EQ(cursor.unsigned_integer(), 0x1bb4f2d0000U);
  ASSERT_TRUE(cursor.more(items));
  EXPECT_EQ(cursor.integer(), -35);
  ASSERT_TRUE(cursor.more(items));
  EXPECT_TRUE(cursor.null());
  ASSERT_TRUE(cursor.more(items));
  EXPECT_EQ(hex_encode(cursor.skip()), "a2004401020304187f80");
  EXPECT_FALSE(cursor.more(items));
  EXPECT_OK(cursor.finish());
}

TEST(CborCursor, TakesIndefiniteContainersOnlyWhenAsked) {
  const Bytes bytes = decoded("bf61619f0102ffff");
  Cursor strict(bytes, "sample");
  static_cast<void>(strict.map("map", 4));
  EXPECT_ERROR(strict.status(), Code::malformed, "indefinite length");

  Cursor cursor(bytes, "sample", Lengths::any_container);
  auto members = cursor.map("map", 1);
  ASSERT_TRUE(cursor.more(members));
  EXPECT_EQ(cursor.text("key", 1, 1), "a");
  auto items = cursor.array("array", 2);
  ASSERT_TRUE(cursor.more(items));
  EXPECT_EQ(cursor.integer(), 1);
  ASSERT_TRUE(cursor.more(items));
  EXPECT_EQ(cursor.integer(), 2);
  EXPECT_FALSE(cursor.more(items));
  EXPECT_FALSE(cursor.more(members));
  EXPECT_OK(cursor.finish());

  Cursor bounded(bytes, "sample", Lengths::any_container);
  auto few = bounded.map("map", 0);
  EXPECT_FALSE(bounded.more(few));
  EXPECT_ERROR(bounded.status(), Code::malformed, "more items than are allowed");

  const Bytes chunks = decoded("5f4101ff");
  Cursor chunked(chunks, "sample", Lengths::any_container);
  static_cast<void>(chunked.bytes("value", 0, 8));
  EXPECT_ERROR(chunked.status(), Code::malformed, "indefinite length");
  Cursor skipped(chunks, "sample", Lengths::any_container);
  static_cast<void>(skipped.skip());
  EXPECT_ERROR(skipped.status(), Code::malformed, "indefinite length");
}

TEST(CborCursor, RefusesTheOtherKindAndNamesTheField) {
  const Bytes bytes = decoded("4101");
  Cursor text(bytes, "sample");
  EXPECT_TRUE(text.text("name", 0, 9).empty());
  EXPECT_ERROR(text.status(), Code::malformed, "sample at offset 0: name: expected text, found bytes");
  Cursor large(bytes, "sample");
  EXPECT_TRUE(large.bytes("name", 2, 4).empty());
  EXPECT_ERROR(large.status(), Code::malformed, "name: expected 2 to 4 bytes, found 1");
  Cursor many(bytes, "sample");
  static_cast<void>(many.array("list", 2));
  EXPECT_ERROR(many.status(), Code::malformed, "list: expected an array, found bytes");
  Cursor end(ByteView{}, "sample");
  static_cast<void>(end.integer());
  EXPECT_ERROR(end.status(), Code::malformed, "expected an unsigned integer, found the end");
  const Bytes tagged = decoded("d100");
  Cursor tag(tagged, "sample");
  EXPECT_FALSE(tag.tag(18));
  EXPECT_ERROR(tag.status(), Code::malformed, "expected tag 18, found tag 17");
  const Bytes wide = decoded("1bffffffffffffffff");
  Cursor integer(wide, "sample");
  static_cast<void>(integer.integer());
  EXPECT_ERROR(integer.status(), Code::malformed, "does not fit");
}

TEST(CborCursor, SkipsWhatTheTreeReaderReadsAndNothingElse) {
  for (const char* text : {"00", "1864", "20", "f4", "f5", "f6", "4401020304", "6449455446", "8201820203", "a201020304", "c11a514b67b0",
                           "1817", "1900ff", "5801ff", "9fff", "bfff", "5f42010243030405ff", "1c", "f93c00", "fa47c35000", "f7", "f0",
                           "f818", "61ff", "9bffffffffffffffff00", "5bffffffffffffffff00", "ba7fffffff00", "", "81", "a100", "c1"}) {
    const Bytes bytes = decoded(text);
    Cursor cursor(bytes, "sample");
    const ByteView skipped = cursor.skip();
    EXPECT_EQ(cursor.finish().ok(), parse(bytes, Order::any).ok()) << text;
    if (cursor.ok()) {
      EXPECT_TRUE(equal(skipped, bytes)) << text;
    }
  }
  Bytes deep(17, std::byte{0x81});
  deep.push_back(std::byte{0});
  Cursor cursor(deep, "sample");
  static_cast<void>(cursor.skip());
  EXPECT_ERROR(cursor.status(), Code::malformed, "more than 16 levels");
}

TEST(CborCursor, RefusesEveryCut) {
  const Bytes whole = decoded("bf6161824201029f03ff6162c1182aff");
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    Cursor cursor(ByteView(whole).first(size), "sample", Lengths::any_container);
    static_cast<void>(cursor.skip());
    EXPECT_EQ(cursor.finish().ok(), size == whole.size()) << size;
  }
}

}  // namespace
}  // namespace redoubt::cbor
