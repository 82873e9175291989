// Reader: the one bounds-checked cursor that serves all binary formats.
//
// A Reader borrows its bytes and never reads past them. After the first failure it stays failed: every later read gives
// zero or an empty view, and status() tells the first failure with its offset. So a parser may read a whole structure
// and check once at its end; it must do so before it uses a length for anything but another read, and must end with
// finish(), which refuses trailing bytes.
#pragma once

#include <cstdint>

#include "common/base/bytes.h"

namespace redoubt {

class Reader {
 public:
  // `what` names the structure in errors. Borrows both until the Reader is gone.
  Reader(ByteView bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(big(1)); }
  std::uint16_t u16be() { return static_cast<std::uint16_t>(big(2)); }
  std::uint32_t u32be() { return static_cast<std::uint32_t>(big(4)); }
  std::uint64_t u64be() { return big(8); }
  std::uint16_t u16le() { return static_cast<std::uint16_t>(little(2)); }
  std::uint32_t u32le() { return static_cast<std::uint32_t>(little(4)); }
  std::uint64_t u64le() { return little(8); }

  // bytes returns the next `size` bytes, or an empty view after a failure.
  ByteView bytes(std::size_t size);
  // sized16be / sized32be / sized32le: a length prefix, refused above `max`, then that many bytes.
  ByteView sized16be(std::size_t max);
  ByteView sized32be(std::size_t max);
  ByteView sized32le(std::size_t max);

  // fixed copies N bytes into a FixedBytes type (zero after a failure).
  template <class F>
  F fixed() {
    F out;
    const ByteView view = bytes(F::size);
    if (view.size() == F::size) std::ranges::copy(view, out.array().begin());
    return out;
  }

  // expect_* fail unless the next value equals `value`; `field` names it.
  void expect_u16be(std::uint16_t value, std::string_view field);
  void expect_u32be(std::uint32_t value, std::string_view field);

  // fail makes the reader fail here with `message`, unless it has already failed.
  void fail(std::string_view message, Code code = Code::malformed);

  std::size_t offset() const { return offset_; }
  std::size_t remaining() const { return bytes_.size() - offset_; }
  bool ok() const { return !error_.has_value(); }

  // status is the first failure, if any; finish also refuses bytes that were not read.
  Status status() const;
  Status finish();

 private:
  std::uint64_t big(std::size_t size);
  std::uint64_t little(std::size_t size);
  ByteView sized(std::uint64_t size, std::size_t max);

  ByteView bytes_;
  std::string_view what_;
  std::size_t offset_ = 0;
  std::optional<Error> error_;
};

}  // namespace redoubt
