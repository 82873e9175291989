// Config: the settings of redoubt-verifier, from a TOML file and the command line (which wins). Keys are closed: one that the program
// does not know is an error, since a setting that is silently ignored is worse than none.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace redoubt::rest {

struct Config {
  std::string listen, state, certificate, certificate_key, default_policy;
  std::vector<std::string> policies, collateral;
  unsigned workers = 0, timeout = 0;  // 0: the default

  // overlay puts the settings of `other` over these, where it has any.
  void overlay(Config other);
};

// read_config reads `listen`, `state`, `certificate`, `certificate_key`, `default_policy` (texts), `policy`, `collateral` (lists of
// texts), `workers` (1 to 256) and `timeout` (seconds, 1 to 3600), all optional. `malformed` with line and column, `not_found`.
Result<Config> read_config(const std::filesystem::path& file);

}  // namespace redoubt::rest
