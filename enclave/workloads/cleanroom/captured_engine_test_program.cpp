// A query engine that was taken over, for tests: it enters the real sandbox, reads its request, and then does what the request's text
// names instead of answering. An act that succeeds is told as `accepted`, so that a sandbox with a hole is seen. Never installed.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <new>
#include <vector>

#include "common/wire/query_engine.h"
#include "enclave/runtime/sandbox/sandbox.h"
#include "engines/process/files.h"

namespace {

using namespace redoubt;

int connect_out() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

int run_shell() {
  char name[] = "/bin/sh";
  std::array<char*, 2> arguments{name, nullptr};
  return execve(name, arguments.data(), arguments.data() + 1);
}

// grow takes address space, which it never touches, to the limit; then it does what the library does, which nobody catches.
int grow() {
  while (mmap(nullptr, std::size_t{1} << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED) {
  }
  throw std::bad_alloc();
}

std::vector<ByteView> tables;  // that were handed over

// change_tables takes the right to write to its tables, and overwrites them.
int change_tables() {
  for (const ByteView table : tables) {
    auto* const bytes = const_cast<std::byte*>(table.data());
    if (mprotect(bytes, table.size(), PROT_READ | PROT_WRITE) != 0) return 1;
    std::fill_n(bytes, table.size(), std::byte{0});
  }
  return tables.empty() ? 1 : 0;
}

const std::map<std::string, int (*)()> kActs{
    {"answer", [] { return 0; }},
    {"open", [] { return ::open("/etc/hostname", O_RDONLY); }},
    {"create", [] { return ::open("/tmp/redoubt-captured-engine", O_WRONLY | O_CREAT, 0600); }},
    {"socket", [] { return socket(AF_INET, SOCK_STREAM, 0); }},
    {"connect", connect_out},
    {"fork", [] { return static_cast<int>(fork()); }},
    {"execve", run_shell},
    {"ptrace", [] { return static_cast<int>(ptrace(PTRACE_ATTACH, getppid(), nullptr, nullptr)); }},
    {"kill", [] { return kill(getppid(), SIGTERM); }},
    {"standard error", [] { return static_cast<int>(write(STDERR_FILENO, "data", 4)); }},
    {"abort", []() -> int { std::abort(); }},
    {"memory", grow},
    {"change tables", change_tables},
};

Bytes read_request() {
  Bytes bytes;
  std::array<std::byte, 4096> buffer{};
  for (ssize_t count = 1; (count = read(STDIN_FILENO, buffer.data(), buffer.size())) > 0;) {
    append(bytes, ByteView(buffer).first(static_cast<std::size_t>(count)));
  }
  return bytes;
}

}  // namespace

int main() {
  auto files = engines::receive_files(STDIN_FILENO);
  if (!files.ok()) return 1;
  tables = std::move(*files);
  const auto sandbox = runtime::enter_sandbox(runtime::SandboxLimits());
  if (!sandbox.ok()) return 1;
  const auto request = wire::EngineRequest::decode(read_request());
  if (!request.ok() || !kActs.contains(request->sql)) return 1;
  const int outcome = kActs.at(request->sql)();
  const Bytes answer = wire::EngineAnswer{wire::EngineAnswer::Kind::accepted, "", "", {std::to_string(outcome)}, {}, sandbox->text()}.encode();
  return write(STDOUT_FILENO, answer.data(), answer.size()) > 0 ? 0 : 1;
}
