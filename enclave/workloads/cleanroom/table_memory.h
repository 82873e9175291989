// TableMemory: the memory of one decrypted table, which can be handed to another process and never changes once it is sealed.
//
// It is a file without a name (memfd_create(2)): in memory, on no disk, gone with the last process that holds it, and cleared by the kernel
// before anybody else gets its pages. It is written by this process alone, from its first byte to its last, then sealed against every change, its own included, so that what
// was checked is what each engine reads. What was written and never sealed is wiped. Move-only; one thread at a time. Linux 3.17 and up; a platform
// without such files has no clean room.
#pragma once

#include "common/base/bytes.h"

namespace redoubt::cleanroom {

class TableMemory {
 public:
  TableMemory() = default;
  // create: `size` zero bytes to be written; the system gives pages as they are touched. `unavailable` when it gives none.
  static Result<TableMemory> create(std::uint64_t size);

  TableMemory(TableMemory&& other) noexcept;
  TableMemory& operator=(TableMemory&& other) noexcept;
  ~TableMemory();

  // next: the `size` bytes after those that it gave before, to be written; empty when there are not so many left, or it is sealed. Pages
  // that were never asked for take no memory.
  std::span<std::byte> next(std::uint64_t size);
  // seal makes the bytes unchangeable for everybody. `usage` before all of them were asked for; `unavailable` when the kernel refuses: the
  // memory must then not be used.
  Status seal();

  bool sealed() const { return sealed_; }
  // view: the bytes; empty before they are sealed.
  ByteView view() const { return sealed_ ? ByteView(data_, size_) : ByteView(); }
  // file: its descriptor, borrowed; -1 before it is sealed.
  int file() const { return sealed_ ? file_ : -1; }

 private:
  void release();

  int file_ = -1;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t given_ = 0;  // by next
  bool sealed_ = false;
};

}  // namespace redoubt::cleanroom
