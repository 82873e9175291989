#include "tests/support/test_cache.h"

#include <unistd.h>

#include <atomic>
#include <system_error>
#include <utility>

namespace redoubt::test {
namespace fs = std::filesystem;

fs::path test_cache(const std::string& name) {
  return fs::path(REDOUBT_TEST_CACHE) / (name + "-" + std::to_string(::geteuid()));
}

KeptCa::KeptCa(fs::path folder) : folder_(std::move(folder)) {
  static std::atomic<int> count = 0;
  kept_ = test_cache("ca" + std::to_string(count++));
  if (!fs::exists(kept_)) return;
  for (const fs::path& made : {folder_.parent_path(), folder_}) {
    if (fs::create_directory(made)) fs::permissions(made, fs::perms::owner_all);
  }
  fs::copy(kept_, folder_);
}

void KeptCa::keep() const {
  if (fs::exists(kept_)) return;
  const fs::path own = kept_.string() + "." + std::to_string(::getpid());
  std::error_code error;
  fs::create_directories(kept_.parent_path(), error);
  fs::copy(folder_, own, error);
  if (!error) fs::rename(own, kept_, error);  // another test may have been first
  if (error) fs::remove_all(own, error);
}

}  // namespace redoubt::test
