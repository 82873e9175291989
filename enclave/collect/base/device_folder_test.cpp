// Goal: files are read whole or not at all, interruptions are repeated a bounded number of times, and every error says path, expected
// and found. Method: a scripted kernel for what a real one does rarely, and the real one over a temporary folder.
#include "enclave/collect/base/device_folder.h"

#include <fstream>

#include "enclave/collect/base/fake_files_test.h"
#include "enclave/collect/base/posix_file_calls.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::collect {
namespace {

// Drawer: one file, "/root/note".
class Drawer final : public FakeFiles {
 public:
  Bytes content = to_bytes("forty two bytes that are read by sevens...");
  Bytes stored;

 private:
  int exists(const std::string& path) override { return path == "/root/note" ? 0 : ENOENT; }
  int fill(const std::string&, Bytes& out) override {
    out = content;
    return 0;
  }
  int store(const std::string&, ByteView bytes) override {
    stored = to_bytes(bytes);
    return 0;
  }
};

std::deque<int> times(int count, int error) { return std::deque<int>(static_cast<std::size_t>(count), error); }

TEST(DeviceFolderTest, ReadsAFileWholeThroughShortReadsAndInterruptions) {
  Drawer calls;
  const DeviceFolder folder(calls, "/root");
  EXPECT_EQ(OrDie(folder.read("note", 42)), calls.content);
  calls.faults["open note"] = {EINTR};
  calls.faults["read note"] = {EINTR, EAGAIN, EINTR};
  EXPECT_EQ(OrDie(folder.read("note", 100)), calls.content);
  EXPECT_EQ(calls.open_files, 0);
  calls.content = {};
  EXPECT_TRUE(OrDie(folder.read("note", 42)).empty());
}

TEST(DeviceFolderTest, StopsRepeatingAtItsLimit) {
  for (const int error : {EINTR, EAGAIN}) {
    Drawer calls;
    const DeviceFolder folder(calls, "/root");
    calls.faults["read note"] = times(DeviceFolder::kRepeats, error);
    EXPECT_OK(folder.read("note", 42));
    calls.faults["read note"] = times(DeviceFolder::kRepeats + 1, error);
    EXPECT_ERROR(folder.read("note", 42), Code::unavailable, "/root/note: expected at most 42 bytes, found E");
    calls.faults["write note"] = times(DeviceFolder::kRepeats + 1, error);
    EXPECT_ERROR(folder.write("note", to_bytes("x")), Code::unavailable, "/root/note: expected to write 1 bytes, found E");
    EXPECT_EQ(calls.open_files, 0);
  }
}

TEST(DeviceFolderTest, RefusesFilesAboveTheLimitAndNeverCutsThem) {
  Drawer calls;
  const DeviceFolder folder(calls, "/root");
  EXPECT_ERROR(folder.read("note", 41), Code::malformed, "/root/note: expected at most 41 bytes, found more");
  EXPECT_ERROR(folder.read("note", 0), Code::malformed, "found more");
  calls.lying_reads = true;
  EXPECT_ERROR(folder.read("note", 42), Code::malformed, "by one read");
  EXPECT_EQ(calls.open_files, 0);
}

TEST(DeviceFolderTest, GivesEachErrorItsCode) {
  Drawer calls;
  const DeviceFolder folder(calls, "/root");
  EXPECT_ERROR(folder.read("other", 1), Code::not_found, "/root/other: expected a file to read, found ENOENT (No such file or directory)");
  EXPECT_ERROR(folder.write("other", to_bytes("x")), Code::not_found, "/root/other: expected a file to write, found ENOENT");
  for (const auto& [error, code] : std::initializer_list<std::pair<int, Code>>{{ENXIO, Code::not_found},
                                                                             {ENODEV, Code::not_found},
                                                                             {EACCES, Code::refused},
                                                                             {EPERM, Code::refused},
                                                                             {EINVAL, Code::refused},
                                                                             {EFBIG, Code::refused},
                                                                             {EBUSY, Code::unavailable},
                                                                             {EIO, Code::unavailable},
                                                                             {ETIMEDOUT, Code::unavailable},
                                                                             {999999, Code::unavailable}}) {
    for (const char* call : {"open note", "read note"}) {
      calls.faults[call] = {error};
      EXPECT_ERROR(folder.read("note", 42), code, "/root/note: expected ");
    }
    for (const char* call : {"open note", "write note", "close note"}) {
      calls.faults[call] = {error};
      EXPECT_ERROR(folder.write("note", to_bytes("x")), code, "/root/note: expected ");
    }
    calls.faults["mkdir"] = calls.faults["rmdir"] = {error};
    EXPECT_ERROR(folder.make_folder("new"), code, "/root/new: expected to make a folder, found ");
    EXPECT_ERROR(folder.remove_folder("new"), code, "/root/new: expected to remove a folder, found ");
    EXPECT_EQ(calls.open_files, 0);
  }
}

TEST(DeviceFolderTest, WritesByOneCallAndTakesNoLessForDone) {
  Drawer calls;
  const DeviceFolder folder(calls, "/root");
  EXPECT_OK(folder.write("note", to_bytes("abc")));
  EXPECT_EQ(calls.stored, to_bytes("abc"));
  calls.short_writes = true;
  EXPECT_ERROR(folder.write("note", to_bytes("abc")), Code::unavailable, "expected to write 3 bytes, found 2 taken");
}

TEST(DeviceFolderTest, ReadsTextAndNumbersInOneSpelling) {
  Drawer calls;
  const DeviceFolder folder(calls, "/root");
  for (const std::string_view text : {"tdx_guest\n", "tdx_guest"}) {
    calls.content = to_bytes(text);
    EXPECT_EQ(OrDie(folder.read_text("note", 10)), "tdx_guest");
  }
  for (const std::string_view text : {"tdx\n\n", "tdx\tguest", "tdx\x7f", "\xff"}) {
    calls.content = to_bytes(text);
    EXPECT_ERROR(folder.read_text("note", 10), Code::malformed, "expected one line of text");
  }
  calls.content = to_bytes("18446744073709551615\n");
  EXPECT_EQ(OrDie(folder.read_number("note")), 18446744073709551615U);
  for (const std::string_view text : {"", "\n", "-1", " 1", "1 ", "0x1", "1.0", "18446744073709551616"}) {
    calls.content = to_bytes(text);
    EXPECT_ERROR(folder.read_number("note"), Code::malformed, "expected a decimal number");
  }
  calls.content = to_bytes("1844674407370955161500");
  EXPECT_ERROR(folder.read_number("note"), Code::malformed, "found more");
}

TEST(DeviceFolderTest, WorksOnTheRealKernel) {
  const test::TempDir temporary;
  PosixFileCalls calls;
  const DeviceFolder folder(calls, temporary.path());
  EXPECT_ERROR(folder.read("note", 10), Code::not_found, temporary.path().string() + "/note");
  EXPECT_ERROR(folder.write("note", to_bytes("x")), Code::not_found, "ENOENT");  // nothing is created
  std::ofstream(temporary.path() / "note") << "0123456789";
  EXPECT_OK(folder.write("note", to_bytes("abc")));
  EXPECT_EQ(OrDie(folder.read("note", 10)), to_bytes("abc3456789"));  // nothing is cut
  EXPECT_ERROR(folder.read("note", 9), Code::malformed, "at most 9 bytes");
  EXPECT_ERROR(folder.read("note/below", 9), Code::not_found, "ENOTDIR");

  EXPECT_TRUE(OrDie(folder.make_folder("new")));
  EXPECT_FALSE(OrDie(folder.make_folder("new")));
  EXPECT_ERROR(folder.read("new", 10), Code::refused, "EISDIR");
  EXPECT_ERROR(folder.write("new", to_bytes("x")), Code::refused, "EISDIR");
  EXPECT_OK(folder.remove_folder("new"));
  EXPECT_ERROR(folder.remove_folder("new"), Code::not_found, "ENOENT");
  EXPECT_ERROR(folder.make_folder("absent/new"), Code::not_found, "ENOENT");
}

}  // namespace
}  // namespace redoubt::collect
