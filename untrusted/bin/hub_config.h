// HubConfig: the settings of redoubt-hub, from a TOML file and the command line (which wins). Keys are closed: one that the program
// does not know is an error, since a setting that is silently ignored is worse than none.
#pragma once

#include <filesystem>
#include <string>

#include "common/base/result.h"

namespace redoubt::hub {

struct HubConfig {
  std::string state;
  std::string listen;
  std::string program_dir;
  std::string name;
};

// read_config reads `state`, `listen`, `program_dir` and `name`, all optional. `malformed` with line and column, `not_found`.
Result<HubConfig> read_config(const std::filesystem::path& file);

}  // namespace redoubt::hub
