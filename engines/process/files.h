// Files: the tables of a request, as memory that the program and its engine share.
//
// The program holds each table in a file without a name that nobody can change any more (memfd_create(2), sealed against writing, shrinking
// and growing). Its descriptor goes to the engine over the engine's standard input before the request does; the engine maps it before it
// enters its sandbox, and has no descriptor afterwards. So a large table is neither copied nor read twice, and the engine holds the tables of
// its request and no others. Whoever receives checks the seals: an engine reads memory that stays as it was checked. Linux.
#pragma once

#include <span>
#include <vector>

#include "common/base/bytes.h"

namespace redoubt::engines {

inline constexpr std::size_t kMaxFiles = 128;

// send_files sends up to kMaxFiles descriptors, or none, in one message. `usage` for more, `unavailable` when the other end is gone.
Status send_files(int socket, std::span<const int> files);

// receive_files waits for that message and maps what came with it, read-only, as long as the process lives. `malformed`: no such message, or
// a file that is not sealed; `unavailable`: it cannot be mapped.
Result<std::vector<ByteView>> receive_files(int socket);

}  // namespace redoubt::engines
