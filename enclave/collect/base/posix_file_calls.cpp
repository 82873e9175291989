#include "enclave/collect/base/posix_file_calls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace redoubt::collect {
namespace {

FileCalls::Answer answer(long result) { return result < 0 ? FileCalls::Answer{0, errno} : FileCalls::Answer{result, 0}; }

}  // namespace

FileCalls::Answer PosixFileCalls::open(const std::string& path, Mode mode) {
  return answer(::open(path.c_str(), (mode == Mode::read ? O_RDONLY : O_WRONLY) | O_CLOEXEC | O_NOCTTY));
}

FileCalls::Answer PosixFileCalls::read(long file, std::span<std::byte> out) {
  return answer(::read(static_cast<int>(file), out.data(), out.size()));
}

FileCalls::Answer PosixFileCalls::write(long file, ByteView bytes) {
  return answer(::write(static_cast<int>(file), bytes.data(), bytes.size()));
}

FileCalls::Answer PosixFileCalls::close(long file) { return answer(::close(static_cast<int>(file))); }

FileCalls::Answer PosixFileCalls::make_folder(const std::string& path) { return answer(::mkdir(path.c_str(), 0700)); }

FileCalls::Answer PosixFileCalls::remove_folder(const std::string& path) { return answer(::rmdir(path.c_str())); }

}  // namespace redoubt::collect
