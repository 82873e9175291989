#include "untrusted/hub/auth/admin_key.h"

#include <fcntl.h>
#include <unistd.h>

#include "untrusted/hub/auth/authenticator.h"

namespace redoubt::hub {
namespace {

Status write_all(int descriptor, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(descriptor, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return Error(Code::unavailable, "writing");
    bytes = bytes.subspan(static_cast<std::size_t>(size));
  }
  return {};
}

}  // namespace

Status write_private_file(const std::filesystem::path& file, ByteView bytes) {
  const std::filesystem::path temporary = file.string() + ".new";
  ::unlink(temporary.c_str());
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) return Error(Code::unavailable, "cannot write " + temporary.string());
  Status written = write_all(descriptor, bytes);
  if (written.ok()) written = write_all(descriptor, as_bytes("\n"));
  if (written.ok() && ::fsync(descriptor) != 0) written = Error(Code::unavailable, "syncing");
  ::close(descriptor);
  if (written.ok() && ::rename(temporary.c_str(), file.c_str()) != 0) written = Error(Code::unavailable, "renaming");
  if (!written.ok()) return written.error().context("writing " + file.string());
  const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return Error(Code::unavailable, "syncing the folder of " + file.string());
  const bool synced = ::fsync(folder) == 0;
  ::close(folder);
  if (!synced) return Error(Code::unavailable, "syncing the folder of " + file.string());
  return {};
}

Result<bool> ensure_admin_key(Store& store, crypto::Random& random, const std::filesystem::path& file, Instant now) {
  return store.write("key.admin", [&](Transaction& transaction) -> Result<bool> {
    REDOUBT_TRY(const auto keys, list_api_keys(transaction, {.cursor = "", .count = 1}));
    if (!keys.items.empty()) return false;
    REDOUBT_TRY(const NewApiKey key, create_api_key(transaction, random, "admin", {std::string(kAdminScope)}, now));
    REDOUBT_CHECK(write_private_file(file, key.text.reveal()));
    return true;
  });
}

}  // namespace redoubt::hub
