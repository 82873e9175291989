// Sandbox: what a process gives up before it looks at hostile data, so that whoever takes it over holds one request and nothing else.
//
// For programs inside the enclave that run third-party code over other people's input, such as the query engine. After
// enter_sandbox() the process can compute, take memory, start threads, read standard input and write standard output; every other
// system call ends it with SIGSYS (seccomp, mode filter). Landlock denies files, TCP, abstract sockets and signals a second time where the
// kernel has it; where it has not, the Sandbox says so, and whoever reports on the process must say so too. There is no way back, and
// whoever needs a file opens it before. Linux on x86-64. Not protected: processor time and memory within the limits, side channels, the
// kernel itself. Called once, before any thread.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.h"

namespace redoubt::runtime {

struct SandboxLimits {
  std::uint64_t address_space_size = std::uint64_t{16} << 30;  // bytes
  std::uint32_t cpu_seconds = 180;
};

// Whether this is a build with AddressSanitizer or ThreadSanitizer, for tests only: their runtimes need files, terabytes of address space and
// calls that the sandbox forbids.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kInsecureSanitizedBuild = true;
#else
inline constexpr bool kInsecureSanitizedBuild = false;
#endif

struct Sandbox {
  // The version of Landlock that holds the process, 0 where the kernel has none.
  unsigned landlock = 0;
  // Nothing holds the process: never in a release.
  bool insecure_none = false;
  // text: "seccomp, landlock 3", "seccomp, no landlock" or "insecure: a sanitizer's build, no sandbox". Of the kernel and the build, not of
  // data: it may be shown.
  std::string text() const;
};

// enter_sandbox: in this order: an empty environment but for TZ=UTC, standard error to nowhere, no other descriptor open,
// Landlock, limits, no core dumps, not traceable, death with the parent, seccomp; no new privileges before Landlock. `unavailable` when the kernel refuses any
// of it but Landlock; the process must then end without looking at data. In a sanitizer's build it does nothing and the Sandbox says so.
Result<Sandbox> enter_sandbox(const SandboxLimits& limits);

}  // namespace redoubt::runtime
