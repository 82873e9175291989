// redoubt-cleanroom-engine: reads one request from standard input, writes one answer to standard output, ends. Started by
// redoubt-cleanroom only; the one program of a clean room that loads DuckDB. It may wait for its request a while. When the tables of
// the request arrive (engines/process/files.h) it maps them; then it enters its sandbox, and only then reads the request, or none when the
// sandbox does not hold.
#include <unistd.h>

#include <array>
#include <cstdio>

#include "enclave/runtime/sandbox/sandbox.h"
#include "enclave/workloads/cleanroom/engine/answer.h"
#include "engines/process/files.h"

namespace {

using namespace redoubt;

Result<Bytes> read_all(int fd, std::size_t max) {
  Bytes bytes;
  std::array<std::byte, 65536> buffer{};
  for (;;) {
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0) return Error(Code::unavailable, "cannot read the request");
    if (count == 0) return bytes;
    append(bytes, ByteView(buffer).first(static_cast<std::size_t>(count)));
    if (bytes.size() > max) return Error(Code::malformed, "request above the limit");
  }
}

bool write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

wire::EngineAnswer serve() {
  const auto fail = [](const Error& error) {
    return wire::EngineAnswer{wire::EngineAnswer::Kind::failed, "", std::string(code_name(error.code())) + ": " + error.message(), {}, {}};
  };
  // Reads the library's file, so before the sandbox; it also makes the cryptographic library read its settings.
  const auto library = sql::VerifiedLibrary::verify();
  if (!library.ok()) return fail(library.error());
  const auto files = engines::receive_files(STDIN_FILENO);
  if (!files.ok()) return fail(files.error());
  const auto sandbox = runtime::enter_sandbox(runtime::SandboxLimits());
  if (!sandbox.ok()) return fail(sandbox.error());
  const auto bytes = read_all(STDIN_FILENO, wire::EngineRequest::kMaxBytes);
  if (!bytes.ok()) return fail(bytes.error());
  const auto request = wire::EngineRequest::decode(*bytes);
  wire::EngineAnswer answer = request.ok() ? cleanroom::answer(*request, *files, *library) : fail(request.error());
  answer.sandbox = sandbox->text();
  return answer;
}

}  // namespace

int main(int argc, char**) {
  if (argc != 1) {
    std::fputs("redoubt-cleanroom-engine: started by redoubt-cleanroom; reads one request from standard input\n", stderr);
    return 2;
  }
  return write_all(STDOUT_FILENO, serve().encode()) ? 0 : 1;
}
