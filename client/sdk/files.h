// Files of a participant: read with a bound, written whole or not at all, and secret ones with mode 0600 only.
//
// Used by client/ alone. The file system is the participant's own; what is in its files may still come from anybody. A secret
// file that others may read is refused instead of used: its key has perhaps been copied. Not thread-safe across processes
// beyond this: a reader sees the old or the new content, never half of it.
#pragma once

#include <filesystem>
#include <string>

#include "common/base/bytes.h"
#include "common/base/secret.h"

namespace redoubt::sdk {

enum class FileKind { open, secret };

// read_file: all of a regular file of at most `max_size` bytes. `not_found`, `malformed` (too large, no regular file),
// `unavailable` (cannot be read).
Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_size);

// read_secret: the same for a file of mode 0600 that belongs to this user; `refused` otherwise, naming the mode found.
Result<SecretBytes> read_secret(const std::filesystem::path& path, std::size_t max_size);

// write_file replaces the file through a temporary one beside it and syncs it; `secret` gives mode 0600, `open` 0644.
// Missing folders are made with mode 0700. `unavailable`: the file system refused.
Status write_file(const std::filesystem::path& path, ByteView content, FileKind kind);

// write_new is write_file for a file that must not be there yet: `refused` when it is. Never replaces a key.
Status write_new(const std::filesystem::path& path, ByteView content, FileKind kind);

}  // namespace redoubt::sdk
