// Goal: what the loader would read from a file is read, and nothing outside the file. Method: this test program, cut and changed.
#include "common/attest/measure/elf.h"

#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::measure {
namespace {

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
}  // namespace redoubt::measure
