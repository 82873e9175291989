#include "client/sdk/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace redoubt::sdk {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Error failed(const fs::path& path, std::string_view doing) {
  return Error(Code::unavailable, std::string(doing) + " " + path.string() + ": " + std::strerror(errno));
}

std::string octal(unsigned mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", mode);
  return text;
}

// open_regular checks the very file that is read, not a name that may change in between.
Result<int> open_regular(const fs::path& path, struct stat& status) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Error(Code::not_found, "no file " + path.string());
    return failed(path, "opening");
  }
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    return Error(Code::malformed, path.string() + ": expected a regular file");
  }
  return fd;
}

// read_all fills `out`, whose size is the file's; a file that changes meanwhile is an error.
Status read_all(int fd, const fs::path& path, std::span<std::byte> out) {
  std::size_t at = 0;
  while (at < out.size()) {
    const ssize_t got = ::read(fd, out.data() + at, out.size() - at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path, "reading");
    if (got == 0) return Error(Code::unavailable, path.string() + ": became shorter while it was read");
    at += static_cast<std::size_t>(got);
  }
  return {};
}

Status check_size(const fs::path& path, const struct stat& status, std::size_t max_size) {
  if (static_cast<std::uint64_t>(status.st_size) <= max_size) return {};
  return Error(Code::malformed, path.string() + ": expected at most " + std::to_string(max_size) + " bytes, found " +
                                    std::to_string(status.st_size));
}

Status make_folder(const fs::path& folder) {
  if (folder.empty() || fs::exists(folder)) return {};
  REDOUBT_CHECK(make_folder(folder.parent_path()));
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return failed(folder, "making folder");
  return {};
}

Status write_all(int fd, const fs::path& path, ByteView content) {
  std::size_t at = 0;
  while (at < content.size()) {
    const ssize_t put = ::write(fd, content.data() + at, content.size() - at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failed(path, "writing");
    at += static_cast<std::size_t>(put);
  }
  if (::fsync(fd) != 0) return failed(path, "syncing");
  return {};
}

Result<fs::path> write_beside(const fs::path& path, ByteView content, FileKind kind) {
  REDOUBT_CHECK(make_folder(path.parent_path()));
  std::string name = path.string() + ".XXXXXX";
  const Descriptor file(::mkostemp(name.data(), O_CLOEXEC));  // mode 0600
  if (file.get() < 0) return failed(path, "writing");
  const mode_t mode = kind == FileKind::secret ? 0600 : 0644;
  Status status = ::fchmod(file.get(), mode) == 0 ? write_all(file.get(), path, content) : failed(path, "writing");
  if (status.ok()) return fs::path(name);
  ::unlink(name.c_str());
  return status.error();
}

Status sync_folder(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return failed(folder, "syncing");
  return {};
}

}  // namespace

Result<std::string> read_file(const fs::path& path, std::size_t max_size) {
  struct stat status {};
  REDOUBT_TRY(const int opened, open_regular(path, status));
  const Descriptor fd(opened);
  REDOUBT_CHECK(check_size(path, status, max_size));
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  REDOUBT_CHECK(read_all(fd.get(), path, std::as_writable_bytes(std::span(text))));
  return text;
}

Result<SecretBytes> read_secret(const fs::path& path, std::size_t max_size) {
  struct stat status {};
  REDOUBT_TRY(const int opened, open_regular(path, status));
  const Descriptor fd(opened);
  const unsigned mode = status.st_mode & 07777U;
  if (mode != 0600) {
    return Error(Code::refused, path.string() + ": expected mode 0600, found " + octal(mode) + "; others may have read it");
  }
  if (status.st_uid != ::geteuid()) return Error(Code::refused, path.string() + ": belongs to another user");
  REDOUBT_CHECK(check_size(path, status, max_size));
  SecretBytes content(static_cast<std::size_t>(status.st_size));
  REDOUBT_CHECK(read_all(fd.get(), path, content.writable()));
  return content;
}

Status write_file(const fs::path& path, ByteView content, FileKind kind) {
  REDOUBT_TRY(const fs::path temporary, write_beside(path, content, kind));
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = failed(path, "replacing");
    ::unlink(temporary.c_str());
    return error;
  }
  return sync_folder(path);
}

Status write_new(const fs::path& path, ByteView content, FileKind kind) {
  REDOUBT_TRY(const fs::path temporary, write_beside(path, content, kind));
  // link() fails where a file stands: unlike a look before a rename, nothing can come in between.
  const int linked = ::link(temporary.c_str(), path.c_str());
  const int reason = errno;
  ::unlink(temporary.c_str());
  errno = reason;
  if (linked != 0 && reason == EEXIST) return Error(Code::refused, path.string() + ": is there already and is not replaced");
  if (linked != 0) return failed(path, "writing");
  return sync_folder(path);
}

}  // namespace redoubt::sdk
