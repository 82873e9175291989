// SecretBytes: keys and other secrets. Move-only, wiped on destruction and on assignment, never printable, compared in
// constant time. `reveal()` is the one way to read it, so that every use can be found by that word. The wipe covers
// this object's own buffer; copies that a caller makes are the caller's to wipe.
#pragma once

#include "common/base/bytes.h"

namespace redoubt {

class SecretBytes {
 public:
  SecretBytes() = default;
  // A zeroed secret of `size` bytes, to be filled through writable().
  explicit SecretBytes(std::size_t size) : bytes_(size) {}
  // copy_of takes a copy of `view`; the caller still owns (and should wipe) the source.
  static SecretBytes copy_of(ByteView view);

  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes() { wipe(); }

  SecretBytes clone() const { return copy_of(bytes_); }
  ByteView reveal() const { return bytes_; }
  std::span<std::byte> writable() { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  friend bool operator==(const SecretBytes& a, const SecretBytes& b) {
    return constant_time_equal(a.bytes_, b.bytes_);
  }

 private:
  void wipe() noexcept;
  Bytes bytes_;
};

// wipe overwrites bytes in a way that the compiler does not remove.
void wipe(std::span<std::byte> bytes) noexcept;

}  // namespace redoubt
