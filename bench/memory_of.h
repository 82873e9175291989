// memory_of: how much memory a process and its children hold together, so that memory they share counts once.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace redoubt::bench {

// resident_set: bytes, shared pages by their share (Pss of /proc/PID/smaps_rollup, Linux 4.14); 0 for a process that is gone.
std::uint64_t resident_set(pid_t process);
// resident_set_with_children: the same of the process, its children and theirs.
std::uint64_t resident_set_with_children(pid_t process);

}  // namespace redoubt::bench
