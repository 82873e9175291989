#include "enclave/workloads/cleanroom/engine_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>

namespace redoubt::cleanroom {
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

wire::EngineTable engine_table(const jobs::Manifest& manifest, ByteView csv) { return {manifest.canonical(), to_bytes(csv)}; }

// add_earlier: each table once, those of the query itself first.
Status add_earlier(EngineRequest& request, const std::vector<TableView>& tables, const std::vector<Asked>& earlier) {
  if (earlier.size() > EngineRequest::kMaxEarlier) return Error(Code::refused, "query engine: too many earlier queries");
  std::map<const jobs::Manifest*, std::uint64_t> places;
  for (const TableView& table : tables) places.emplace(table.manifest, places.size());
  for (const Asked& asked : earlier) {
    wire::EarlierQuery query{std::string(asked.sql), std::string(name_of(asked.level)), static_cast<std::uint64_t>(asked.k), {}};
    for (const TableView& table : asked.tables) {
      const auto [place, fresh] = places.emplace(table.manifest, places.size());
      if (fresh) request.earlier_tables.push_back(engine_table(*table.manifest, table.csv));
      query.tables.push_back(place->second);
    }
    request.earlier.push_back(std::move(query));
  }
  if (request.earlier_tables.size() > EngineRequest::kMaxTables) return Error(Code::refused, "query engine: too many tables of earlier queries");
  return {};
}

}  // namespace

Result<EngineAnswer> EngineProcess::ask(const EngineRequest& request) const {
  const auto deadline = Clock::now() + options_.timeout;
  REDOUBT_TRY(Pipe input, make_socket());
  REDOUBT_TRY(Pipe output, make_pipe());
  REDOUBT_TRY(const pid_t pid, spawn(options_.program, input.read.get(), output.write.get()));
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
  if (!options_.sandbox.empty() && !answer->sandbox.empty() && answer->sandbox != options_.sandbox) {
    return Error(Code::unavailable, "query engine: in another sandbox than the room has stated");
  }
  return answer;
}

Result<std::string> EngineProcess::probe() const {
  REDOUBT_TRY(const EngineAnswer answer, ask({EngineRequest::Operation::probe, "", "", 0, {}}));
  if (answer.kind == EngineAnswer::Kind::accepted) return answer.sandbox;
  return Error(Code::unavailable, "query engine: " + answer.message);
}

Result<QueryCheck> EngineProcess::check(std::string_view sql, const std::vector<const jobs::Manifest*>& schema,
                                        jobs::PrivacyLevel level, int k) {
  EngineRequest request{EngineRequest::Operation::check, std::string(sql), std::string(name_of(level)), static_cast<std::uint64_t>(k), {}};
  for (const jobs::Manifest* manifest : schema) request.tables.push_back(engine_table(*manifest, {}));
  REDOUBT_TRY(EngineAnswer answer, ask(request));
  if (answer.kind == EngineAnswer::Kind::accepted) return QueryCheck{true, "", "", std::move(answer.names)};
  if (answer.kind == EngineAnswer::Kind::refused) return QueryCheck{false, answer.rule, answer.message, {}};
  return Error(Code::unavailable, "query engine: " + answer.message);
}

Result<jobs::ResultTable> EngineProcess::run(std::string_view sql, const std::vector<TableView>& tables, jobs::PrivacyLevel level,
                                             int k, const std::vector<Asked>& earlier) {
  EngineRequest request{EngineRequest::Operation::run, std::string(sql), std::string(name_of(level)), static_cast<std::uint64_t>(k), {}};
  for (const TableView& table : tables) request.tables.push_back(engine_table(*table.manifest, table.csv));
  const Status added = add_earlier(request, tables, earlier);
  auto answered = added.ok() ? ask(request) : Result<EngineAnswer>(added.error());
  for (auto* list : {&request.tables, &request.earlier_tables}) {
    for (wire::EngineTable& table : *list) wipe(table.csv);
  }
  REDOUBT_TRY(EngineAnswer answer, std::move(answered));
  if (answer.kind == EngineAnswer::Kind::result) return jobs::ResultTable{std::move(answer.names), std::move(answer.rows)};
  if (answer.kind == EngineAnswer::Kind::refused) return Error(Code::refused, "rule " + answer.rule + ": " + answer.message);
  if (answer.kind == EngineAnswer::Kind::withheld) return Error(Code::refused, "rule " + answer.rule + ": withheld for what was asked earlier");
  return Error(Code::unavailable, "query engine: " + answer.message);
}

Status EngineProcess::load(const TableView& table) {
  EngineRequest request{EngineRequest::Operation::load, "", std::string(name_of(jobs::PrivacyLevel::aggregate_only)), 2, {}};
  request.tables.push_back(engine_table(*table.manifest, table.csv));
  auto answered = ask(request);
  wipe(request.tables.front().csv);
  REDOUBT_TRY(const EngineAnswer answer, std::move(answered));
  if (answer.kind == EngineAnswer::Kind::loaded) return {};
  return Error(Code::malformed, answer.message);
}

}  // namespace redoubt::cleanroom
