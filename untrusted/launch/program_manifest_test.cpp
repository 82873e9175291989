// Goal: a manifest holds every file that a program maps, and its digest depends on them and on nothing of this machine.
// Method: real programs, among them this test program, compared with what the kernel says is mapped; changed copies.
#include "untrusted/launch/program_manifest.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "untrusted/launch/elf.h"
#include "untrusted/launch/process.h"

namespace redoubt::launch {
namespace {
namespace fs = std::filesystem;

void write(const fs::path& path, ByteView bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

ProgramSpec self() {
  ProgramSpec spec;
  spec.program = fs::canonical("/proc/self/exe");
  spec.arguments = {"--listen", "127.0.0.1:0"};
  spec.environment = {"TZ=UTC", "LC_ALL=C"};
  return spec;
}

TEST(ProgramManifestTest, HoldsExactlyTheFilesThatThisProgramMaps) {
  const auto measured = OrDie(measure_program(self()));
  EXPECT_OK(check_mapped(::getpid(), measured.files));
  std::vector<std::string> names;
  for (const ManifestFile& file : measured.manifest.files) names.push_back(file.path);
  EXPECT_TRUE(std::ranges::is_sorted(names));
  for (const char* name : {"libc.so.6", "libstdc++.so.6", "ld-linux-x86-64.so.2"}) {
    EXPECT_EQ(std::ranges::count(names, name), 1) << name;
  }
  // Each file left out of the list is found among the mapped ones: nothing is in it for no reason.
  for (std::size_t i = 0; i < measured.files.size(); ++i) {
    auto fewer = measured.files;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_ERROR(check_mapped(::getpid(), fewer), Code::measurement, measured.files[i].string());
  }
  EXPECT_ERROR(check_mapped(0x7fffffff, measured.files), Code::not_found, "process");
}

TEST(ProgramManifestTest, HasTheCanonicalFormOfItsSpecification) {
  ProgramManifest manifest;
  manifest.files = {{"a", crypto::sha256({}), 0}};
  manifest.arguments = {"--x", "1"};
  manifest.environment = {"A=1"};
  EXPECT_EQ(manifest.canonical(),
            R"({"args":["--x","1"],"env":["A=1"],"files":[{"path":"a","sha256":")"
            R"(e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0}],"type":"redoubt/program/1"})");
  EXPECT_OK(json::parse_signed(manifest.canonical()));
}

TEST(ProgramManifestTest, GivesEqualDigestsInDifferentFoldersAndOthersForEveryChange) {
  const test::TempDir folder;
  for (const char* name : {"one", "two/deeper"}) {
    fs::create_directories(folder.path() / name);
    fs::copy_file("/bin/ls", folder.path() / name / "tool");
  }
  ProgramSpec spec = self();
  spec.program = folder.path() / "one/tool";
  const auto base = OrDie(measure_program(spec)).manifest;
  ProgramSpec moved = spec;
  moved.program = folder.path() / "two/deeper/tool";
  EXPECT_EQ(OrDie(measure_program(moved)).manifest.digest(), base.digest());
  fs::create_symlink(folder.path() / "one/tool", folder.path() / "link");
  moved.program = folder.path() / "link";
  EXPECT_EQ(OrDie(measure_program(moved)).manifest.digest(), base.digest());
  moved = spec;
  std::swap(moved.environment[0], moved.environment[1]);
  EXPECT_EQ(OrDie(measure_program(moved)).manifest.digest(), base.digest());

  ProgramSpec changed = spec;
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

TEST(ProgramManifestTest, TakesExtraFilesWithTheirLibraries) {
  ProgramSpec spec;
  spec.program = "/bin/true";
  const auto small = OrDie(measure_program(spec));
  spec.extra = {"/usr/bin/swtpm_setup"};
  if (!fs::exists(spec.extra[0])) GTEST_SKIP() << "swtpm_setup is not installed";
  const auto large = OrDie(measure_program(spec));
  EXPECT_GT(large.files.size(), small.files.size() + 1);
  EXPECT_TRUE(std::ranges::includes(large.files, small.files));
}

TEST(ProgramManifestTest, RefusesWhatTheLoaderCouldReadInAnotherWay) {
  const test::TempDir folder;
  ProgramSpec spec;
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

TEST(ProgramManifestTest, SeesAMappedFileThatWasNotMeasured) {
  Command command;
  command.program = "/bin/sleep";
  command.arguments = {"60"};
  Process child = OrDie(Process::start(command));
  ProgramSpec spec;
  spec.program = command.program;
  EXPECT_OK(check_mapped(child.pid(), OrDie(measure_program(spec)).files));
  spec.program = "/bin/cat";
  EXPECT_ERROR(check_mapped(child.pid(), OrDie(measure_program(spec)).files), Code::measurement, "sleep");
}

TEST(ElfTest, ReadsThisProgramAndRefusesItCutAtEveryPlaceOfItsHeaders) {
  const Bytes file = test::read_file("/proc/self/exe");
  const ElfFile elf = OrDie(parse_elf(file));
  EXPECT_EQ(elf.machine, 62);
  EXPECT_EQ(elf.interpreter, "/lib64/ld-linux-x86-64.so.2");
  EXPECT_EQ(std::ranges::count(elf.needed, "libc.so.6"), 1);
  EXPECT_EQ(elf.runpath, "$ORIGIN/../lib/redoubt");
  EXPECT_FALSE(elf.has_rpath);
  for (std::size_t size = 0; size < 1024; ++size) {
    EXPECT_ERROR(parse_elf(ByteView(file).first(size)), Code::malformed, "ELF file");
  }
  // Every byte of the headers changed: refused or read, never a crash; magic, class and order are refused.
  Bytes changed = file;
  for (std::size_t i = 0; i < 64 + 13 * 56; ++i) {
    for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
      changed[i] = file[i] ^ std::byte(flip);
      const auto result = parse_elf(changed);
      EXPECT_TRUE(i >= 7 || !result.ok()) << i;
      EXPECT_TRUE(result.ok() || result.error().code() == Code::malformed) << i;
    }
    changed[i] = file[i];
  }
}

}  // namespace
}  // namespace redoubt::launch
