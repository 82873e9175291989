#include "tests/support/rsa_key.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace redoubt::test {
namespace fs = std::filesystem;
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// A half-written file never has its name: it is written under another one and renamed. Where the tree cannot be written, each
// program makes its own keys.
void keep(EVP_PKEY* key, const fs::path& path) {
  std::error_code failed;
  fs::create_directories(path.parent_path(), failed);
  const fs::path unfinished = path.string() + "." + std::to_string(getpid());
  {
    const File file(std::fopen(unfinished.c_str(), "wb"));
    if (file == nullptr) return;
    fs::permissions(unfinished, fs::perms::owner_read | fs::perms::owner_write, failed);
    if (PEM_write_PrivateKey(file.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1 || std::fflush(file.get()) != 0) {
      failed = std::make_error_code(std::errc::io_error);
    }
  }
  if (!failed) fs::rename(unfinished, path, failed);
  if (failed) fs::remove(unfinished, failed);
}

}  // namespace

evp_pkey_st* rsa_key(unsigned bits) {
  static std::mutex mutex;
  static std::map<unsigned, int> taken;
  const std::lock_guard lock(mutex);
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  const fs::path keys = program.parent_path().parent_path() / "test_keys";
  const fs::path path = keys / ("rsa" + std::to_string(bits) + "-" + std::to_string(taken[bits]++) + ".pem");
  if (const File file(std::fopen(path.c_str(), "rb")); file != nullptr) {
    EVP_PKEY* key = PEM_read_PrivateKey(file.get(), nullptr, nullptr, nullptr);
    if (key != nullptr && EVP_PKEY_get_bits(key) == static_cast<int>(bits)) return key;
    EVP_PKEY_free(key);
  }
  EVP_PKEY* key = EVP_RSA_gen(bits);
  if (key == nullptr) {
    std::fprintf(stderr, "no RSA key of %u bits could be made\n", bits);
    std::abort();
  }
  keep(key, path);
  return key;
}

}  // namespace redoubt::test
