// Child: a program of ours beside this one, with exactly the arguments it was given, an empty environment and its standard output to read.
//
// The kernel ends it when the thread that started it ends, so that a killed command leaves nothing running. What it prints is not
// trusted. One thread at a time.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace redoubt::corpus {

class Child {
 public:
  // start: `missing_dependency` without the program, `unavailable` when the system has no process left. Standard error goes to `errors`, a
  // file that is emptied first.
  static Result<Child> start(const std::filesystem::path& program, const std::vector<std::string>& arguments, const std::filesystem::path& errors);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  // line: the next line of its output, at most 512 bytes; `unavailable` when it ends or `timeout` passes first.
  Result<std::string> line(std::chrono::milliseconds timeout);
  // stop asks with SIGTERM, and kills after `grace`.
  void stop(std::chrono::milliseconds grace);

 private:
  Child(pid_t pid, int output) : pid_(pid), output_(output) {}

  pid_t pid_ = -1;
  int output_ = -1;
  std::string pending_;
};

}  // namespace redoubt::corpus
