// DeviceFolder: files of the kernel (or of a library OS) below one folder, each read and written in whole.
//
// The folder is a parameter, so that tests can point elsewhere. Every read is bounded: a file that gives more than its limit is
// `malformed`, never cut. Interrupted calls are repeated, a bounded number of times. Errors name the path, what was expected and
// what was found. Borrows its FileCalls; thread-safe as they are.
//
//   errno                                               code
//   ENOENT, ENOTDIR, ENXIO, ENODEV                      not_found
//   EACCES, EPERM, EINVAL, EEXIST, EISDIR, ENOTTY, ...  refused
//   EAGAIN, EBUSY, EINTR, ETIMEDOUT, EIO, all others    unavailable
#pragma once

#include "enclave/collect/base/file_calls.h"

namespace redoubt::collect {

class DeviceFolder {
 public:
  // How often a call that a signal broke off, or that asks to be tried again, is repeated.
  static constexpr int kRepeats = 16;

  DeviceFolder(FileCalls& calls, std::string root) : calls_(calls), root_(std::move(root)) {}

  std::string path(std::string_view name) const;

  // read: all of the file, `max` bytes at most.
  Result<Bytes> read(std::string_view name, std::size_t max) const;
  // read_text: a line of printable ASCII, without the newline at its end, if there is one.
  Result<std::string> read_text(std::string_view name, std::size_t max) const;
  // read_number: a decimal number in one line.
  Result<std::uint64_t> read_number(std::string_view name) const;
  // write: by one call; a kernel attribute takes all of it or nothing.
  Status write(std::string_view name, ByteView bytes) const;
  // make_folder: false when there is one of this name already.
  Result<bool> make_folder(std::string_view name) const;
  Status remove_folder(std::string_view name) const;

 private:
  FileCalls& calls_;
  const std::string root_;
};

}  // namespace redoubt::collect
