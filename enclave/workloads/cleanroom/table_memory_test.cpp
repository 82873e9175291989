// Goal: what was sealed can be read by whoever holds it and changed by nobody. Method: memory is written, sealed, handed over a socket as to an
// engine, and every way to change it is tried from both ends; then descriptors that are no such memory.
#include "enclave/workloads/cleanroom/table_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "engines/process/files.h"
#include "tests/support/expect.h"

namespace redoubt::cleanroom {
namespace {

TableMemory written(std::string_view text) {
  TableMemory memory = OrDie(TableMemory::create(text.size()));
  std::ranges::copy(as_bytes(text), memory.next(text.size()).begin());
  return memory;
}

struct Sockets {
  Sockets() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0); }
  ~Sockets() {
    close(ends[0]);
    close(ends[1]);
  }
  std::array<int, 2> ends{};
};

TEST(TableMemory, IsSeenOnlyWhenItIsSealedAndThenAsItWasWritten) {
  TableMemory memory = written("rows of a table");
  EXPECT_TRUE(memory.view().empty());
  EXPECT_EQ(memory.file(), -1);
  ASSERT_OK(memory.seal());
  EXPECT_EQ(as_text(memory.view()), "rows of a table");
  EXPECT_TRUE(memory.next(1).empty());
  EXPECT_ERROR(memory.seal(), Code::usage, "not sealed");
  TableMemory moved = std::move(memory);
  EXPECT_EQ(as_text(moved.view()), "rows of a table");
  EXPECT_TRUE(memory.view().empty());  // NOLINT: what is left is nothing
}

TEST(TableMemory, CannotBeChangedByAnybodyOnceSealed) {
  TableMemory memory = written("rows");
  ASSERT_OK(memory.seal());
  EXPECT_LT(pwrite(memory.file(), "x", 1, 0), 0);
  EXPECT_NE(ftruncate(memory.file(), 0), 0);
  EXPECT_NE(ftruncate(memory.file(), 100), 0);
  EXPECT_EQ(mmap(nullptr, 4, PROT_READ | PROT_WRITE, MAP_SHARED, memory.file(), 0), MAP_FAILED);
  EXPECT_NE(fcntl(memory.file(), F_ADD_SEALS, 0), 0);
  EXPECT_EQ(as_text(memory.view()), "rows");
}

TEST(TableMemory, IsGivenFromItsFirstByteToItsLastAndSealedWhole) {
  TableMemory memory = OrDie(TableMemory::create(8));
  std::ranges::copy(as_bytes("rows"), memory.next(4).begin());
  EXPECT_TRUE(memory.next(5).empty());
  EXPECT_ERROR(memory.seal(), Code::usage, "expected 8 bytes, found 4");
  EXPECT_TRUE(memory.view().empty());
  const auto rest = memory.next(4);
  ASSERT_EQ(rest.size(), 4U);
  std::ranges::copy(as_bytes("more"), rest.begin());
  EXPECT_TRUE(memory.next(1).empty());
  ASSERT_OK(memory.seal());
  EXPECT_EQ(as_text(memory.view()), "rowsmore");
}

// A host that sends one wrong chunk of a table of gigabytes must not make the room ask for them to wipe them.
TEST(TableMemory, TakesNoMoreMemoryThanWasAskedFor) {
  const auto pages = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
  };
  TableMemory memory = OrDie(TableMemory::create(std::uint64_t{1} << 30));
  memory.next(1)[0] = std::byte{1};
  const long before = pages();
  memory = TableMemory();
  EXPECT_LT(pages() - before, 100);
}

TEST(TableMemory, MayBeEmpty) {
  TableMemory memory = OrDie(TableMemory::create(0));
  ASSERT_OK(memory.seal());
  EXPECT_TRUE(memory.view().empty());
  EXPECT_GE(memory.file(), 0);
}

TEST(EngineFiles, ArriveInTheirOrder) {
  Sockets sockets;
  std::vector<TableMemory> memories;
  std::vector<int> files;
  for (std::size_t i = 0; i < engines::kMaxFiles; ++i) {
    memories.push_back(written("table " + std::to_string(i)));
    ASSERT_OK(memories.back().seal());
    files.push_back(memories.back().file());
  }
  ASSERT_OK(engines::send_files(sockets.ends[0], files));
  const auto received = OrDie(engines::receive_files(sockets.ends[1]));
  ASSERT_EQ(received.size(), files.size());
  for (std::size_t i = 0; i < received.size(); ++i) EXPECT_EQ(as_text(received[i]), "table " + std::to_string(i));
  ASSERT_OK(engines::send_files(sockets.ends[0], {}));
  EXPECT_TRUE(OrDie(engines::receive_files(sockets.ends[1])).empty());
  files.push_back(files.front());
  EXPECT_ERROR(engines::send_files(sockets.ends[0], files), Code::usage, "at most 128");
}

TEST(EngineFiles, ThatCouldStillBeChangedAreNotTaken) {
  const int unsealed = memfd_create("table", MFD_ALLOW_SEALING);
  const int half = memfd_create("table", MFD_ALLOW_SEALING);
  ASSERT_EQ(fcntl(half, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);  // its bytes can be changed
  const int file = ::open("/proc/self/exe", O_RDONLY);
  for (const int given : {unsealed, half, file}) {
    Sockets sockets;
    ASSERT_OK(engines::send_files(sockets.ends[0], std::span(&given, 1)));
    EXPECT_ERROR(engines::receive_files(sockets.ends[1]), Code::malformed, "sealed");
    close(given);
  }
}

TEST(EngineFiles, AnythingElseThanTheirMessageIsRefused) {
  {
    Sockets sockets;
    ASSERT_EQ(write(sockets.ends[0], "x", 1), 1);
    EXPECT_ERROR(engines::receive_files(sockets.ends[1]), Code::malformed, "expected the message");
  }
  {
    Sockets sockets;
    ASSERT_EQ(shutdown(sockets.ends[0], SHUT_WR), 0);
    EXPECT_ERROR(engines::receive_files(sockets.ends[1]), Code::malformed, "expected the message");
  }
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe(pipe_ends.data()), 0);
  EXPECT_ERROR(engines::receive_files(pipe_ends[0]), Code::malformed, "expected the message");
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

}  // namespace
}  // namespace redoubt::cleanroom
