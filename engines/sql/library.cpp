#include "engines/sql/library.h"

#include <dlfcn.h>
#include <duckdb.h>

#include <array>
#include <fstream>

namespace redoubt::sql {

crypto::Sha256Digest VerifiedLibrary::expected_digest() {
  return crypto::Sha256Digest::from_hex(REDOUBT_DUCKDB_SHA256, "duckdb library").value();
}

Result<VerifiedLibrary> VerifiedLibrary::verify() { return verify_against(expected_digest()); }

Result<VerifiedLibrary> VerifiedLibrary::verify_against(const crypto::Sha256Digest& expected) {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&duckdb_library_version), &info) == 0 || info.dli_fname == nullptr) {
    return Error(Code::not_found, "duckdb library: the loader does not tell its file");
  }
  std::ifstream file(info.dli_fname, std::ios::binary);
  if (!file) return Error(Code::not_found, "duckdb library: cannot read the file that the loader mapped");
  crypto::Sha256 digest;
  std::array<char, 1 << 16> buffer;
  while (file) {
    file.read(buffer.data(), buffer.size());
    digest.update(as_bytes({buffer.data(), static_cast<std::size_t>(file.gcount())}));
  }
  const crypto::Sha256Digest found = digest.finish();
  if (found != expected) {
    return Error(Code::measurement, "duckdb library: expected SHA-256 " + expected.hex() + ", found " + found.hex());
  }
  return VerifiedLibrary();
}

}  // namespace redoubt::sql
