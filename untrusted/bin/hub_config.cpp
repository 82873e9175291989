#include "untrusted/bin/hub_config.h"

#include <toml++/toml.h>

#include <sstream>

namespace redoubt::hub {

Result<HubConfig> read_config(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return Error(Code::not_found, "no configuration file " + file.string());
  toml::table table;
  try {
    table = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    std::ostringstream where;
    where << error.source().begin;
    return Error(Code::malformed, file.string() + ": " + where.str() + ": " + std::string(error.description()));
  }
  HubConfig config;
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    std::string* const field = name == "state"            ? &config.state
                               : name == "listen"         ? &config.listen
                               : name == "metrics_listen" ? &config.metrics_listen
                               : name == "program_dir"    ? &config.program_dir
                               : name == "name"           ? &config.name
                               : name == "log"            ? &config.log
                               : name == "database"       ? &config.database
                                                          : nullptr;
    std::optional<std::uint64_t>* const number = name == "keep_events" ? &config.keep_events : name == "keep_audit_events" ? &config.keep_audit_events : nullptr;
    if (number != nullptr) {
      const auto value = node.value_exact<std::int64_t>();
      if (!value || *value < 0) return Error(Code::malformed, file.string() + ": \"" + name + "\": expected a whole number");
      *number = static_cast<std::uint64_t>(*value);
      continue;
    }
    if (field == nullptr) return Error(Code::malformed, file.string() + ": unknown key \"" + name + "\"");
    const auto value = node.value_exact<std::string>();
    if (!value) return Error(Code::malformed, file.string() + ": \"" + name + "\": expected text");
    *field = *value;
  }
  return config;
}

}  // namespace redoubt::hub
