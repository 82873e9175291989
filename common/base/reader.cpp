#include "common/base/reader.h"

namespace redoubt {
namespace {

// What is told of a read that fails, out of the way of those that do not: texts in the same function cost each read more than reading.
[[gnu::noinline, gnu::cold]] void fail_short(Reader& reader, std::size_t size) {
  reader.fail("expected " + std::to_string(size) + " bytes, found " + std::to_string(reader.remaining()));
}
[[gnu::noinline, gnu::cold]] void fail_long(Reader& reader, std::uint64_t size, std::size_t max) {
  reader.fail("length " + std::to_string(size) + " above the limit " + std::to_string(max));
}

}  // namespace

void Reader::fail(std::string_view message, Code code) {
  if (error_) return;
  error_ = Error(code, std::string(what_) + " at offset " + std::to_string(offset_) + ": " + std::string(message));
}

ByteView Reader::bytes(std::size_t size) {
  if (error_) return {};
  if (size > remaining()) {
    fail_short(*this, size);
    return {};
  }
  const ByteView view = bytes_.subspan(offset_, size);
  offset_ += size;
  return view;
}

std::uint64_t Reader::big(std::size_t size) {
  std::uint64_t value = 0;
  for (const std::byte b : bytes(size)) value = value << 8 | std::to_integer<std::uint64_t>(b);
  return value;
}

std::uint64_t Reader::little(std::size_t size) {
  std::uint64_t value = 0;
  unsigned shift = 0;
  for (const std::byte b : bytes(size)) {
    value |= std::to_integer<std::uint64_t>(b) << shift;
    shift += 8;
  }
  return value;
}

ByteView Reader::sized(std::uint64_t size, std::size_t max) {
  if (error_) return {};
  if (size > max) {
    fail_long(*this, size, max);
    return {};
  }
  return bytes(static_cast<std::size_t>(size));
}

ByteView Reader::sized16be(std::size_t max) { return sized(u16be(), max); }
ByteView Reader::sized32be(std::size_t max) { return sized(u32be(), max); }
ByteView Reader::sized32le(std::size_t max) { return sized(u32le(), max); }

void Reader::expect_u16be(std::uint16_t value, std::string_view field) {
  const std::uint16_t found = u16be();
  if (found != value) {
    fail(std::string(field) + ": expected " + std::to_string(value) + ", found " + std::to_string(found));
  }
}

void Reader::expect_u32be(std::uint32_t value, std::string_view field) {
  const std::uint32_t found = u32be();
  if (found != value) {
    fail(std::string(field) + ": expected " + std::to_string(value) + ", found " + std::to_string(found));
  }
}

Status Reader::status() const {
  if (error_) return *error_;
  return {};
}

Status Reader::finish() {
  if (!error_ && remaining() != 0) fail(std::to_string(remaining()) + " trailing bytes");
  return status();
}

}  // namespace redoubt
