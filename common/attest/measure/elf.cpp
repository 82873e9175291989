#include "common/attest/measure/elf.h"

#include <array>
#include <optional>
#include <utility>

#include "common/base/reader.h"

namespace redoubt::measure {
namespace {

constexpr std::array<std::byte, 7> kIdent{std::byte{0x7f}, std::byte{'E'}, std::byte{'L'}, std::byte{'F'},
                                          std::byte{2} /* 64 bits */, std::byte{1} /* little-endian */, std::byte{1}};
constexpr std::size_t kHeaderSize = 64;
constexpr std::size_t kProgramHeaderSize = 56;
constexpr std::size_t kDynamicSize = 16;
constexpr std::size_t kMaxProgramHeaders = 256;
constexpr std::size_t kMaxDynamic = 8192;

struct Segment {
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
  std::uint64_t address = 0;
  std::uint64_t file_size = 0;
};
constexpr std::uint32_t kLoad = 1;
constexpr std::uint32_t kDynamic = 2;
constexpr std::uint32_t kInterpreter = 3;

enum : std::uint64_t {
  kNull = 0, kNeeded = 1, kStringTable = 5, kStringSize = 10, kSoname = 14, kRpath = 15, kRunpath = 29,
  kDependencyAudit = 0x6ffffefb, kAudit = 0x6ffffefc, kAuxiliary = 0x7ffffffd, kFilter = 0x7fffffff,
};

Error malformed(std::string_view what) { return Error(Code::malformed, "ELF file: " + std::string(what)); }

// part: `size` bytes at `offset` of `bytes`.
Result<ByteView> part(ByteView bytes, std::uint64_t offset, std::uint64_t size, std::string_view what) {
  if (offset > bytes.size() || size > bytes.size() - offset) return malformed(std::string(what) + " is out of bounds");
  return bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

// string_at: the text up to its NUL, which must come within kMaxString bytes.
Result<std::string> string_at(ByteView table, std::uint64_t offset, std::string_view what) {
  if (offset >= table.size()) return malformed(std::string(what) + " is out of bounds");
  const ByteView rest = table.subspan(static_cast<std::size_t>(offset));
  const auto end = std::ranges::find(rest, std::byte{0});
  const auto size = static_cast<std::size_t>(end - rest.begin());
  if (end == rest.end() || size > ElfFile::kMaxString) return malformed(std::string(what) + " has no end");
  if (size == 0) return malformed(std::string(what) + " is empty");
  return std::string(as_text(rest.first(size)));
}

Result<std::vector<Segment>> read_segments(ByteView file, ElfFile& out) {
  REDOUBT_TRY(const ByteView header, part(file, 0, kHeaderSize, "header"));
  if (!equal(header.first(kIdent.size()), kIdent)) return malformed("expected a 64-bit little-endian file");
  Reader reader(header.subspan(16), "ELF header");
  const std::uint16_t type = reader.u16le();
  out.machine = reader.u16le();
  reader.bytes(4 + 8);  // version, entry
  const std::uint64_t offset = reader.u64le();
  reader.bytes(8 + 4 + 2);  // section headers, flags, size of this header
  const std::uint16_t entry_size = reader.u16le();
  const std::uint16_t count = reader.u16le();
  REDOUBT_CHECK(reader.status());
  if (type != 2 && type != 3) return malformed("expected an executable or a shared object");
  if (entry_size != kProgramHeaderSize) return malformed("program headers have another size");
  if (count == 0 || count > kMaxProgramHeaders) return malformed("number of program headers");
  REDOUBT_TRY(const ByteView table, part(file, offset, count * kProgramHeaderSize, "program header table"));
  Reader entries(table, "ELF program headers");
  std::vector<Segment> segments(count);
  for (Segment& segment : segments) {
    segment.type = entries.u32le();
    entries.bytes(4);
    segment.offset = entries.u64le();
    segment.address = entries.u64le();
    entries.bytes(8);
    segment.file_size = entries.u64le();
    entries.bytes(8 + 8);
  }
  REDOUBT_CHECK(entries.finish());
  return segments;
}

// string_table: the bytes at a virtual address, found through the segment that loads them.
Result<ByteView> string_table(ByteView file, const std::vector<Segment>& segments, std::uint64_t address, std::uint64_t size) {
  for (const Segment& segment : segments) {
    if (segment.type != kLoad || address < segment.address) continue;
    const std::uint64_t inside = address - segment.address;
    if (inside > segment.file_size || size > segment.file_size - inside) continue;
    REDOUBT_TRY(const ByteView bytes, part(file, segment.offset, segment.file_size, "segment"));
    return part(bytes, inside, size, "string table");
  }
  return malformed("string table lies in no segment");
}

Status read_dynamic(ByteView file, const std::vector<Segment>& segments, const Segment& dynamic, ElfFile& out) {
  REDOUBT_TRY(const ByteView bytes, part(file, dynamic.offset, dynamic.file_size, "dynamic segment"));
  if (bytes.size() / kDynamicSize > kMaxDynamic) return malformed("dynamic segment is too long");
  std::vector<std::uint64_t> needed;
  std::optional<std::uint64_t> soname, runpath, table, table_size;
  Reader reader(bytes, "ELF dynamic segment");
  for (;;) {
    const std::uint64_t tag = reader.u64le();
    const std::uint64_t value = reader.u64le();
    REDOUBT_CHECK(reader.status());
    if (tag == kNull) break;
    switch (tag) {
      case kNeeded: needed.push_back(value); break;
      case kStringTable: table = value; break;
      case kStringSize: table_size = value; break;
      case kSoname: soname = value; break;
      case kRunpath: runpath = value; break;
      case kRpath: out.has_rpath = true; break;
      case kDependencyAudit:
      case kAudit:
      case kAuxiliary:
      case kFilter: out.has_filters = true; break;
      default: break;
    }
  }
  if (needed.size() > ElfFile::kMaxNeeded) return malformed("too many needed libraries");
  if (needed.empty() && !soname && !runpath) return {};
  if (!table || !table_size) return malformed("dynamic segment names no string table");
  REDOUBT_TRY(const ByteView strings, string_table(file, segments, *table, *table_size));
  for (const std::uint64_t offset : needed) {
    REDOUBT_TRY(std::string name, string_at(strings, offset, "needed library"));
    out.needed.push_back(std::move(name));
  }
  if (soname) {
    REDOUBT_TRY(out.soname, string_at(strings, *soname, "soname"));
  }
  if (runpath) {
    REDOUBT_TRY(out.runpath, string_at(strings, *runpath, "run path"));
  }
  return {};
}

}  // namespace

bool looks_like_elf(ByteView file) { return file.size() >= 4 && equal(file.first(4), ByteView(kIdent).first(4)); }

Result<ElfFile> parse_elf(ByteView file) {
  ElfFile out;
  REDOUBT_TRY(const std::vector<Segment> segments, read_segments(file, out));
  bool dynamic_seen = false;
  for (const Segment& segment : segments) {
    if (segment.type == kInterpreter) {
      if (!out.interpreter.empty()) return malformed("two interpreters");
      REDOUBT_TRY(const ByteView name, part(file, segment.offset, segment.file_size, "interpreter"));
      REDOUBT_TRY(out.interpreter, string_at(name, 0, "interpreter"));
    } else if (segment.type == kDynamic) {
      if (std::exchange(dynamic_seen, true)) return malformed("two dynamic segments");
      REDOUBT_CHECK(read_dynamic(file, segments, segment, out));
    }
  }
  return out;
}

}  // namespace redoubt::measure
