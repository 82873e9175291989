#include "bench/memory_of.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace redoubt::bench {

namespace {

std::uint64_t private_and_files(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/smaps_rollup");
  std::uint64_t sum = 0;
  for (std::string word; file >> word;) {
    std::uint64_t kib = 0;
    if ((word == "Pss_Anon:" || word == "Pss_File:") && file >> kib) sum += kib << 10;
  }
  return sum;
}

// add_memory_files: by number, so that each counts once.
void add_memory_files(pid_t process, std::map<ino_t, std::uint64_t>& files) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd", error)) {
    const auto target = std::filesystem::read_symlink(entry.path(), error);
    struct stat found {};
    if (error || !target.string().starts_with("/memfd:") || stat(entry.path().c_str(), &found) != 0) continue;
    files[found.st_ino] = static_cast<std::uint64_t>(found.st_blocks) * 512;
  }
}

}  // namespace

std::uint64_t memory_with_children(pid_t process) {
  std::multimap<pid_t, pid_t> children;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "stat");
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const std::size_t end = text.rfind(')');  // of the program's name
    if (end == std::string::npos || end + 4 > text.size()) continue;
    children.emplace(static_cast<pid_t>(std::atoi(text.c_str() + end + 4)), static_cast<pid_t>(std::atoi(name.c_str())));
  }
  std::uint64_t sum = 0;
  std::map<ino_t, std::uint64_t> files;
  std::vector<pid_t> open{process};
  while (!open.empty()) {
    const pid_t next = open.back();
    open.pop_back();
    sum += private_and_files(next);
    add_memory_files(next, files);
    const auto [first, last] = children.equal_range(next);
    for (auto child = first; child != last; ++child) open.push_back(child->second);
  }
  for (const auto& [number, size] : files) sum += size;
  return sum;
}

}  // namespace redoubt::bench
