// What a clean room's program is, for measuring: one place, so that the launcher and whoever computes Reference Values from a build
// of their own measure the same files, arguments and environment. Pure but for asking which files are there.
#pragma once

#include "common/attest/measure/program_manifest.h"

namespace redoubt::measure {

inline constexpr std::string_view kCleanroomProgram = "redoubt-cleanroom";

// cleanroom_spec: of the programs in `folder` (absolute): redoubt-cleanroom with its engine process and the TPM transport that it
// loads by name.
ProgramSpec cleanroom_spec(const std::string& folder, const ProgramFiles& files);

}  // namespace redoubt::measure
