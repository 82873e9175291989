// Measuring the programs of this machine, and looking what a process of it has mapped.
//
// The operator's zone: the file system and /proc are the operator's own, so what comes out is the host's word
// (docs/specs/launch.md). How a program is measured is common/attest/measure; here are the files. Files are read once, before
// the program starts; check_mapped compares afterwards. Any thread.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "common/attest/measure/cleanroom_program.h"

namespace redoubt::launch {

// measure_program: measure::measure_program over the files of this machine.
Result<measure::MeasuredProgram> measure_program(const measure::ProgramSpec& spec);

// measure_cleanroom: the clean room's program in `folder` (absolute), as measure::cleanroom_spec describes it.
Result<measure::MeasuredProgram> measure_cleanroom(const std::filesystem::path& folder);

// check_mapped: every file that process `pid` maps executable now is one of `files`, or `measurement`, naming the file.
// `not_found` when there is no such process. It sees what is mapped at this moment, nothing later.
Status check_mapped(pid_t pid, const std::vector<std::string>& files);

}  // namespace redoubt::launch
