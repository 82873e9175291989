#include "untrusted/launch/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <thread>
#include <utility>

namespace redoubt::launch {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPoll(2);
constexpr std::size_t kMaxLine = 512;
constexpr std::string_view kListening = "listening on ";

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::string reason(int number) {
  std::array<char, 128> buffer{};
  return ::strerror_r(number, buffer.data(), buffer.size());
}

// pointers: the null-terminated array that execve takes. Borrows the strings.
std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& text : strings) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

Exit decode(int status) {
  if (WIFSIGNALED(status)) return {0, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

// child runs between fork and exec: only async-signal-safe calls. Writes errno to `report` if it cannot execute.
[[noreturn]] void child(const char* program, char* const* argv, char* const* envp, int input, int output, int report,
                        bool die_with_parent, pid_t parent) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  bool ok = ::dup2(input, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(output, 2) == 2;
  // Everything above is closed by exec, `report` too, which is how the parent learns that exec succeeded.
  ok = ok && ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
  if (ok && die_with_parent) ok = ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && ::getppid() == parent;
  if (ok) ::execve(program, argv, envp);
  const int error = errno;
  const auto written = ::write(report, &error, sizeof error);
  ::_exit(written == sizeof error ? 127 : 126);
}

Result<int> open_output(const std::filesystem::path& path) {
  const int fd = path.empty() ? ::memfd_create("redoubt-output", MFD_CLOEXEC)
                              : ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return Error(Code::unavailable, "opening " + path.string() + ": " + reason(errno));
  return fd;
}

}  // namespace

std::string Exit::text() const {
  return signal != 0 ? "killed by signal " + std::to_string(signal) : "exited with " + std::to_string(code);
}

Result<Process> Process::start(const Command& command) {
  const std::string program = command.program.string();
  if (!command.program.is_absolute()) return Error(Code::usage, "starting " + program + ": expected an absolute path");
  std::vector<std::string> arguments{program};
  arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
  for (const std::vector<std::string>* list : {&std::as_const(arguments), &command.environment}) {
    for (const std::string& text : *list) {
      if (text.find('\0') != std::string::npos) return Error(Code::usage, "starting " + program + ": NUL in an argument");
    }
  }
  REDOUBT_TRY(const int output_fd, open_output(command.output));
  Descriptor output(output_fd);
  Descriptor input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::array<int, 2> pipe_ends{-1, -1};
  if (input.get() < 0 || ::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) {
    return Error(Code::unavailable, "starting " + program + ": " + reason(errno));
  }
  Descriptor report(pipe_ends[0]);
  Descriptor report_end(pipe_ends[1]);
  const auto argv = pointers(arguments);
  const auto envp = pointers(command.environment);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return Error(Code::unavailable, "starting " + program + ": " + reason(errno));
  if (pid == 0) {
    child(program.c_str(), argv.data(), envp.data(), input.get(), output.get(), report_end.get(),
          command.die_with_parent, parent);
  }
  Process process(pid, output.release());
  ::close(report_end.release());
  int error = 0;
  ssize_t size;
  do {
    size = ::read(report.get(), &error, sizeof error);
  } while (size < 0 && errno == EINTR);
  if (size != 0) {
    process.kill();
    return Error(Code::not_found, "starting " + program + ": " + reason(error));
  }
  return process;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), output_(std::exchange(other.output_, -1)), exit_(other.exit_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    kill();
    if (output_ >= 0) ::close(output_);
    pid_ = std::exchange(other.pid_, -1);
    output_ = std::exchange(other.output_, -1);
    exit_ = other.exit_;
  }
  return *this;
}

Process::~Process() {
  kill();
  if (output_ >= 0) ::close(output_);
}

std::string Process::output(std::size_t max) const {
  std::string text(max, '\0');
  const ssize_t size = ::pread(output_, text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return text;
}

Result<std::string> Process::listening_address(std::chrono::milliseconds timeout) {
  const auto end = Clock::now() + timeout;
  for (;;) {
    const bool over = exited().has_value();  // looked at before the output, so that a last line is not missed
    const std::string text = output(kMaxLine);
    const std::size_t newline = text.find('\n');
    if (newline != std::string::npos || text.size() == kMaxLine) {
      const std::string line = text.substr(0, newline);
      if (newline == std::string::npos || !line.starts_with(kListening) || line.size() == kListening.size()) {
        return Error(Code::malformed, "first line of the program: expected `listening on ADDRESS`, found `" +
                                          line.substr(0, 120) + "`");
      }
      return line.substr(kListening.size());
    }
    if (over) return Error(Code::unavailable, "program " + exit_->text() + " before its first line");
    if (Clock::now() >= end) return Error(Code::unavailable, "program printed no line in time");
    std::this_thread::sleep_for(kPoll);
  }
}

std::optional<Exit> Process::exited() {
  if (exit_ || pid_ < 0) return exit_;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) exit_ = decode(status);
  return exit_;
}

Result<Exit> Process::wait(std::chrono::milliseconds timeout) {
  const auto end = Clock::now() + timeout;
  while (!exited()) {
    if (Clock::now() >= end) return Error(Code::unavailable, "program still runs");
    std::this_thread::sleep_for(kPoll);
  }
  return *exit_;
}

Exit Process::reap() {
  int status = 0;
  pid_t found;
  do {
    found = ::waitpid(pid_, &status, 0);
  } while (found < 0 && errno == EINTR);
  exit_ = found == pid_ ? decode(status) : Exit{0, SIGKILL};
  return *exit_;
}

Exit Process::stop(std::chrono::milliseconds grace) {
  if (pid_ < 0) return {};
  if (!exited()) ::kill(pid_, SIGTERM);
  if (const auto ended = wait(grace); ended.ok()) return *ended;
  return kill();
}

Exit Process::kill() {
  if (pid_ < 0) return {};
  if (exited()) return *exit_;
  ::kill(pid_, SIGKILL);
  return reap();
}

Status run(const Command& command, std::chrono::milliseconds timeout) {
  REDOUBT_TRY(Process process, Process::start(command));
  REDOUBT_TRY(const Exit exit, process.wait(timeout).context("running " + command.program.string()));
  if (exit.success()) return {};
  constexpr std::size_t kTail = 400;
  const std::string text = process.output();
  return Error(Code::unavailable, "running " + command.program.string() + ": " + exit.text() + ": " +
                                      text.substr(text.size() > kTail ? text.size() - kTail : 0));
}

}  // namespace redoubt::launch
