// The command line `redoubt` as a function of its arguments and surroundings: same words in, same text and exit code out.
//
// Everything that a process has beyond its arguments comes in through Surroundings, so that tests run every command in
// process. Exit codes are the numbers of redoubt::Code (docs/cli.md). A failure prints one line `error: ...` and one line
// `next: ...`. Single-threaded.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "client/sdk/enrolment.h"
#include "client/sdk/receipt_check.h"

namespace redoubt::cli {

struct Surroundings {
  std::filesystem::path config;    // $XDG_CONFIG_HOME/redoubt
  std::filesystem::path state = {};  // $XDG_STATE_HOME/redoubt; empty: the folder "state" in config
  std::filesystem::path programs;  // the folder of this program and its siblings
  std::string version;
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool terminal = false;  // `err` is a terminal: progress may be drawn
  bool color = false;     // and NO_COLOR is not set
  crypto::Random& random;
  std::function<Instant()> now;
  std::function<void(std::chrono::milliseconds)> sleep;
  // execute replaces this process by a program; it returns only when it could not.
  std::function<Status(const std::filesystem::path& program, const std::vector<std::string>& arguments)> execute;
  sdk::OfflineAppraise appraise;
  sdk::MakeCredential make_credential;
  // end_at_interrupt: from now on Ctrl-C ends the process at once and as a success: for commands that have no other end.
  std::function<void()> end_at_interrupt = [] {};
};

// run gives the exit code. `arguments` without the program's name.
int run(const std::vector<std::string>& arguments, Surroundings& surroundings);

}  // namespace redoubt::cli
