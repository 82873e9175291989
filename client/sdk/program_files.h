// Measuring a program from its files, as a participant: the Reference Value of a build that it made or checked itself.
//
// What an operator's hub says of its program is not to be believed; this is the same algorithm over the participant's own disk
// (common/attest/measure). The libraries of the system are among the files, so it must run on the same release of the
// operating system as the platform. Any thread.
#pragma once

#include <filesystem>

#include "common/attest/measure/cleanroom_program.h"

namespace redoubt::sdk {

// measure_cleanroom: the program at `program`, which must be named redoubt-cleanroom (`usage` otherwise), with its engine from
// the same folder. Errors of measure::measure_program.
Result<measure::ProgramManifest> measure_cleanroom(const std::filesystem::path& program);

}  // namespace redoubt::sdk
