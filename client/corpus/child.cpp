#include "client/corpus/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>
#include <utility>

namespace redoubt::corpus {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMaxLine = 512;
constexpr std::chrono::milliseconds kReap{5};

// become runs between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(char* const* argv, int input, int output, int errors, pid_t parent) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  bool ok = ::dup2(input, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(errors, 2) == 2;
  ok = ok && ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
  ok = ok && ::prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && ::getppid() == parent;
  char* const environment[] = {nullptr};
  if (ok) ::execve(argv[0], argv, environment);
  ::_exit(127);
}

}  // namespace

Result<Child> Child::start(const std::filesystem::path& program, const std::vector<std::string>& arguments, const std::filesystem::path& errors) {
  std::error_code error;
  if (!std::filesystem::exists(program, error)) return Error(Code::missing_dependency, "no program " + program.string());
  std::vector<std::string> words{program.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::array<int, 2> ends{-1, -1};
  const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int log = ::open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool ready = input >= 0 && log >= 0 && ::pipe2(ends.data(), O_CLOEXEC) == 0;
  const pid_t parent = ::getpid();
  const pid_t pid = ready ? ::fork() : -1;
  if (pid == 0) become(argv.data(), input, ends[1], log, parent);
  for (const int fd : {input, log, ends[1]}) {
    if (fd >= 0) ::close(fd);
  }
  if (pid < 0) {
    if (ends[0] >= 0) ::close(ends[0]);
    return Error(Code::unavailable, "starting " + program.string() + ": no process, pipe or file");
  }
  return Child(pid, ends[0]);
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), output_(std::exchange(other.output_, -1)), pending_(std::move(other.pending_)) {}

Child::~Child() {
  stop(std::chrono::milliseconds(0));
  if (output_ >= 0) ::close(output_);
}

Result<std::string> Child::line(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  for (;;) {
    if (const std::size_t end = pending_.find('\n'); end != std::string::npos) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return line;
    }
    if (pending_.size() > kMaxLine) return Error(Code::malformed, "a program of ours printed a line that is too long");
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd wait{output_, POLLIN, 0};
    if (left <= 0 || ::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, 1000))) < 0) {
      if (left <= 0 || errno != EINTR) return Error(Code::unavailable, "a program of ours did not say that it is ready");
      continue;
    }
    if (wait.revents == 0) continue;
    std::array<char, 512> part{};
    const ssize_t count = ::read(output_, part.data(), part.size());
    if (count == 0) return Error(Code::unavailable, "a program of ours ended before it was ready");
    if (count > 0) pending_.append(part.data(), static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) return Error(Code::unavailable, "a program of ours cannot be read from");
  }
}

void Child::stop(std::chrono::milliseconds grace) {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  const auto deadline = Clock::now() + grace;
  int status = 0;
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    if (Clock::now() >= deadline) {
      ::kill(pid_, SIGKILL);
      while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
      }
      break;
    }
    std::this_thread::sleep_for(kReap);
  }
  pid_ = -1;
}

}  // namespace redoubt::corpus
