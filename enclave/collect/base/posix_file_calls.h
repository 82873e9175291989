// PosixFileCalls: the kernel itself. Stateless, thread-safe.
#pragma once

#include "enclave/collect/base/file_calls.h"

namespace redoubt::collect {

class PosixFileCalls : public FileCalls {
 public:
  Answer open(const std::string& path, Mode mode) override;
  Answer read(long file, std::span<std::byte> out) override;
  Answer write(long file, ByteView bytes) override;
  Answer close(long file) override;
  Answer make_folder(const std::string& path) override;
  Answer remove_folder(const std::string& path) override;
};

}  // namespace redoubt::collect
