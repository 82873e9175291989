#include "enclave/seal/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace redoubt::seal {
namespace {

Error disk_error(std::string_view doing) {
  const int number = errno;
  return Error(Code::unavailable, "sealed state: " + std::string(doing) + ": " + std::strerror(number));
}

Status write_all(const Fd& file, std::uint64_t offset, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return disk_error("writing");
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

Result<StateFolder> StateFolder::open(const std::filesystem::path& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return disk_error("making folder " + path.string());
  Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return disk_error("opening folder " + path.string());
  if (flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error(Code::unavailable, "sealed state: folder " + path.string() + ": another process uses it");
  }
  return StateFolder(std::move(folder));
}

Result<Fd> StateFolder::open_file(const char* name) const {
  Fd file(openat(folder_.get(), name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0 && errno == ENOENT) return Error(Code::not_found, "sealed state: there is no file \"" + std::string(name) + "\"");
  if (file.get() < 0) return disk_error("opening " + std::string(name));
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) return disk_error("looking at " + std::string(name));
  if (!S_ISREG(facts.st_mode)) return Error(Code::refused, "sealed state: \"" + std::string(name) + "\" is no plain file");
  return file;
}

Result<Fd> StateFolder::replace(const char* name, ByteView bytes) const {
  const std::string fresh = std::string(name) + ".new";
  if (unlinkat(folder_.get(), fresh.c_str(), 0) != 0 && errno != ENOENT) return disk_error("removing " + fresh);
  Fd file(openat(folder_.get(), fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) return disk_error("making " + fresh);
  REDOUBT_CHECK(write_at(file, 0, bytes));
  if (renameat(folder_.get(), fresh.c_str(), folder_.get(), name) != 0) return disk_error("renaming " + fresh);
  REDOUBT_CHECK(sync());
  return file;
}

Result<bool> StateFolder::has(const char* name) const {
  struct stat facts {};
  if (fstatat(folder_.get(), name, &facts, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno == ENOENT) return false;
  return disk_error("looking for " + std::string(name));
}

Status StateFolder::keep_beside(const char* name, const char* second) const {
  if (linkat(folder_.get(), name, folder_.get(), second, 0) != 0) {
    if (errno == ENOENT || errno == EEXIST || errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK) return {};
    return disk_error("keeping " + std::string(name) + " as " + second);
  }
  return sync();
}

Status StateFolder::remove(const char* name) const {
  if (unlinkat(folder_.get(), name, 0) != 0) {
    if (errno == ENOENT) return {};
    return disk_error("removing " + std::string(name));
  }
  return sync();
}

Status StateFolder::sync() const {
  if (fsync(folder_.get()) != 0) return disk_error("syncing the folder");
  return {};
}

Result<std::uint64_t> file_size(const Fd& file) {
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) return disk_error("looking at the file");
  return static_cast<std::uint64_t>(facts.st_size);
}

Status read_at(const Fd& file, std::uint64_t offset, std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t count = pread(file.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return disk_error("reading");
    if (count == 0) return Error(Code::malformed, "sealed state: the file ends at byte " + std::to_string(offset));
    offset += static_cast<std::uint64_t>(count);
    out = out.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Status write_at(const Fd& file, std::uint64_t offset, ByteView bytes) {
  REDOUBT_CHECK(write_all(file, offset, bytes));
  return sync_file(file);
}

Status sync_file(const Fd& file) {
  if (fsync(file.get()) != 0) return disk_error("syncing");
  return {};
}

Status cut(const Fd& file, std::uint64_t size) {
  if (ftruncate(file.get(), static_cast<off_t>(size)) != 0) return disk_error("cutting off what was never acknowledged");
  return sync_file(file);
}

}  // namespace redoubt::seal
