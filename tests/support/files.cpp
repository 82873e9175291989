#include "tests/support/files.h"

#include <stdlib.h>  // mkdtemp

#include <cstdio>
#include <fstream>
#include <iterator>

namespace redoubt::test {
namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::abort();
  }
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Bytes read_file(const fs::path& path) { return to_bytes(read_text(path)); }

fs::path source_dir() {
  if (const char* dir = std::getenv("REDOUBT_SOURCE_DIR")) return dir;
  for (fs::path dir = fs::current_path();; dir = dir.parent_path()) {
    if (fs::exists(dir / "cmake/floors.txt")) return dir;
    if (dir == dir.parent_path()) break;
  }
  std::fprintf(stderr, "run tests inside the repository or set REDOUBT_SOURCE_DIR\n");
  std::abort();
}

fs::path golden(std::string_view name) { return source_dir() / "tests/golden" / name; }

std::optional<fs::path> shared_dir() {
  const char* dir = std::getenv("REDOUBT_SHARED");
  fs::path path = dir != nullptr ? fs::path(dir) : source_dir() / ".." / "shared";
  if (!fs::is_directory(path)) return std::nullopt;
  return path;
}

TempDir::TempDir() : TempDir(fs::temp_directory_path()) {}

TempDir::TempDir(const fs::path& parent) {
  std::string name = (parent / "rdt.XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    std::fprintf(stderr, "cannot make a temporary folder\n");
    std::abort();
  }
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace redoubt::test
