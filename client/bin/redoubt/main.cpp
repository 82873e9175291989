// redoubt: the participant's program. The composition root: clock, randomness, terminal, folders and environment variables
// enter here; everything else is client/cli.
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <thread>

#include "client/cli/app.h"
#include "common/attest/appraise/appraisal.h"
#include "common/attest/evidence/tpm/credential.h"
#include "common/crypto/system_random.h"

namespace {

namespace fs = std::filesystem;
using namespace redoubt;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// config_folder: the XDG Base Directory Specification; a relative path there is to be ignored.
fs::path config_folder() {
  const fs::path set = environment("XDG_CONFIG_HOME");
  if (set.is_absolute()) return set / "redoubt";
  return fs::path(environment("HOME")) / ".config" / "redoubt";
}

fs::path state_folder() {
  const fs::path set = environment("XDG_STATE_HOME");
  if (set.is_absolute()) return set / "redoubt";
  return fs::path(environment("HOME")) / ".local" / "state" / "redoubt";
}

fs::path own_folder() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path(".") : self.parent_path();
}

Status execute(const fs::path& program, const std::vector<std::string>& arguments) {
  if (!fs::exists(program)) return Error(Code::missing_dependency, "no program " + program.string());
  std::vector<std::string> words{program.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  return Error(Code::unavailable, "starting " + program.string() + ": " + std::string(std::strerror(errno)));
}

// end_at_interrupt: nothing is left to do then, since whoever waits for input that never ends has written all that came. _exit is one of the few
// calls that a handler may make (POSIX.1-2017, section 2.4.3).
void end_at_interrupt() {
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { ::_exit(0); });
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  ::umask(077);
  crypto::SystemRandom random;
  cli::Surroundings world{.config = config_folder(),
                          .state = state_folder(),
                          .programs = own_folder(),
                          .version = REDOUBT_VERSION,
                          .in = std::cin,
                          .out = std::cout,
                          .err = std::cerr,
                          .terminal = ::isatty(STDERR_FILENO) == 1,
                          .color = ::isatty(STDERR_FILENO) == 1 && environment("NO_COLOR").empty(),
                          .random = random,
                          .now = [] { return Instant(static_cast<std::int64_t>(std::time(nullptr))); },
                          .sleep = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); },
                          .execute = execute,
                          .appraise = appraise::appraise,
                          .make_credential = tpm::make_credential,
                          .end_at_interrupt = end_at_interrupt};
  const int code = cli::run(std::vector<std::string>(argv + 1, argv + argc), world);
  // What could not be written was not said: a full disk must not look like success.
  std::cout.flush();
  return code == 0 && !std::cout ? static_cast<int>(Code::unavailable) : code;
}
