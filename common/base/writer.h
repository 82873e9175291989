// Writer: appends integers and length-prefixed bytes. The counterpart of Reader; it cannot fail, except that a field
// longer than its prefix can say ends the process (callers bound their inputs).
//
// fields() starts a structure that will be hashed or signed: its own label first, then every field with a length
// prefix, so that no two different structures give the same bytes (docs/specs/hashed-structures.md).
#pragma once

#include <cstdint>

#include "common/base/bytes.h"

namespace redoubt {

class Writer {
 public:
  Writer& u8(std::uint8_t value) { return big(value, 1); }
  Writer& u16be(std::uint16_t value) { return big(value, 2); }
  Writer& u32be(std::uint32_t value) { return big(value, 4); }
  Writer& u64be(std::uint64_t value) { return big(value, 8); }
  Writer& u16le(std::uint16_t value) { return little(value, 2); }
  Writer& u32le(std::uint32_t value) { return little(value, 4); }
  Writer& u64le(std::uint64_t value) { return little(value, 8); }
  Writer& bytes(ByteView view) {
    append(bytes_, view);
    return *this;
  }
  Writer& sized16be(ByteView view);
  Writer& sized32be(ByteView view);

  ByteView view() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  // take moves the bytes out; the Writer is empty after it.
  Bytes take() { return std::move(bytes_); }

 private:
  Writer& big(std::uint64_t value, unsigned size);
  Writer& little(std::uint64_t value, unsigned size);
  Bytes bytes_;
};

// Fields: label, then fields, each with a 32-bit big-endian length prefix. Numbers are fields of 8 bytes.
class Fields {
 public:
  explicit Fields(std::string_view label) { writer_.sized32be(as_bytes(label)); }
  Fields& field(ByteView view) {
    writer_.sized32be(view);
    return *this;
  }
  Fields& text(std::string_view value) { return field(as_bytes(value)); }
  Fields& number(std::uint64_t value) {
    writer_.u32be(8).u64be(value);
    return *this;
  }
  ByteView view() const { return writer_.view(); }

 private:
  Writer writer_;
};

}  // namespace redoubt
