// The parts of the sandbox, each of which holds alone; enter_sandbox() (sandbox.h) puts all of them on. Here for tests, which show of
// each that it holds without the others.
#pragma once

#include "enclave/runtime/sandbox/sandbox.h"

namespace redoubt::runtime::sandbox {

// drop_inheritance empties the environment, points standard error to nowhere and closes every descriptor above it.
Status drop_inheritance();
// no_new_privileges: Landlock and seccomp ask for it, and put it on themselves.
Status no_new_privileges();
// limit_resources sets rlimits, ends core dumps and tracing, asks for SIGKILL when the parent ends, and gives up new privileges.
// RLIMIT_NPROC is left: it counts all processes of the user, so a low one would keep the process from its own threads; filter_calls
// ends whoever makes a process.
Status limit_resources(const SandboxLimits& limits);
// deny_files: Landlock with every right of this kernel's version denied. The version, 0 where there is none; `unavailable` when there
// is one and it refuses.
Result<unsigned> deny_files();
// filter_calls installs the seccomp filter on all threads.
Status filter_calls();

}  // namespace redoubt::runtime::sandbox
