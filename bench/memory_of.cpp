#include "bench/memory_of.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace redoubt::bench {

std::uint64_t resident_set(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/smaps_rollup");
  std::string word;
  while (file >> word) {
    std::uint64_t kib = 0;
    if (word == "Pss:" && file >> kib) return kib << 10;
  }
  return 0;
}

std::uint64_t resident_set_with_children(pid_t process) {
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
  std::vector<pid_t> open{process};
  while (!open.empty()) {
    const pid_t next = open.back();
    open.pop_back();
    sum += resident_set(next);
    const auto [first, last] = children.equal_range(next);
    for (auto child = first; child != last; ++child) open.push_back(child->second);
  }
  return sum;
}

}  // namespace redoubt::bench
