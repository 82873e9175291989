#include "common/base/cbor_cursor.h"

#include <limits>

#include "common/base/utf8.h"

namespace redoubt::cbor {
namespace {

constexpr std::size_t kMaxDepth = 16;
constexpr std::uint8_t kBreak = 0xff;
constexpr std::uint8_t kNullByte = 0xf6;

std::string_view kind_text(Kind kind) {
  switch (kind) {
    case Kind::unsigned_integer: return "an unsigned integer";
    case Kind::negative_integer: return "a negative integer";
    case Kind::bytes: return "bytes";
    case Kind::text: return "text";
    case Kind::array: return "an array";
    case Kind::map: return "a map";
    case Kind::tag: return "a tag";
    case Kind::simple: return "a simple value";
  }
  return "?";
}

}  // namespace

std::optional<Kind> Cursor::peek() const {
  if (!reader_.ok() || reader_.remaining() == 0) return std::nullopt;
  return static_cast<Kind>(std::to_integer<unsigned>(bytes_[reader_.offset()]) >> 5U);
}

Cursor::Head Cursor::head() {
  const unsigned initial = reader_.u8();
  Head head{static_cast<Kind>(initial >> 5U), initial & 31U, initial & 31U};
  std::uint64_t least = 0;
  switch (head.info) {
    case 24: head.argument = reader_.u8(), least = 24; break;
    case 25: head.argument = reader_.u16be(), least = 0x100; break;
    case 26: head.argument = reader_.u32be(), least = 0x10000; break;
    case 27: head.argument = reader_.u64be(), least = 0x100000000; break;
    case 28:
    case 29:
    case 30: fail("reserved additional information"); break;
    case 31:
      head.argument = 0;
      if (lengths_ == Lengths::definite || (head.kind != Kind::array && head.kind != Kind::map)) fail("indefinite length");
      break;
    default: break;
  }
  if (reader_.ok() && head.argument < least) fail("integer not in its shortest form");
  if (!reader_.ok()) return {};
  return head;
}

Cursor::Head Cursor::expect(Kind kind, std::string_view field) {
  const auto found = peek();
  if (found != kind) {
    if (reader_.ok()) {
      fail(std::string(field) + ": expected " + std::string(kind_text(kind)) + ", found " +
           std::string(found ? kind_text(*found) : "the end"));
    }
    return {};
  }
  return head();
}

std::uint64_t Cursor::unsigned_integer() { return expect(Kind::unsigned_integer, "integer").argument; }

std::int64_t Cursor::integer() {
  const bool negative = peek() == Kind::negative_integer;
  const Head found = expect(negative ? Kind::negative_integer : Kind::unsigned_integer, "integer");
  if (found.argument > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    fail("integer does not fit 64 bits");
    return 0;
  }
  const auto value = static_cast<std::int64_t>(found.argument);
  return negative && reader_.ok() ? -1 - value : value;
}

ByteView Cursor::string(Kind kind, std::string_view field, std::size_t min, std::size_t max) {
  const Head found = expect(kind, field);
  if (reader_.ok() && (found.argument < min || found.argument > max)) {
    fail(std::string(field) + ": expected " + std::to_string(min) + " to " + std::to_string(max) + " bytes, found " +
         std::to_string(found.argument));
  }
  return reader_.ok() ? reader_.bytes(static_cast<std::size_t>(found.argument)) : ByteView{};
}

ByteView Cursor::bytes(std::string_view field, std::size_t min, std::size_t max) {
  return string(Kind::bytes, field, min, max);
}

std::string_view Cursor::text(std::string_view field, std::size_t min, std::size_t max) {
  const std::string_view text = as_text(string(Kind::text, field, min, max));
  if (valid_utf8(text)) return text;
  fail(std::string(field) + ": text is not valid UTF-8");
  return {};
}

bool Cursor::null() {
  if (peek() != Kind::simple || std::to_integer<std::uint8_t>(bytes_[reader_.offset()]) != kNullByte) return false;
  static_cast<void>(reader_.u8());
  return true;
}

bool Cursor::tag(std::uint64_t number) {
  if (peek() != Kind::tag) return false;
  const Head found = head();
  if (reader_.ok() && found.argument != number) {
    fail("expected tag " + std::to_string(number) + ", found tag " + std::to_string(found.argument));
  }
  return reader_.ok();
}

Cursor::Items Cursor::container(Kind kind, std::string_view field, std::size_t max) {
  const Head found = expect(kind, field);
  Items items;
  if (!reader_.ok()) return items;
  if (found.argument > max) {
    fail(std::string(field) + ": expected at most " + std::to_string(max) + " items, found " + std::to_string(found.argument));
    return items;
  }
  items.open = found.indefinite();
  items.left = items.open ? max : found.argument;
  return items;
}

Cursor::Items Cursor::array(std::string_view field, std::size_t max) { return container(Kind::array, field, max); }
Cursor::Items Cursor::map(std::string_view field, std::size_t max) { return container(Kind::map, field, max); }

bool Cursor::more(Items& items) {
  if (!reader_.ok()) return false;
  if (!items.open) return items.left > 0 && items.left-- > 0;
  if (reader_.remaining() > 0 && std::to_integer<std::uint8_t>(bytes_[reader_.offset()]) == kBreak) {
    static_cast<void>(reader_.u8());
    return false;
  }
  if (items.left == 0) {
    fail("more items than are allowed");
    return false;
  }
  --items.left;
  return true;
}

ByteView Cursor::skip() {
  const std::size_t begin = reader_.offset();
  skip_item(0);
  return reader_.ok() ? bytes_.subspan(begin, reader_.offset() - begin) : ByteView{};
}

void Cursor::skip_item(std::size_t depth) {
  if (depth > kMaxDepth) return fail("more than " + std::to_string(kMaxDepth) + " levels");
  const auto kind = peek();
  if (!kind) return fail("expected an item, found the end");
  switch (*kind) {
    case Kind::unsigned_integer:
    case Kind::negative_integer: static_cast<void>(head()); return;
    case Kind::bytes: static_cast<void>(bytes("bytes", 0, reader_.remaining())); return;
    case Kind::text: static_cast<void>(text("text", 0, reader_.remaining())); return;
    case Kind::array:
    case Kind::map: {
      Items items = container(*kind, "container", reader_.remaining());
      while (more(items)) {
        skip_item(depth + 1);
        if (*kind == Kind::map) skip_item(depth + 1);
      }
      return;
    }
    case Kind::tag:
      static_cast<void>(head());
      if (reader_.ok()) skip_item(depth + 1);
      return;
    case Kind::simple: {
      const std::uint8_t value = reader_.u8();
      if (value != 0xf4 && value != 0xf5 && value != kNullByte) fail("floats and other simple values are not accepted");
      return;
    }
  }
}

}  // namespace redoubt::cbor
