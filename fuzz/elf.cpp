// Any bytes either parse as an ELF file, with every list and string inside its bounds, or are malformed.
#include <cstdlib>

#include "common/attest/measure/elf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  using measure::ElfFile;
  const auto file = measure::parse_elf(std::as_bytes(std::span(data, size)));
  if (!file.ok()) {
    if (file.error().code() != Code::malformed) std::abort();
    return 0;
  }
  const auto good = [](const std::string& text) { return text.size() <= ElfFile::kMaxString && text.find('\0') == text.npos; };
  if (file->needed.size() > ElfFile::kMaxNeeded || !std::ranges::all_of(file->needed, good)) std::abort();
  if (!good(file->interpreter) || !good(file->soname) || !good(file->runpath)) std::abort();
  return 0;
}
