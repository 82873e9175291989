// The system calls that the sandboxed process may make: computing, memory, its own threads, time, and its two standard streams. The
// filter is a program of the classic BPF machine (Documentation/userspace-api/seccomp_filter.rst of Linux).
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <vector>

#include "enclave/runtime/sandbox/parts.h"

namespace redoubt::runtime::sandbox {

#if defined(__x86_64__)
namespace {

// Calls whose arguments cannot reach beyond the process.
constexpr std::initializer_list<long> kAllowed{
    SYS_brk,          SYS_munmap,        SYS_mremap,      SYS_madvise,        SYS_futex,          SYS_exit,      SYS_exit_group,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_restart_syscall, SYS_set_robust_list, SYS_rseq,
    SYS_getrandom,    SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday,   SYS_time,           SYS_clock_nanosleep,
    SYS_nanosleep,    SYS_sched_yield,   SYS_sched_getaffinity, SYS_getcpu,    SYS_getpid,         SYS_gettid,    SYS_close};

// What the C library asks for a thread, and nothing else: a process, a namespace or a shared id would need other flags.
constexpr std::uint32_t kThreadFlags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                                       CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

// Condition: (argument & mask) == value, over the low 32 bits of the argument; the kernel reads no others of those that stand here.
struct Condition {
  unsigned argument;
  std::uint32_t mask;
  std::uint32_t value;
};

class Filter {
 public:
  Filter() {
    load(offsetof(seccomp_data, arch));
    skip_unless(AUDIT_ARCH_X86_64, 0, 1);
    skip(1);
    give(SECCOMP_RET_KILL_PROCESS);
    load(offsetof(seccomp_data, nr));
  }

  void allow(long call) {
    skip_unless(static_cast<std::uint32_t>(call), 0, 1);
    give(SECCOMP_RET_ALLOW);
  }

  // allow_if: where a condition does not hold the process ends.
  void allow_if(long call, std::initializer_list<Condition> conditions) {
    const auto body = static_cast<std::uint8_t>(conditions.size() * 4 + 1);
    skip_unless(static_cast<std::uint32_t>(call), 0, body);
    for (const Condition& condition : conditions) {
      load(offsetof(seccomp_data, args) + 8 * condition.argument);  // little endian: the low half comes first
      code_.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, condition.mask));
      skip_unless(condition.value, 1, 0);
      give(SECCOMP_RET_KILL_PROCESS);
    }
    give(SECCOMP_RET_ALLOW);
  }

  void fail_with(long call, std::uint32_t error) {
    skip_unless(static_cast<std::uint32_t>(call), 0, 1);
    give(SECCOMP_RET_ERRNO | error);
  }

  std::vector<sock_filter> finish() && {
    give(SECCOMP_RET_KILL_PROCESS);
    return std::move(code_);
  }

 private:
  void load(std::size_t offset) { code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset))); }
  // skip_unless goes `equal` instructions on if the loaded word is `value`, `other` if it is not.
  void skip_unless(std::uint32_t value, std::uint8_t equal, std::uint8_t other) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, equal, other));
  }
  void skip(std::uint32_t count) { code_.push_back(BPF_STMT(BPF_JMP | BPF_JA, count)); }
  void give(std::uint32_t verdict) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, verdict)); }
  std::vector<sock_filter> code_;
};

std::vector<sock_filter> build() {
  Filter filter;
  filter.allow_if(SYS_read, {{0, ~0U, STDIN_FILENO}});
  filter.allow_if(SYS_write, {{0, ~0U, STDOUT_FILENO}});
  // Memory that holds no code and no file.
  filter.allow_if(SYS_mmap, {{2, PROT_EXEC, 0}, {3, MAP_ANONYMOUS, MAP_ANONYMOUS}});
  filter.allow_if(SYS_mprotect, {{2, PROT_EXEC, 0}});
  filter.allow_if(SYS_clone, {{0, ~0U, kThreadFlags}});
  // Its flags lie in memory, where a filter cannot look; told that it is not there, the C library takes clone.
  filter.fail_with(SYS_clone3, ENOSYS);
  for (const long call : kAllowed) filter.allow(call);
  return std::move(filter).finish();
}

}  // namespace

Status filter_calls() {
  REDOUBT_CHECK(no_new_privileges());
  std::vector<sock_filter> code = build();
  sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) {
    return Error(Code::unavailable, "sandbox: the kernel refused seccomp");
  }
  return {};
}

#else

Status filter_calls() { return Error(Code::unavailable, "sandbox: no filter of system calls for this processor"); }

#endif

}  // namespace redoubt::runtime::sandbox
