// FileCalls: the few system calls that collectors make, as an interface, so that tests can play the kernel.
//
// Each call answers as the kernel does, with short reads and interruptions left in: DeviceFolder deals with those. Implementations
// are thread-safe. POSIX.1-2017 open, read, write, close, mkdir, rmdir.
#pragma once

#include <string>

#include "common/base/bytes.h"

namespace redoubt::collect {

class FileCalls {
 public:
  enum class Mode { read, write };

  // Answer: a handle or a number of bytes, or an errno.
  struct Answer {
    long value = 0;
    int error = 0;
    bool ok() const { return error == 0; }
  };

  virtual ~FileCalls() = default;
  // open: an existing file; nothing is created, nothing is cut to length zero.
  virtual Answer open(const std::string& path, Mode mode) = 0;
  virtual Answer read(long file, std::span<std::byte> out) = 0;
  virtual Answer write(long file, ByteView bytes) = 0;
  virtual Answer close(long file) = 0;
  virtual Answer make_folder(const std::string& path) = 0;
  virtual Answer remove_folder(const std::string& path) = 0;
};

}  // namespace redoubt::collect
