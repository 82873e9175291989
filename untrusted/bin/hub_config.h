// HubConfig: the settings of redoubt-hub, from a TOML file and the command line (which wins). Keys are closed: one that the program
// does not know is an error, since a setting that is silently ignored is worse than none.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/base/result.h"

namespace redoubt::hub {

struct HubConfig {
  std::string state;
  std::string listen;
  std::string program_dir;
  std::string name;
  std::string metrics_listen;  // empty: metrics are not served
  std::string log;             // file for a line of JSON a request, "-" for standard output; empty: none
  std::string database;  // URL of PostgreSQL, which may hold a password; empty: a file in `state`
  std::optional<std::uint64_t> keep_events;        // of each environment
  std::optional<std::uint64_t> keep_audit_events;  // of the database
};

// read_config reads `state`, `listen`, `metrics_listen`, `program_dir`, `name`, `log` and `database`, which are texts, and `keep_events` and `keep_audit_events`,
// which are whole numbers, all optional. `malformed` with line and column, `not_found`.
Result<HubConfig> read_config(const std::filesystem::path& file);

}  // namespace redoubt::hub
