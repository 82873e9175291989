// StateFolder: the files of one sealed state, as calls that say what is durable.
//
// The folder is the host's. One process at a time has it open (flock). Nothing is believed here; a disk that does not do what it is asked is `unavailable`.
#pragma once

#include <filesystem>
#include <span>

#include "common/base/bytes.h"

namespace redoubt::seal {

// Fd: a file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

class StateFolder {
 public:
  // open makes the folder (0700) if it is not there, and locks it; `unavailable` when another process holds it.
  static Result<StateFolder> open(const std::filesystem::path& path);

  // open_file: for reading and writing; `not_found` when there is none, `refused` for what is no plain file.
  Result<Fd> open_file(const char* name) const;
  // replace makes `bytes` the whole file, durably, or leaves what was there; gives the new file.
  Result<Fd> replace(const char* name, ByteView bytes) const;
  // has: there is something of this name.
  Result<bool> has(const char* name) const;
  // keep_beside gives a file a second name, under which it stays when the first is replaced. Ok and nothing done when there is no such file, the second name is
  // taken (what was kept first stays), or the disk knows no second names.
  Status keep_beside(const char* name, const char* second) const;
  // remove: durably; ok when there is nothing to remove.
  Status remove(const char* name) const;

 private:
  Status sync() const;
  explicit StateFolder(Fd folder) : folder_(std::move(folder)) {}
  Fd folder_;
};

Result<std::uint64_t> file_size(const Fd& file);
// read_at fills `out`; `malformed` when the file ends before.
Status read_at(const Fd& file, std::uint64_t offset, std::span<std::byte> out);
// write_at writes all and syncs; after an error any part of it may be in the file.
Status write_at(const Fd& file, std::uint64_t offset, ByteView bytes);
Status sync_file(const Fd& file);
// cut makes the file end at `size`, durably.
Status cut(const Fd& file, std::uint64_t size);

}  // namespace redoubt::seal
