// memory_of: how much memory a process and its children hold together, so that memory they share counts once.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace redoubt::bench {

// memory_with_children: bytes of the process, its children and theirs: anonymous memory and files by their share (Pss_Anon and Pss_File of
// /proc/PID/smaps_rollup, Linux 5.4), and the files in memory that they hold open (memfd), whole and once, whether anybody has them mapped or not.
std::uint64_t memory_with_children(pid_t process);

}  // namespace redoubt::bench
