#include "enclave/workloads/cleanroom/table_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "common/base/secret.h"

namespace redoubt::cleanroom {
namespace {

Error no_memory() { return Error(Code::unavailable, "no memory for the table"); }

// map: `size` bytes of the file, which are not nothing; null when it cannot be.
std::byte* map(int file, std::size_t size, int protection, int flags) {
  void* const memory = mmap(nullptr, size, protection, flags, file, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

}  // namespace

Result<TableMemory> TableMemory::create(std::uint64_t size) {
  TableMemory memory;
  memory.file_ = memfd_create("table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory.file_ < 0 || ftruncate(memory.file_, static_cast<off_t>(size)) != 0) return no_memory();
  if (size > 0) {
    memory.data_ = map(memory.file_, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE, MAP_SHARED);
    if (memory.data_ == nullptr) return no_memory();
    memory.size_ = static_cast<std::size_t>(size);
  }
  return memory;
}

TableMemory::TableMemory(TableMemory&& other) noexcept
    : file_(std::exchange(other.file_, -1)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), given_(std::exchange(other.given_, 0)),
      sealed_(std::exchange(other.sealed_, false)) {}

TableMemory& TableMemory::operator=(TableMemory&& other) noexcept {
  if (this != &other) {
    release();
    file_ = std::exchange(other.file_, -1);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    given_ = std::exchange(other.given_, 0);
    sealed_ = std::exchange(other.sealed_, false);
  }
  return *this;
}

TableMemory::~TableMemory() { release(); }

void TableMemory::release() {
  if (data_ != nullptr) {
    if (!sealed_) wipe(std::span(data_, given_));  // no more: to wipe a page is to ask for it
    munmap(data_, size_);
  }
  if (file_ >= 0) close(file_);
  file_ = -1;
  data_ = nullptr;
  size_ = given_ = 0;
  sealed_ = false;
}

std::span<std::byte> TableMemory::next(std::uint64_t size) {
  if (sealed_ || size > size_ - given_) return {};
  const auto out = std::span(data_, size_).subspan(given_, static_cast<std::size_t>(size));
  given_ += out.size();
  return out;
}

Status TableMemory::seal() {
  if (file_ < 0 || sealed_) return Error(Code::usage, "table memory: expected memory that is not sealed");
  if (given_ != size_) return Error(Code::usage, "table memory: expected " + std::to_string(size_) + " bytes, found " + std::to_string(given_));
  // A writable mapping keeps the kernel from sealing.
  if (data_ != nullptr) munmap(std::exchange(data_, nullptr), size_);
  if (fcntl(file_, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return Error(Code::unavailable, "table memory: cannot be sealed");
  if (size_ > 0) {
    // Private: kernels before 6.7 share no memory that is sealed, not even for reading. Nothing is copied, since nothing is written.
    data_ = map(file_, size_, PROT_READ, MAP_PRIVATE);
    if (data_ == nullptr) return no_memory();
  }
  sealed_ = true;
  return {};
}

}  // namespace redoubt::cleanroom
