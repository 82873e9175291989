// FakeFiles: FileCalls for tests: handles, short reads and injected errors are here; what a file holds and what a write does is said by
// a class above it, which plays one kernel interface.
#pragma once

#include <cerrno>
#include <deque>
#include <map>

#include "enclave/collect/base/file_calls.h"

namespace redoubt::collect {

class FakeFiles : public FileCalls {
 public:
  // faults: errnos that the next calls give, one each, by call and last part of the path: "read outblob", "mkdir", "rmdir".
  std::map<std::string, std::deque<int>> faults;
  std::size_t largest_read = 7;  // what one read gives at most
  bool short_writes = false;     // a write takes one byte less
  bool lying_reads = false;      // a read claims more than there was room for
  int open_files = 0;

  Answer open(const std::string& path, Mode mode) override {
    const std::string name = last_part(path);
    if (const int error = fault("open " + name)) return {0, error};
    if (const int error = exists(path)) return {0, error};
    ++open_files;
    files_[++last_] = {path, name, mode, {}, false};
    return {last_, 0};
  }
  Answer read(long file, std::span<std::byte> out) override {
    const auto found = files_.find(file);
    if (found == files_.end() || found->second.mode != Mode::read) return {0, EBADF};
    File& open = found->second;
    if (const int error = fault("read " + open.name)) return {0, error};
    if (lying_reads) return {static_cast<long>(out.size()) + 1, 0};
    if (!open.filled) {
      if (const int error = fill(open.path, open.rest)) return {0, error};
      open.filled = true;
    }
    const std::size_t size = std::min({out.size(), open.rest.size(), largest_read});
    std::copy_n(open.rest.begin(), size, out.begin());
    open.rest.erase(open.rest.begin(), open.rest.begin() + static_cast<std::ptrdiff_t>(size));
    return {static_cast<long>(size), 0};
  }
  Answer write(long file, ByteView bytes) override {
    const auto found = files_.find(file);
    if (found == files_.end() || found->second.mode != Mode::write) return {0, EBADF};
    if (const int error = fault("write " + found->second.name)) return {0, error};
    if (short_writes) bytes = bytes.first(bytes.size() - 1);
    if (const int error = store(found->second.path, bytes)) return {0, error};
    return {static_cast<long>(bytes.size()), 0};
  }
  Answer close(long file) override {
    const auto found = files_.find(file);
    if (found == files_.end()) return {0, EBADF};
    const std::string name = found->second.name;
    files_.erase(found);
    --open_files;
    return {0, fault("close " + name)};
  }
  Answer make_folder(const std::string& path) override {
    if (const int error = fault("mkdir")) return {0, error};
    return {0, make(path)};
  }
  Answer remove_folder(const std::string& path) override {
    if (const int error = fault("rmdir")) return {0, error};
    return {0, remove(path)};
  }

 protected:
  static std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

 private:
  // Each gives 0 or an errno.
  virtual int exists(const std::string& path) = 0;
  virtual int fill(const std::string& path, Bytes& out) = 0;
  virtual int store(const std::string& path, ByteView bytes) = 0;
  virtual int make(const std::string&) { return EPERM; }
  virtual int remove(const std::string&) { return EPERM; }

  struct File {
    std::string path, name;
    Mode mode;
    Bytes rest;
    bool filled;
  };

  int fault(const std::string& call) {
    const auto found = faults.find(call);
    if (found == faults.end() || found->second.empty()) return 0;
    const int error = found->second.front();
    found->second.pop_front();
    return error;
  }

  std::map<long, File> files_;
  long last_ = 2;
};

}  // namespace redoubt::collect
