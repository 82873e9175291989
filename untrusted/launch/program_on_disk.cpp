#include "untrusted/launch/program_on_disk.h"

#include <fstream>

namespace redoubt::launch {
namespace {
namespace fs = std::filesystem;

class DiskFiles final : public measure::ProgramFiles {
 public:
  bool exists(const std::string& path) const override {
    std::error_code error;
    return fs::exists(path, error);
  }

  Result<std::string> canonical(const std::string& path) const override {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    if (error) return Error(Code::not_found, path + ": " + error.message());
    return real.string();
  }

  Result<Bytes> read(const std::string& path) const override {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) return Error(Code::not_found, path + ": expected a regular file");
    const std::uintmax_t size = fs::file_size(path, error);
    if (error) return Error(Code::not_found, path + ": " + error.message());
    if (size > kMaxFileSize) return Error(Code::refused, path + ": larger than 1 GiB");
    std::ifstream file(path, std::ios::binary);
    Bytes bytes(static_cast<std::size_t>(size));
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file) return Error(Code::not_found, path + ": not a file that can be read");
    return bytes;
  }
};

}  // namespace

Result<measure::MeasuredProgram> measure_program(const measure::ProgramSpec& spec) {
  return measure::measure_program(spec, DiskFiles());
}

Result<measure::MeasuredProgram> measure_cleanroom(const fs::path& folder) {
  const DiskFiles files;
  return measure::measure_program(measure::cleanroom_spec(folder, files), files);
}

Status check_mapped(pid_t pid, const std::vector<std::string>& files) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  if (!maps) return Error(Code::not_found, "process " + std::to_string(pid));
  // address perms offset dev inode path (proc(5))
  std::string line;
  std::size_t count = 0;
  while (std::getline(maps, line)) {
    const std::size_t permissions = line.find(' ');
    if (permissions == std::string::npos || line.size() < permissions + 5) continue;
    if (line[permissions + 3] != 'x') continue;
    const std::size_t slash = line.find('/');
    if (slash == std::string::npos) {
      // Anonymous memory and the kernel's own pages ([vdso], [vsyscall]) have no file to compare.
      continue;
    }
    ++count;
    const std::string path = line.substr(slash);
    if (std::ranges::find(files, path) == files.end()) {
      return Error(Code::measurement, "process " + std::to_string(pid) + " maps " + path + ", which was not measured");
    }
  }
  if (count == 0) return Error(Code::not_found, "process " + std::to_string(pid) + " maps no file");
  return {};
}

}  // namespace redoubt::launch
