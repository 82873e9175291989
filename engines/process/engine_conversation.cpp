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

// Child: killed and reaped when it goes.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      wait();
    }
  }
  // wait gives the status as of waitpid.
  int wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

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
  std::string name = program;
  std::array<char*, 2> arguments{name.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Error(Code::unavailable, "query engine: cannot start " + program);
  return pid;
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

Result<EngineAnswer> ask_engine(const std::string& program, const EngineRequest& request, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  REDOUBT_TRY(Pipe input, make_socket());
  REDOUBT_TRY(Pipe output, make_pipe());
  REDOUBT_TRY(const pid_t pid, spawn(program, input.read.get(), output.write.get()));
  Child child(pid);
  input.read.close();
  output.write.close();
  Bytes encoded = request.encode();
  auto answered = converse(input.write, output.read, encoded, deadline);
  wipe(encoded);  // it holds the tables
  REDOUBT_TRY(const Bytes bytes, std::move(answered));
  const int status = child.wait();
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) return Error(Code::unavailable, "query engine: ended by its sandbox");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return Error(Code::unavailable, "query engine: ended without an answer");
  auto answer = EngineAnswer::decode(bytes);
  if (!answer.ok()) return Error(Code::unavailable, "query engine: " + answer.error().message());
  // A process that is not held at all looked at nothing: it can only say why.
  if (answer->sandbox.empty() && answer->kind != EngineAnswer::Kind::failed) return Error(Code::unavailable, "query engine: not in a sandbox");
  return answer;
}

}  // namespace redoubt::engines
