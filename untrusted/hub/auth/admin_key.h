// The first API key: without one nobody could ask for others. It is written to a file (mode 0600) before its record is
// committed, so that a crash between the two leaves a file that the next start replaces, and never a key that nobody has.
#pragma once

#include <filesystem>

#include "untrusted/hub/store/accounts.h"

namespace redoubt::hub {

// ensure_admin_key makes a key with scope admin when the store holds no key at all, and says whether it did. `unavailable`
// when the file cannot be written.
Result<bool> ensure_admin_key(Store& store, crypto::Random& random, const std::filesystem::path& file, Instant now);

// write_private_file writes `bytes` and a newline to a new file of mode 0600 that replaces `file`, durably.
Status write_private_file(const std::filesystem::path& file, ByteView bytes);

}  // namespace redoubt::hub
