// Goal: a manifest holds what the loader would map and refuses every machine on which the loader could choose otherwise.
// Method: a small file system in memory, filled with this test program and the libraries that it needs.
#include "common/attest/measure/program_manifest.h"

#include <map>

#include "common/attest/measure/cleanroom_program.h"
#include "common/attest/measure/elf.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::measure {
namespace {

// MemoryFiles holds files by absolute path; there are no links in it.
class MemoryFiles : public ProgramFiles {
 public:
  bool exists(const std::string& path) const override { return files.contains(path); }
  Result<std::string> canonical(const std::string& path) const override {
    if (!files.contains(path)) return Error(Code::not_found, path);
    return path;
  }
  Result<Bytes> read(const std::string& path) const override {
    const auto at = files.find(path);
    if (at == files.end()) return Error(Code::not_found, path);
    return at->second;
  }
  std::map<std::string, Bytes> files;
};

// Machine: this test program as /opt/bin/tool, its interpreter, and one small file in the place of each library it needs.
class Machine : public MemoryFiles {
 public:
  Machine() {
    const Bytes self = test::read_file("/proc/self/exe");
    const ElfFile elf = OrDie(parse_elf(self));
    files["/opt/bin/tool"] = self;
    files[elf.interpreter] = to_bytes("interpreter");
    for (const std::string& name : elf.needed) {
      files["/usr/lib/" + name] = to_bytes(name);
      needed.push_back(name);
    }
  }
  std::vector<std::string> needed;
};

ProgramSpec tool() { return {"/opt/bin/tool", {"serve"}, {}, {}}; }

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

TEST(ProgramManifestTest, HoldsTheProgramItsInterpreterAndItsLibraries) {
  const Machine machine;
  const auto measured = OrDie(measure_program(tool(), machine));
  EXPECT_EQ(measured.manifest.files.size(), machine.files.size());
  EXPECT_EQ(measured.files.size(), machine.files.size());
  for (const ManifestFile& file : measured.manifest.files) EXPECT_EQ(file.path.find('/'), std::string::npos) << file.path;
  // In another folder the same bytes give the same digest.
  Machine other;
  other.files["/home/x/tool"] = other.files["/opt/bin/tool"];
  ProgramSpec spec = tool();
  spec.program = "/home/x/tool";
  EXPECT_EQ(OrDie(measure_program(spec, other)).manifest.digest(), measured.manifest.digest());
  // A changed byte in any file gives another one.
  for (const auto& [path, bytes] : machine.files) {
    if (path == "/opt/bin/tool") continue;  // its last byte is changed below: the first ones are its headers
    Machine changed;
    changed.files[path].back() ^= std::byte{1};
    EXPECT_NE(OrDie(measure_program(tool(), changed)).manifest.digest(), measured.manifest.digest()) << path;
  }
  other.files["/home/x/tool"].back() ^= std::byte{1};
  EXPECT_NE(OrDie(measure_program(spec, other)).manifest.digest(), measured.manifest.digest());
}

TEST(ProgramManifestTest, TakesALibraryFromTheRunPathBeforeTheSystems) {
  Machine machine;
  const auto base = OrDie(measure_program(tool(), machine)).manifest.digest();
  machine.files["/opt/bin/../lib/redoubt/" + machine.needed[0]] = to_bytes("our own");
  const auto ours = OrDie(measure_program(tool(), machine));
  EXPECT_NE(ours.manifest.digest(), base);
  EXPECT_EQ(std::ranges::count(ours.files, "/usr/lib/" + machine.needed[0]), 0);
}

TEST(ProgramManifestTest, RefusesAMachineWhoseLoaderCouldChooseAnotherFile) {
  Machine machine;
  EXPECT_OK(measure_program(tool(), machine));
  machine.files["/etc/ld.so.preload"] = {};
  EXPECT_OK(measure_program(tool(), machine));
  machine.files["/etc/ld.so.preload"] = to_bytes("/x.so");
  EXPECT_ERROR(measure_program(tool(), machine), Code::refused, "ld.so.preload");
  for (const char* level : {"x86-64-v2", "x86-64-v3", "x86-64-v4"}) {
    Machine variants;
    variants.files[std::string("/usr/lib/glibc-hwcaps/") + level + "/" + variants.needed[0]] = to_bytes("x");
    EXPECT_ERROR(measure_program(tool(), variants), Code::refused, "glibc-hwcaps");
  }
  Machine absent;
  absent.files.erase("/usr/lib/" + absent.needed[0]);
  EXPECT_ERROR(measure_program(tool(), absent), Code::not_found, absent.needed[0]);
  Machine empty;
  empty.files["/usr/lib/" + empty.needed[0]] = {};
  EXPECT_ERROR(measure_program(tool(), empty), Code::malformed, "empty file");
}

TEST(ProgramManifestTest, TheCleanRoomsProgramBringsItsEngineIfItIsThere) {
  Machine machine;
  machine.files["/b/redoubt-cleanroom"] = machine.files["/opt/bin/tool"];
  const auto alone = OrDie(measure_program(cleanroom_spec("/b", machine), machine));
  machine.files["/b/redoubt-cleanroom-engine"] = to_bytes("engine");
  const auto both = OrDie(measure_program(cleanroom_spec("/b", machine), machine));
  EXPECT_EQ(both.manifest.files.size(), alone.manifest.files.size() + 1);
  EXPECT_EQ(both.manifest.arguments, std::vector<std::string>{"serve"});
  const json::Value reference = both.manifest.reference(kCleanroomProgram);
  EXPECT_EQ(*reference.object()->at("manifest").string(), both.manifest.digest().hex());
  EXPECT_EQ(*reference.object()->at("name").string(), "redoubt-cleanroom");
}

}  // namespace
}  // namespace redoubt::measure
