#include "bench/waiting_of.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace redoubt::bench {

namespace {

// waited_ms of one thread: the second number of its schedstat, in nanoseconds (Documentation/scheduler/sched-stats.rst of Linux).
double waited_ms(const std::filesystem::path& thread) {
  std::ifstream file(thread / "schedstat");
  double ran = 0, waited = 0;
  file >> ran >> waited;
  return waited / 1e6;
}

std::vector<std::filesystem::path> threads_of(pid_t process) {
  std::vector<std::filesystem::path> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task", error)) out.push_back(entry.path());
  return out;
}

}  // namespace

WaitMeter::WaitMeter(pid_t process) : process_(process) {
  look(true);
  thread_ = std::thread([this] {
    while (!over_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      look(false);
    }
  });
}

void WaitMeter::look(bool at_start) {
  std::vector<pid_t> open{process_};
  const auto note = [&](pid_t process, double ms) {
    const auto [known, fresh] = waited_.try_emplace(process);
    if (fresh && at_start) known->second.first = ms;
    known->second.last = std::max(known->second.last, ms);
  };
  note(getpid(), waited_ms("/proc/self"));
  while (!open.empty()) {
    const pid_t next = open.back();
    open.pop_back();
    double sum = 0;
    for (const auto& thread : threads_of(next)) {
      sum += waited_ms(thread);
      std::ifstream children(thread / "children");
      for (pid_t child = 0; children >> child;) open.push_back(child);
    }
    note(next, sum);
  }
}

double WaitMeter::stop_ms() {
  if (thread_.joinable()) {
    over_ = true;
    thread_.join();
  }
  double out = 0;
  for (const auto& [process, waited] : waited_) out += std::max(0.0, waited.last - waited.first);
  return out;
}

}  // namespace redoubt::bench
