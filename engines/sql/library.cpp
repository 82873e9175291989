#include "engines/sql/library.h"

#include <dlfcn.h>
#include <duckdb.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

namespace redoubt::sql {
namespace {

constexpr std::size_t kWindow = 1U << 20;       // bytes mapped at once: the program's memory does not grow by its library
constexpr std::uint64_t kMaxLibrary = 1U << 30;  // bytes

// Window: bytes of a file, mapped as long as the object stands. That costs less time than copying them, which is seen where engines are
// started one after another. A file that is cut short meanwhile ends the program, as it does one that has it mapped to run it.
class Window {
 public:
  Window(int file, std::uint64_t offset, std::size_t size)
      : size_(size), at_(::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, static_cast<off_t>(offset))) {}
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  ~Window() {
    if (ok()) ::munmap(at_, size_);
  }
  bool ok() const { return at_ != MAP_FAILED; }
  ByteView bytes() const { return {static_cast<const std::byte*>(at_), size_}; }

 private:
  std::size_t size_;
  void* at_;
};

// digest_of_file: SHA-256 of all of a regular file; nothing when it cannot be read.
std::optional<crypto::Sha256Digest> digest_of_file(int file) {
  struct stat found {};
  if (::fstat(file, &found) != 0 || !S_ISREG(found.st_mode) || found.st_size < 0) return std::nullopt;
  const auto size = static_cast<std::uint64_t>(found.st_size);
  if (size > kMaxLibrary) return std::nullopt;
  crypto::Sha256 digest;
  for (std::uint64_t offset = 0; offset < size; offset += kWindow) {
    const Window window(file, offset, static_cast<std::size_t>(std::min<std::uint64_t>(kWindow, size - offset)));
    if (!window.ok()) return std::nullopt;
    digest.update(window.bytes());
  }
  return digest.finish();
}

}  // namespace

crypto::Sha256Digest VerifiedLibrary::expected_digest() {
  return crypto::Sha256Digest::from_hex(REDOUBT_DUCKDB_SHA256, "duckdb library").value();
}

Result<VerifiedLibrary> VerifiedLibrary::verify() { return verify_against(expected_digest()); }

Result<VerifiedLibrary> VerifiedLibrary::verify_against(const crypto::Sha256Digest& expected) {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&duckdb_library_version), &info) == 0 || info.dli_fname == nullptr) {
    return Error(Code::not_found, "duckdb library: the loader does not tell its file");
  }
  const int file = ::open(info.dli_fname, O_RDONLY | O_CLOEXEC);
  const auto found = file < 0 ? std::nullopt : digest_of_file(file);
  if (file >= 0) ::close(file);
  if (!found) return Error(Code::not_found, "duckdb library: cannot read the file that the loader mapped");
  if (*found != expected) {
    return Error(Code::measurement, "duckdb library: expected SHA-256 " + expected.hex() + ", found " + found->hex());
  }
  return VerifiedLibrary();
}

}  // namespace redoubt::sql
