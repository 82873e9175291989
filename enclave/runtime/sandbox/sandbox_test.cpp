// Goal: a process in the sandbox can compute and nothing else, and each part holds alone. Method: children of this test enter it and try
// one thing each; the kernel's verdict is read from how they end. Every forbidden act is also tried without the part, where it works, so
// that a refusal is the sandbox's. A kernel without Landlock or seccomp is played by a filter that hides the call.
#include "enclave/runtime/sandbox/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <thread>
#include <vector>

#include "enclave/runtime/sandbox/parts.h"
#include "tests/support/expect.h"

extern char** environ;

namespace redoubt::runtime {
namespace {

constexpr int kNotEntered = 99;
using Act = std::function<int()>;  // an exit status

// end_of runs `act` in a child and says how it ended: its status, or minus the signal that killed it.
int end_of(const Act& act) {
  const pid_t child = fork();
  if (child == 0) _exit(act());
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int in_sandbox(const Act& act) {
  return end_of([&] { return enter_sandbox(SandboxLimits()).ok() ? act() : kNotEntered; });
}

TEST(Sandbox, LeavesComputingMemoryThreadsTimeAndTheTwoStreams) {
  if (kInsecureSanitizedBuild) GTEST_SKIP() << "the runtime of a sanitizer needs what the sandbox forbids";
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  ASSERT_EQ(pipe(in.data()), 0);
  ASSERT_EQ(pipe(out.data()), 0);
  ASSERT_EQ(write(in[1], "question", 8), 8);
  close(in[1]);
  const int end = end_of([&] {
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    if (!enter_sandbox(SandboxLimits()).ok()) return kNotEntered;
    std::vector<char> memory(64 << 20, 'x');
    for (int i = 0; i < 100; ++i) std::vector<char>(static_cast<std::size_t>(i) << 16, 'y').swap(memory);
    int seen = 0;
    for (int i = 0; i < 4; ++i) {
      std::thread([&] {
        const std::vector<char> more(8 << 20, 'z');
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        seen += more[12345] == 'z' ? 1 : 0;
      }).join();
    }
    try {
      throw std::runtime_error("caught");
    } catch (const std::exception&) {
      seen += 1;
    }
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    if (localtime_r(&now, &local) == nullptr) return 1;
    std::array<char, 16> buffer{};
    if (read(STDIN_FILENO, buffer.data(), buffer.size()) != 8) return 2;
    if (write(STDOUT_FILENO, "answer", 6) != 6) return 3;
    return seen == 5 ? 0 : 4;
  });
  EXPECT_EQ(end, 0);
  close(in[0]);
  close(out[1]);
  std::array<char, 16> buffer{};
  EXPECT_EQ(read(out[0], buffer.data(), buffer.size()), 6);
  close(out[0]);
}

struct Forbidden {
  const char* name;
  Act act;
};

std::vector<Forbidden> forbidden() {
  const auto call = [](const char* name, long number, long a = 0, long b = 0, long c = 0, long d = 0) {
    return Forbidden{name, [=] { return syscall(number, a, b, c, d) < 0 ? 1 : 0; }};
  };
  const auto text = [](const char* value) { return reinterpret_cast<long>(value); };
  return {
      {"open", [] { return ::open("/etc/hostname", O_RDONLY) < 0 ? 1 : 0; }},
      call("open, the old call", SYS_open, text("/etc/hostname"), O_RDONLY),
      call("openat2", SYS_openat2, AT_FDCWD, text("/etc/hostname")),
      {"socket", [] { return socket(AF_INET, SOCK_STREAM, 0) < 0 ? 1 : 0; }},
      {"unix socket", [] { return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? 1 : 0; }},
      call("connect", SYS_connect, 0),
      {"fork", [] {
         const pid_t child = fork();
         if (child == 0) _exit(0);
         return child < 0 ? 1 : 0;
       }},
      {"vfork", [] {
         const pid_t child = vfork();
         if (child == 0) _exit(0);
         return child < 0 ? 1 : 0;
       }},
      call("new user namespace", SYS_clone, CLONE_NEWUSER | SIGCHLD),
      call("unshare", SYS_unshare, CLONE_NEWUSER),
      {"execve", [] {
         char name[] = "/bin/true";
         std::array<char*, 2> arguments{name, nullptr};
         return execve(name, arguments.data(), arguments.data() + 1);
       }},
      call("execveat", SYS_execveat, AT_FDCWD, text("/bin/true")),
      call("ptrace", SYS_ptrace, PTRACE_TRACEME),
      {"kill the parent", [] { return kill(getppid(), 0) < 0 ? 1 : 0; }},
      {"signal itself", [] { return kill(getpid(), 0) < 0 ? 1 : 0; }},
      call("tgkill", SYS_tgkill, 1, 1, 0),
      call("process_vm_readv", SYS_process_vm_readv, 1),
      call("pidfd_open", SYS_pidfd_open, 1),
      {"read another descriptor", [] {
         char byte = 0;
         return read(5, &byte, 1) < 0 ? 1 : 0;
       }},
      {"write to standard error", [] { return write(STDERR_FILENO, "", 0) < 0 ? 1 : 0; }},
      {"map code", [] { return mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 1 : 0; }},
      {"map a file", [] { return mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, 0, 0) == MAP_FAILED ? 1 : 0; }},
      {"make memory code",
       [] {
         void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
         return mprotect(page, 4096, PROT_READ | PROT_EXEC);
       }},
      call("stat", SYS_newfstatat, AT_FDCWD, text("/etc/hostname")),
      call("unlink", SYS_unlink, text("/nowhere")),
      call("getdents", SYS_getdents64, 0),
      call("ioctl", SYS_ioctl, 0),
      call("dup", SYS_dup, 0),
      call("fcntl", SYS_fcntl, 0, F_GETFD),
      call("pipe", SYS_pipe2),
      call("memfd_create", SYS_memfd_create, text("m"), 0),
      call("shmget", SYS_shmget, 0),
      call("bpf", SYS_bpf, 0),
      call("perf_event_open", SYS_perf_event_open, 0),
      call("io_uring_setup", SYS_io_uring_setup, 1),
      call("userfaultfd", SYS_userfaultfd, 0),
      call("keyctl", SYS_keyctl, 0),
      call("prctl", SYS_prctl, PR_GET_DUMPABLE),
      call("seccomp", SYS_seccomp, SECCOMP_GET_NOTIF_SIZES),
      call("setuid", SYS_setuid, 0),
      call("setrlimit", SYS_prlimit64, 0),
      call("personality", SYS_personality, 0xffffffff),
      call("uname", SYS_uname, 0),
      call("mount", SYS_mount, 0),
      call("a call of the x32 interface", 0x40000000 | SYS_getpid),
      call("a call that does not exist", 100'000),
  };
}

TEST(Sandbox, EndsTheProcessAtAnyOtherCall) {
  if (kInsecureSanitizedBuild) GTEST_SKIP() << "the runtime of a sanitizer needs what the sandbox forbids";
  for (const Forbidden& forbidden : forbidden()) {
    EXPECT_EQ(in_sandbox(forbidden.act), -SIGSYS) << forbidden.name;
    EXPECT_GE(end_of(forbidden.act), 0) << forbidden.name << " must be harmless outside, or this shows nothing";
  }
}

#if defined(__x86_64__)
TEST(Sandbox, EndsTheProcessAtA32BitCall) {
  if (kInsecureSanitizedBuild) GTEST_SKIP() << "the runtime of a sanitizer needs what the sandbox forbids";
  const int end = in_sandbox([] {
    long result = 20;  // getpid of the 32-bit interface
    asm volatile("int $0x80" : "+a"(result)::"memory", "r8", "r9", "r10", "r11");
    return result > 0 ? 0 : 1;
  });
  EXPECT_TRUE(end == -SIGSYS || end == -SIGSEGV) << end;  // the second where the kernel has no 32-bit interface
}
#endif

TEST(Sandbox, CannotStartAProcessByClone3) {
  if (kInsecureSanitizedBuild) GTEST_SKIP() << "the runtime of a sanitizer needs what the sandbox forbids";
  EXPECT_EQ(in_sandbox([] { return syscall(SYS_clone3, nullptr, 0) < 0 && errno == ENOSYS ? 7 : 0; }), 7);
}

TEST(Sandbox, EndsAnAbortingProcess) {
  if (kInsecureSanitizedBuild) GTEST_SKIP() << "the runtime of a sanitizer needs what the sandbox forbids";
  EXPECT_EQ(in_sandbox([]() -> int { std::abort(); }), -SIGSYS);
}

TEST(Sandbox, SaysWhatHolds) {
  EXPECT_EQ((Sandbox{0, false}.text()), "seccomp, no landlock");
  EXPECT_EQ((Sandbox{3, false}.text()), "seccomp, landlock 3");
  EXPECT_EQ((Sandbox{3, true}.text()), "insecure: a sanitizer's build, no sandbox");
  if (kInsecureSanitizedBuild) {
    EXPECT_TRUE(OrDie(enter_sandbox(SandboxLimits())).insecure_none);
  }
}

// hide makes one system call fail with `error`, as an older or differently configured kernel would.
bool hide(long call, std::uint32_t error) {
  std::array<sock_filter, 4> code{sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
                                  sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1),
                                  sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
                                  sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

constexpr long kLandlockCreate = 444;
constexpr long kLandlockRestrict = 446;

// entered_without: 0 entered without Landlock, 1 entered with it, 2 not entered, 3 the call could not be hidden.
int entered_without(long call, std::uint32_t error) {
  return end_of([=] {
    if (!hide(call, error)) return 3;
    const auto sandbox = enter_sandbox(SandboxLimits());
    if (!sandbox.ok()) return 2;
    return sandbox->landlock == 0 ? 0 : 1;
  });
}

TEST(Sandbox, StatesAKernelWithoutLandlockAndHoldsByItsFilter) {
  if (kInsecureSanitizedBuild) GTEST_SKIP() << "the runtime of a sanitizer needs what the sandbox forbids";
  EXPECT_EQ(entered_without(kLandlockCreate, ENOSYS), 0);
  EXPECT_EQ(entered_without(kLandlockCreate, EOPNOTSUPP), 0);
  EXPECT_EQ(end_of([] {
              if (!hide(kLandlockCreate, ENOSYS) || !enter_sandbox(SandboxLimits()).ok()) return kNotEntered;
              return ::open("/etc/hostname", O_RDONLY) < 0 ? 1 : 0;
            }),
            -SIGSYS);
}

TEST(Sandbox, IsNotEnteredWhenTheKernelRefusesAnyOtherPart) {
  if (kInsecureSanitizedBuild) GTEST_SKIP() << "the runtime of a sanitizer needs what the sandbox forbids";
  EXPECT_EQ(entered_without(kLandlockCreate, EPERM), 2);
  EXPECT_EQ(entered_without(SYS_seccomp, EINVAL), 2);
  EXPECT_EQ(entered_without(SYS_prlimit64, EPERM), 2);
  EXPECT_EQ(entered_without(SYS_close_range, ENOSYS), 2);
  // Only where the kernel has Landlock is it asked to restrict the process.
  EXPECT_EQ(entered_without(kLandlockRestrict, EPERM), entered_without(SYS_getcpu, EPERM) == 1 ? 2 : 0);
}

TEST(DropInheritance, LeavesNoEnvironmentAndNoDescriptors) {
  if (kInsecureSanitizedBuild) GTEST_SKIP() << "the runtime of a sanitizer needs what the sandbox forbids";
  const int secret = ::open("/etc/hostname", O_RDONLY);
  ASSERT_GE(secret, 0);
  setenv("REDOUBT_TEST_SECRET", "1", 1);
  EXPECT_EQ(end_of([&] {
              if (fcntl(secret, F_GETFD) < 0 || environ[0] == nullptr || environ[1] == nullptr) return 1;
              if (!sandbox::drop_inheritance().ok()) return kNotEntered;
              if (fcntl(secret, F_GETFD) >= 0) return 2;
              return environ[0] != nullptr && std::string_view(environ[0]) == "TZ=UTC" && environ[1] == nullptr ? 0 : 3;
            }),
            0);
  unsetenv("REDOUBT_TEST_SECRET");
  close(secret);
}

TEST(LimitResources, BoundsMemoryTimeAndFilesByItself) {
  if (kInsecureSanitizedBuild) GTEST_SKIP() << "the runtime of a sanitizer needs what the sandbox forbids";
  const SandboxLimits small{.address_space_size = std::uint64_t{1} << 30, .cpu_seconds = 1};
  const auto limited = [&](const Act& act) { return end_of([&] { return sandbox::limit_resources(small).ok() ? act() : kNotEntered; }); };
  const Act take = [] { return mmap(nullptr, std::size_t{2} << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED ? 1 : 0; };
  EXPECT_EQ(end_of(take), 0);
  EXPECT_EQ(limited(take), 1);
  const Act open_file = [] { return ::open("/etc/hostname", O_RDONLY) < 0 ? 1 : 0; };
  EXPECT_EQ(end_of(open_file), 0);
  EXPECT_EQ(limited([&] { return close_range(0, ~0U, 0) == 0 ? open_file() : 3; }), 0) << "the standard streams may be open";
  EXPECT_EQ(limited([&] { return close_range(3, ~0U, 0) == 0 ? open_file() : 3; }), 1) << "and nothing beside them";
  EXPECT_EQ(limited([] {
              for (;;) asm volatile("" ::: "memory");
              return 0;
            }),
            -SIGKILL);
  EXPECT_EQ(limited([] { return prctl(PR_GET_DUMPABLE) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1; }), 0);
  EXPECT_EQ(limited([] {
              int signal = 0;
              return prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGKILL ? 0 : 1;
            }),
            0);
  const Act write_file = [] {
    const int file = memfd_create("file", 0);
    return file < 0 ? 3 : write(file, "x", 1) == 1 ? 0 : 1;
  };
  EXPECT_EQ(end_of(write_file), 0);
  EXPECT_EQ(end_of([&] {
              rlimit none{0, 0};  // the same limit by itself, since descriptors are out as well
              return setrlimit(RLIMIT_FSIZE, &none) == 0 ? write_file() : kNotEntered;
            }),
            -SIGXFSZ);
  EXPECT_EQ(limited([] {
              rlimit found{};
              return getrlimit(RLIMIT_FSIZE, &found) == 0 && found.rlim_max == 0 ? 0 : 1;
            }),
            0);
}

TEST(DenyFiles, RefusesFilesAndTcpByItselfWhereTheKernelHasLandlock) {
  if (kInsecureSanitizedBuild) GTEST_SKIP() << "the runtime of a sanitizer needs what the sandbox forbids";
  const int version = end_of([] {
    const auto found = sandbox::deny_files();
    return found.ok() ? static_cast<int>(*found) : kNotEntered;
  });
  ASSERT_NE(version, kNotEntered);
  if (version == 0) GTEST_SKIP() << "this kernel has no landlock";
  const auto denied = [](const Act& act) { return end_of([&] { return sandbox::deny_files().ok() ? act() : kNotEntered; }); };
  const Act read_file = [] { return ::open("/etc/hostname", O_RDONLY) < 0 ? errno : 0; };
  const Act list = [] { return ::open("/", O_RDONLY | O_DIRECTORY) < 0 ? errno : 0; };
  const Act make = [] {
    const std::string path = "/tmp/redoubt-sandbox-test-" + std::to_string(getpid());
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (file < 0) return errno;
    unlink(path.c_str());
    return 0;
  };
  const Act run = [] {
    char name[] = "/bin/true";
    std::array<char*, 2> arguments{name, nullptr};
    execve(name, arguments.data(), arguments.data() + 1);
    return errno;
  };
  for (const Act& act : {read_file, list, make, run}) {
    EXPECT_EQ(end_of(act), 0);
    EXPECT_EQ(denied(act), EACCES);
  }
  const Act bind_port = [] {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
  };
  EXPECT_EQ(end_of(bind_port), 0);
  EXPECT_EQ(denied(bind_port), version >= 4 ? EACCES : 0);
  const Act signal_parent = [] { return kill(getppid(), 0) == 0 ? 0 : errno; };
  EXPECT_EQ(end_of(signal_parent), 0);
  EXPECT_EQ(denied(signal_parent), version >= 6 ? EPERM : 0);
}

}  // namespace
}  // namespace redoubt::runtime
