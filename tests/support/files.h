// Files for tests: fixtures of this repository, and the larger set of shared test data, which may be absent.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/base/bytes.h"

namespace redoubt::test {

// read_file ends the test program when the file cannot be read.
Bytes read_file(const std::filesystem::path& path);
std::string read_text(const std::filesystem::path& path);

// source_dir is the root of the repository that the tests were built from.
std::filesystem::path source_dir();
// golden(name) is tests/golden/<name>.
std::filesystem::path golden(std::string_view name);

// shared_dir is the folder of shared test data: $REDOUBT_SHARED, else ../shared beside the repository, else nothing.
std::optional<std::filesystem::path> shared_dir();

// A fresh folder that is removed when the object goes. Its path is short enough for Unix sockets.
class TempDir {
 public:
  TempDir();
  explicit TempDir(const std::filesystem::path& parent);
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace redoubt::test

// Skips the test, visibly, where the shared test data are absent; test.sh prints how many were skipped.
#define REDOUBT_REQUIRE_SHARED() \
  if (!::redoubt::test::shared_dir()) GTEST_SKIP() << "shared test data absent (set REDOUBT_SHARED)"
