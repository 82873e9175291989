// Goal: a manifest holds every file that a program maps, and its digest depends on them and on nothing of this machine.
// Method: real programs, among them this test program, compared with what the kernel says is mapped; changed copies.
#include "untrusted/launch/program_on_disk.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "untrusted/launch/process.h"

namespace redoubt::launch {
namespace {
namespace fs = std::filesystem;

void write(const fs::path& path, ByteView bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

measure::ProgramSpec self() {
  measure::ProgramSpec spec;
  spec.program = fs::canonical("/proc/self/exe");
  spec.arguments = {"--listen", "127.0.0.1:0"};
  spec.environment = {"TZ=UTC", "LC_ALL=C"};
  return spec;
}

TEST(ProgramOnDiskTest, HoldsExactlyTheFilesThatThisProgramMaps) {
  const auto measured = OrDie(measure_program(self()));
  EXPECT_OK(check_mapped(::getpid(), measured.files));
  std::vector<std::string> names;
  for (const measure::ManifestFile& file : measured.manifest.files) names.push_back(file.path);
  EXPECT_TRUE(std::ranges::is_sorted(names));
  for (const char* name : {"libc.so.6", "libstdc++.so.6", "ld-linux-x86-64.so.2"}) {
    EXPECT_EQ(std::ranges::count(names, name), 1) << name;
  }
  // Each file left out of the list is found among the mapped ones: nothing is in it for no reason.
  for (std::size_t i = 0; i < measured.files.size(); ++i) {
    auto fewer = measured.files;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_ERROR(check_mapped(::getpid(), fewer), Code::measurement, measured.files[i]);
  }
  EXPECT_ERROR(check_mapped(0x7fffffff, measured.files), Code::not_found, "process");
}

TEST(ProgramOnDiskTest, GivesEqualDigestsInDifferentFoldersAndOthersForEveryChange) {
  const test::TempDir folder;
  for (const char* name : {"one", "two/deeper"}) {
    fs::create_directories(folder.path() / name);
    fs::copy_file("/bin/ls", folder.path() / name / "tool");
  }
  measure::ProgramSpec spec = self();
  spec.program = folder.path() / "one/tool";
  const auto base = OrDie(measure_program(spec)).manifest;
  measure::ProgramSpec moved = spec;
  moved.program = folder.path() / "two/deeper/tool";
  EXPECT_EQ(OrDie(measure_program(moved)).manifest.digest(), base.digest());
  fs::create_symlink(folder.path() / "one/tool", folder.path() / "link");
  moved.program = folder.path() / "link";
  EXPECT_EQ(OrDie(measure_program(moved)).manifest.digest(), base.digest());
  moved = spec;
  std::swap(moved.environment[0], moved.environment[1]);
  EXPECT_EQ(OrDie(measure_program(moved)).manifest.digest(), base.digest());

  measure::ProgramSpec changed = spec;
  changed.arguments.push_back("--debug");
  EXPECT_NE(OrDie(measure_program(changed)).manifest.digest(), base.digest());
  changed = spec;
  std::swap(changed.arguments[0], changed.arguments[1]);
  EXPECT_NE(OrDie(measure_program(changed)).manifest.digest(), base.digest());
  changed = spec;
  changed.environment[0] = "TZ=CET";
  EXPECT_NE(OrDie(measure_program(changed)).manifest.digest(), base.digest());
  changed = spec;
  changed.extra = {"/etc/passwd"};
  EXPECT_NE(OrDie(measure_program(changed)).manifest.digest(), base.digest());
  // One more byte at the end of the program, which no loader looks at.
  Bytes bytes = test::read_file("/bin/ls");
  bytes.push_back(std::byte{0});
  write(folder.path() / "two/deeper/tool", bytes);
  moved = spec;
  moved.program = folder.path() / "two/deeper/tool";
  EXPECT_NE(OrDie(measure_program(moved)).manifest.digest(), base.digest());
}

TEST(ProgramOnDiskTest, TakesExtraFilesWithTheirLibraries) {
  measure::ProgramSpec spec;
  spec.program = "/bin/true";
  const auto small = OrDie(measure_program(spec));
  spec.extra = {"/usr/bin/swtpm_setup"};
  if (!fs::exists(fs::path(spec.extra[0]))) GTEST_SKIP() << "swtpm_setup is not installed";
  const auto large = OrDie(measure_program(spec));
  EXPECT_GT(large.files.size(), small.files.size() + 1);
  EXPECT_TRUE(std::ranges::includes(large.files, small.files));
}

TEST(ProgramOnDiskTest, RefusesWhatTheLoaderCouldReadInAnotherWay) {
  const test::TempDir folder;
  measure::ProgramSpec spec;
  spec.program = "/bin/true";
  for (const char* variable : {"LD_PRELOAD=/x.so", "LD_LIBRARY_PATH=/x", "LD_AUDIT=/x", "GLIBC_TUNABLES=x"}) {
    spec.environment = {variable};
    EXPECT_ERROR(measure_program(spec), Code::refused, "loader maps");
  }
  spec.environment = {"A=1", "A=2"};
  EXPECT_ERROR(measure_program(spec), Code::refused, "twice");
  spec.environment = {"A"};
  EXPECT_ERROR(measure_program(spec), Code::malformed, "NAME=VALUE");
  spec.environment = {"A=\xff"};
  EXPECT_ERROR(measure_program(spec), Code::malformed, "UTF-8");
  spec.environment = {};
  spec.arguments = {"\xff"};
  EXPECT_ERROR(measure_program(spec), Code::malformed, "arguments");
  spec.arguments = {};
  spec.program = "bin/true";
  EXPECT_ERROR(measure_program(spec), Code::usage, "absolute");
  spec.program = folder.path() / "absent";
  EXPECT_ERROR(measure_program(spec), Code::not_found, "absent");
  spec.program = folder.path();
  EXPECT_ERROR(measure_program(spec), Code::not_found, "");
  // Two files of one base name and different content.
  spec.program = "/bin/true";
  write(folder.path() / "true", as_bytes("another"));
  spec.extra = {folder.path() / "true"};
  EXPECT_ERROR(measure_program(spec), Code::refused, "two different files are named true");
  // A program cut short.
  const Bytes whole = test::read_file("/bin/true");
  write(folder.path() / "cut", ByteView(whole).first(whole.size() / 2));
  spec.extra = {folder.path() / "cut"};
  const auto cut = measure_program(spec);
  EXPECT_TRUE(!cut.ok() || cut->files.size() > 1);
}

TEST(ProgramOnDiskTest, SeesAMappedFileThatWasNotMeasured) {
  Command command;
  command.program = "/bin/sleep";
  command.arguments = {"60"};
  Process child = OrDie(Process::start(command));
  measure::ProgramSpec spec;
  spec.program = command.program;
  EXPECT_OK(check_mapped(child.pid(), OrDie(measure_program(spec)).files));
  spec.program = "/bin/cat";
  EXPECT_ERROR(check_mapped(child.pid(), OrDie(measure_program(spec)).files), Code::measurement, "sleep");
}

}  // namespace
}  // namespace redoubt::launch
