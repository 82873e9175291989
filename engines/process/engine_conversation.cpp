#include "engines/process/engine_conversation.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "common/base/secret.h"
#include "engines/process/files.h"

namespace redoubt::engines {
namespace {

using wire::EngineAnswer;
using wire::EngineRequest;
using Clock = std::chrono::steady_clock;

// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Error(Code::unavailable, "query engine: no pipe");
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

// The request goes over a socket pair: a write to a dead engine is then an error, not a signal.
Result<Pipe> make_socket() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return Error(Code::unavailable, "query engine: no socket");
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

Result<pid_t> spawn(const std::string& program, int input, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  // An engine may wait long: whatever it kept open of this process would stay open, and whoever is at the other end would go on waiting.
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  std::string name = program;
  std::array<char*, 2> arguments{name.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Error(Code::unavailable, "query engine: cannot start " + program);
  return pid;
}

// wait_for gives the status as of waitpid.
int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// converse writes `request` and reads the answer, both without blocking, until the deadline.
Result<Bytes> converse(Descriptor& to, Descriptor& from, ByteView request, Clock::time_point deadline) {
  fcntl(to.get(), F_SETFL, O_NONBLOCK);
  fcntl(from.get(), F_SETFL, O_NONBLOCK);
  Bytes answer;
  std::array<std::byte, 65536> buffer{};
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return Error(Code::unavailable, "query engine: no answer in time");
    std::array<pollfd, 2> waits{pollfd{from.get(), POLLIN, 0}, pollfd{to.get(), POLLOUT, 0}};
    if (poll(waits.data(), to.get() >= 0 ? 2 : 1, static_cast<int>(std::min<std::int64_t>(left, 60'000))) < 0 && errno != EINTR) {
      return Error(Code::unavailable, "query engine: poll failed");
    }
    if (to.get() >= 0 && waits[1].revents != 0) {
      const ssize_t count = send(to.get(), request.data(), request.size(), MSG_NOSIGNAL);
      if (count > 0) request = request.subspan(static_cast<std::size_t>(count));
      if (request.empty() || (count < 0 && errno != EAGAIN)) to.close();  // a dead engine shows in its answer
    }
    if (waits[0].revents != 0) {
      const ssize_t count = read(from.get(), buffer.data(), buffer.size());
      if (count == 0) return answer;
      if (count < 0 && errno != EAGAIN && errno != EINTR) return Error(Code::unavailable, "query engine: cannot read its answer");
      if (count > 0) append(answer, ByteView(buffer).first(static_cast<std::size_t>(count)));
      if (answer.size() > EngineAnswer::kMaxBytes) return Error(Code::unavailable, "query engine: answer above the limit");
    }
  }
}

}  // namespace

Result<StartedEngine> StartedEngine::start(const std::string& program) {
  REDOUBT_TRY(Pipe input, make_socket());
  REDOUBT_TRY(Pipe output, make_pipe());
  REDOUBT_TRY(const pid_t pid, spawn(program, input.read.get(), output.write.get()));
  return StartedEngine(pid, input.write.release(), output.read.release());
}

StartedEngine::StartedEngine(StartedEngine&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), to_(std::exchange(other.to_, -1)), from_(std::exchange(other.from_, -1)) {}

StartedEngine& StartedEngine::operator=(StartedEngine&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(to_, other.to_);
  std::swap(from_, other.from_);
  return *this;
}

StartedEngine::~StartedEngine() {
  if (to_ >= 0) close(to_);
  if (from_ >= 0) close(from_);
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  wait_for(pid_);
}

bool StartedEngine::waiting() const {
  pollfd wait{from_, POLLIN, 0};
  return pid_ > 0 && poll(&wait, 1, 0) == 0;  // it has not written, and has not closed its end
}

Result<EngineAnswer> StartedEngine::ask(const EngineRequest& request, std::span<const int> files, std::chrono::milliseconds timeout) && {
  const auto deadline = Clock::now() + timeout;
  Descriptor to(std::exchange(to_, -1)), from(std::exchange(from_, -1));
  if (files.size() > kMaxFiles) return Error(Code::refused, "query engine: too many tables");
  Bytes encoded = request.encode();
  static_cast<void>(send_files(to.get(), files).ok());  // a dead engine shows in its answer
  auto answered = converse(to, from, encoded, deadline);
  wipe(encoded);  // it may hold tables
  REDOUBT_TRY(const Bytes bytes, std::move(answered));
  const int status = wait_for(std::exchange(pid_, -1));
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) return Error(Code::unavailable, "query engine: ended by its sandbox");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return Error(Code::unavailable, "query engine: ended without an answer");
  auto answer = EngineAnswer::decode(bytes);
  if (!answer.ok()) return Error(Code::unavailable, "query engine: " + answer.error().message());
  // A process that is not held at all looked at nothing: it can only say why.
  if (answer->sandbox.empty() && answer->kind != EngineAnswer::Kind::failed) return Error(Code::unavailable, "query engine: not in a sandbox");
  return answer;
}

Result<EngineAnswer> ask_engine(const std::string& program, const EngineRequest& request, std::chrono::milliseconds timeout) {
  REDOUBT_TRY(StartedEngine engine, StartedEngine::start(program));
  return std::move(engine).ask(request, {}, timeout);
}

}  // namespace redoubt::engines
