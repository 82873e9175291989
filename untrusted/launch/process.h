// Process: a child program with exactly the arguments, environment and descriptors that it was given.
//
// The operator's zone; the child may be an enclave program, a TPM emulator or anything else, and its output is not trusted.
// No shell is involved. Standard input is /dev/null; standard output and error go to one file, which outlives the child, so
// that a child that prints much never blocks; no other descriptor is inherited. Programs of this house print
// `listening on ADDRESS` as their first line. One thread at a time per object.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace redoubt::launch {

struct Command {
  std::filesystem::path program;         // absolute: there is no search path
  std::vector<std::string> arguments;    // without argv[0], which is `program`
  std::vector<std::string> environment;  // NAME=VALUE, and nothing else
  std::filesystem::path output;          // file for standard output and error, emptied first; empty: kept in memory
  // The kernel kills the child when the *thread* that started it ends. For tests and for programs that start children from
  // their main thread.
  bool die_with_parent = false;
};

// Exit: how a child ended: its exit code, or the signal that killed it.
struct Exit {
  int code = 0;    // valid when signal is 0
  int signal = 0;
  bool success() const { return signal == 0 && code == 0; }
  std::string text() const;  // "exited with 2", "killed by signal 9"
};

class Process {
 public:
  // start: `not_found` when the program cannot be executed, `usage` for a relative program or a NUL in a string,
  // `unavailable` when the system has no process or descriptor left.
  static Result<Process> start(const Command& command);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  // The destructor kills a child that still runs and waits for it.
  ~Process();

  pid_t pid() const { return pid_; }

  // listening_address waits for the first line and returns the ADDRESS of `listening on ADDRESS`. `unavailable`: the child
  // ended or `timeout` passed before the line was whole; `malformed`: another first line, or one longer than 512 bytes.
  Result<std::string> listening_address(std::chrono::milliseconds timeout);

  // output: the first `max` bytes that the child printed so far. Not trusted.
  std::string output(std::size_t max = 64 * 1024) const;

  // exited: how it ended, or nothing while it runs. wait: the same, `unavailable` when `timeout` passes first.
  std::optional<Exit> exited();
  Result<Exit> wait(std::chrono::milliseconds timeout);

  // stop asks with SIGTERM, kills after `grace`, and says how the child ended. kill does not ask.
  Exit stop(std::chrono::milliseconds grace = std::chrono::seconds(5));
  Exit kill();

 private:
  Process(pid_t pid, int output) : pid_(pid), output_(output) {}
  Exit reap();

  pid_t pid_ = -1;
  int output_ = -1;
  std::optional<Exit> exit_;
};

// run: starts the command and waits for it; any end but exit code 0 is `unavailable`, with the end of what it printed.
Status run(const Command& command, std::chrono::milliseconds timeout);

}  // namespace redoubt::launch
