// Cursor: reads CBOR (RFC 8949) item by item, without a tree and without copies.
//
// For foreign documents whose exact bytes are signed, and for hot paths: views borrow the bytes that were given. As strict as
// cbor::parse: integers in shortest form, valid UTF-8, no floats, no strings in chunks. As with Reader, the first failure stays,
// later reads give nothing, and finish() refuses what was not read. One thing is left to the caller, since keys are not kept
// here: a map's keys must differ. Bytes come from anywhere and are distrusted. Pure, no allocation except for errors.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/reader.h"

namespace redoubt::cbor {

// Lengths: whether arrays and maps may be of indefinite length (section 3.2.2). Real Nitro documents of 2025 are such maps.
enum class Lengths { definite, any_container };

enum class Kind { unsigned_integer, negative_integer, bytes, text, array, map, tag, simple };

class Cursor {
 public:
  // `what` names the structure in errors. Borrows both.
  Cursor(ByteView bytes, std::string_view what, Lengths lengths = Lengths::definite)
      : bytes_(bytes), reader_(bytes, what), lengths_(lengths) {}

  // peek: the kind of the next item; none at the end or after a failure.
  std::optional<Kind> peek() const;

  std::uint64_t unsigned_integer();
  // integer: one that fits 64 bits with sign.
  std::int64_t integer();
  // bytes, text: from `min` to `max` bytes; `field` names the item in errors.
  ByteView bytes(std::string_view field, std::size_t min, std::size_t max);
  std::string_view text(std::string_view field, std::size_t min, std::size_t max);
  // null: reads null, if it stands here.
  bool null();
  // tag: reads this tag, if it stands here.
  bool tag(std::uint64_t number);

  // Items of an array, or pairs of a map, of which one is inside. more() is asked before each; it tells the end.
  class Items {
   private:
    friend class Cursor;
    std::uint64_t left = 0;  // as many as there are, or as may be when open
    bool open = false;       // of indefinite length
  };
  Items array(std::string_view field, std::size_t max);
  Items map(std::string_view field, std::size_t max);
  bool more(Items& items);

  // skip: the whole next item as it stands in the bytes, nested at most 16 deep; well formed, otherwise unread.
  ByteView skip();

  void fail(std::string_view message, Code code = Code::malformed) { reader_.fail(message, code); }
  bool ok() const { return reader_.ok(); }
  Status status() const { return reader_.status(); }
  Status finish() { return reader_.finish(); }

 private:
  struct Head {
    Kind kind{};
    unsigned info = 0;           // the low five bits
    std::uint64_t argument = 0;  // 0 when the length is indefinite
    bool indefinite() const { return info == 31; }
  };
  Head head();
  // expect: the head of the next item, which must be of this kind.
  Head expect(Kind kind, std::string_view field);
  ByteView string(Kind kind, std::string_view field, std::size_t min, std::size_t max);
  Items container(Kind kind, std::string_view field, std::size_t max);
  void skip_item(std::size_t depth);

  ByteView bytes_;
  Reader reader_;
  Lengths lengths_;
};

}  // namespace redoubt::cbor
