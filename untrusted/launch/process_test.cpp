// Goal: a child gets exactly its arguments, environment and descriptors, and how it ends is told.
// Method: small programs of the system as children; /proc shows what they were given.
#include "untrusted/launch/process.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::launch {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr milliseconds kLimit = seconds(60);

Command shell(std::string script) {
  Command command;
  command.program = "/bin/sh";
  command.arguments = {"-c", std::move(script)};
  command.environment = {"PATH=/usr/bin:/bin"};
  command.die_with_parent = true;
  return command;
}

TEST(ProcessTest, GivesExactlyTheArgumentsAndTheEnvironment) {
  Command command;
  command.program = "/usr/bin/env";
  command.environment = {"A=1", "B=two words"};
  Process child = OrDie(Process::start(command));
  EXPECT_TRUE(OrDie(child.wait(kLimit)).success());
  EXPECT_EQ(child.output(), "A=1\nB=two words\n");

  command.program = "/usr/bin/printf";
  command.arguments = {"[%s]", "a b", "", "$HOME;'\""};
  child = OrDie(Process::start(command));
  EXPECT_TRUE(OrDie(child.wait(kLimit)).success());
  EXPECT_EQ(child.output(), "[a b][][$HOME;'\"]");
  EXPECT_EQ(child.output(3), "[a ");
}

TEST(ProcessTest, InheritsNoDescriptor) {
  const int leaked = ::open("/etc/passwd", O_RDONLY);  // without O_CLOEXEC
  ASSERT_GE(::fcntl(leaked, F_DUPFD, 100), 100);
  Command command;
  command.program = "/bin/ls";
  command.arguments = {"/proc/self/fd"};
  Process child = OrDie(Process::start(command));
  EXPECT_TRUE(OrDie(child.wait(kLimit)).success());
  EXPECT_EQ(child.output(), "0\n1\n2\n3\n");  // 3 is the folder that ls reads
  ::close(leaked);
}

TEST(ProcessTest, RefusesWhatCannotBeStarted) {
  Command command;
  command.program = "/nonexistent/program";
  EXPECT_ERROR(Process::start(command), Code::not_found, "/nonexistent/program: No such file");
  command.program = "/etc/passwd";
  EXPECT_ERROR(Process::start(command), Code::not_found, "Permission denied");
  command.program = "bin/true";
  EXPECT_ERROR(Process::start(command), Code::usage, "absolute");
  command.program = "/bin/true";
  command.arguments = {std::string("a\0b", 3)};
  EXPECT_ERROR(Process::start(command), Code::usage, "NUL");
  command.arguments = {};
  command.output = "/nonexistent/log";
  EXPECT_ERROR(Process::start(command), Code::unavailable, "/nonexistent/log");
}

TEST(ProcessTest, ReadsTheAddressOfTheFirstLineAndNothingElse) {
  Process good = OrDie(Process::start(shell("sleep 0.05; printf 'listening on 127.0.0.1:'; sleep 0.05; echo 7451; exec sleep 60")));
  EXPECT_EQ(OrDie(good.listening_address(kLimit)), "127.0.0.1:7451");
  EXPECT_FALSE(good.exited());

  Process quick = OrDie(Process::start(shell("echo listening on /run/x.sock")));
  EXPECT_EQ(OrDie(quick.listening_address(kLimit)), "/run/x.sock");
  Process other = OrDie(Process::start(shell("echo hello; exec sleep 60")));
  EXPECT_ERROR(other.listening_address(kLimit), Code::malformed, "`hello`");
  Process nothing = OrDie(Process::start(shell("echo 'listening on '; exec sleep 60")));
  EXPECT_ERROR(nothing.listening_address(kLimit), Code::malformed, "listening on");
  Process endless = OrDie(Process::start(shell("printf %0600d 1; exec sleep 60")));
  EXPECT_ERROR(endless.listening_address(kLimit), Code::malformed, "0000");
  Process dead = OrDie(Process::start(shell("exit 7")));
  EXPECT_ERROR(dead.listening_address(kLimit), Code::unavailable, "exited with 7");
  Process silent = OrDie(Process::start(shell("exec sleep 60")));
  EXPECT_ERROR(silent.listening_address(milliseconds(30)), Code::unavailable, "no line in time");
}

TEST(ProcessTest, StopsAsksFirstAndKillsAfterwards) {
  Process polite = OrDie(Process::start(shell("trap 'exit 3' TERM; echo listening on x; while :; do sleep 0.01; done")));
  EXPECT_OK(polite.listening_address(kLimit));
  EXPECT_EQ(polite.stop(kLimit).text(), "exited with 3");
  EXPECT_EQ(polite.stop(kLimit).text(), "exited with 3");
  Process deaf = OrDie(Process::start(shell("trap '' TERM; echo listening on x; while :; do sleep 0.01; done")));
  EXPECT_OK(deaf.listening_address(kLimit));
  EXPECT_EQ(deaf.stop(milliseconds(50)).text(), "killed by signal 9");
  EXPECT_ERROR(OrDie(Process::start(shell("exec sleep 60"))).wait(milliseconds(20)), Code::unavailable, "still runs");
}

TEST(ProcessTest, KillsTheChildWithTheObject) {
  pid_t pid = 0;
  {
    Process child = OrDie(Process::start(shell("exec sleep 60")));
    Process moved = std::move(child);
    pid = moved.pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST(ProcessTest, KeepsTheOutputInItsFile) {
  const test::TempDir folder;
  Command command = shell("echo out; echo err >&2; exit 4");
  command.output = folder.path() / "log";
  EXPECT_ERROR(run(command, kLimit), Code::unavailable, "exited with 4: out\nerr\n");
  EXPECT_EQ(test::read_text(command.output), "out\nerr\n");
  EXPECT_OK(run(shell("exit 0"), kLimit));
}

}  // namespace
}  // namespace redoubt::launch
