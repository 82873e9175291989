#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

#include "enclave/runtime/sandbox/parts.h"

namespace redoubt::runtime::sandbox {
namespace {

Error refused(std::string_view what) { return Error(Code::unavailable, "sandbox: the kernel refused " + std::string(what)); }

// set_limit lowers a limit for good; a hard limit that is lower already stays.
bool set_limit(__rlimit_resource resource, rlim_t value) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return false;
  limit.rlim_max = std::min(limit.rlim_max, value);
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(resource, &limit) == 0;
}

}  // namespace

Status drop_inheritance() {
  // The C library reads the time zone's file when it is first asked for local time; later it could not. TZ stays, since without it the
  // file would be looked at again and again.
  if (clearenv() != 0 || setenv("TZ", "UTC", 1) != 0) return Error(Code::unavailable, "sandbox: the environment cannot be emptied");
  tzset();
  // One heap for all threads: a heap of a thread's own reads a kernel setting when it shrinks.
  mallopt(M_ARENA_MAX, 1);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere < 0 || dup2(nowhere, STDERR_FILENO) < 0) return refused("/dev/null");
  if (close_range(STDERR_FILENO + 1, ~0U, 0) != 0) return refused("close_range");
  return {};
}

Status limit_resources(const SandboxLimits& limits) {
  if (!set_limit(RLIMIT_AS, limits.address_space_size) || !set_limit(RLIMIT_CPU, limits.cpu_seconds) ||
      !set_limit(RLIMIT_NOFILE, STDERR_FILENO + 1) || !set_limit(RLIMIT_FSIZE, 0) || !set_limit(RLIMIT_CORE, 0) ||
      !set_limit(RLIMIT_MEMLOCK, 0)) {
    return refused("a resource limit");
  }
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return refused("PR_SET_DUMPABLE");
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return refused("PR_SET_PDEATHSIG");
  return no_new_privileges();
}

Status no_new_privileges() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refused("PR_SET_NO_NEW_PRIVS");
  return {};
}

}  // namespace redoubt::runtime::sandbox
