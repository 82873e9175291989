// What a dynamic loader reads from an ELF64 file: interpreter, needed libraries and where to look for them.
//
// The file may be anything, so every offset is checked against the bytes and every list is bounded. It
// is no general ELF library: sections, symbols and relocations are not looked at, only little-endian 64-bit executables and
// shared objects are read. System V ABI, chapters 4 and 5. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/bytes.h"

namespace redoubt::measure {

struct ElfFile {
  static constexpr std::size_t kMaxNeeded = 512;
  static constexpr std::size_t kMaxString = 4096;

  std::uint16_t machine = 0;        // e_machine: 62 is x86-64, 183 is AArch64
  std::string interpreter;          // PT_INTERP; empty: none
  std::vector<std::string> needed;  // DT_NEEDED in their order
  std::string soname;               // DT_SONAME; empty: none
  std::string runpath;              // DT_RUNPATH, with its colons
  bool has_rpath = false;           // DT_RPATH, which is inherited by what it loads
  bool has_filters = false;         // DT_AUXILIARY, DT_FILTER, DT_AUDIT, DT_DEPAUDIT: libraries loaded by other ways
};

// looks_like_elf: starts with the magic number.
bool looks_like_elf(ByteView file);

// parse_elf: `malformed`, naming the part, when something is out of bounds or not of this kind.
Result<ElfFile> parse_elf(ByteView file);

}  // namespace redoubt::measure
