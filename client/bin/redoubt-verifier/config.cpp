#include "client/bin/redoubt-verifier/config.h"

#include <toml++/toml.h>

#include <map>
#include <sstream>

namespace redoubt::rest {
namespace {

Error wrong(const std::filesystem::path& file, const std::string& key, std::string_view expected) {
  return Error(Code::malformed, file.string() + ": \"" + key + "\": expected " + std::string(expected));
}

}  // namespace

void Config::overlay(Config other) {
  const auto text = [](std::string& own, std::string& over) {
    if (!over.empty()) own = std::move(over);
  };
  text(listen, other.listen);
  text(state, other.state);
  text(certificate, other.certificate);
  text(certificate_key, other.certificate_key);
  text(default_policy, other.default_policy);
  if (!other.policies.empty()) policies = std::move(other.policies);
  if (!other.collateral.empty()) collateral = std::move(other.collateral);
  if (other.workers != 0) workers = other.workers;
  if (other.timeout != 0) timeout = other.timeout;
}

Result<Config> read_config(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return Error(Code::not_found, "no configuration file " + file.string());
  toml::table table;
  try {
    table = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    std::ostringstream where;
    where << error.source().begin;
    return Error(Code::malformed, file.string() + ": " + where.str() + ": " + std::string(error.description()));
  }
  Config config;
  const std::map<std::string, std::string*> texts = {{"listen", &config.listen}, {"state", &config.state}, {"certificate", &config.certificate},
                                                     {"certificate_key", &config.certificate_key}, {"default_policy", &config.default_policy}};
  const std::map<std::string, std::vector<std::string>*> lists = {{"policy", &config.policies}, {"collateral", &config.collateral}};
  const std::map<std::string, std::pair<unsigned*, std::int64_t>> numbers = {{"workers", {&config.workers, 256}}, {"timeout", {&config.timeout, 3600}}};
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (const auto text = texts.find(name); text != texts.end()) {
      const auto value = node.value_exact<std::string>();
      if (!value) return wrong(file, name, "text");
      *text->second = *value;
    } else if (const auto list = lists.find(name); list != lists.end()) {
      const toml::array* const items = node.as_array();
      if (items == nullptr) return wrong(file, name, "a list of texts");
      for (const auto& item : *items) {
        const auto value = item.value_exact<std::string>();
        if (!value) return wrong(file, name, "a list of texts");
        list->second->push_back(*value);
      }
    } else if (const auto number = numbers.find(name); number != numbers.end()) {
      const auto value = node.value_exact<std::int64_t>();
      if (!value || *value < 1 || *value > number->second.second) {
        return wrong(file, name, "a number from 1 to " + std::to_string(number->second.second));
      }
      *number->second.first = static_cast<unsigned>(*value);
    } else {
      return Error(Code::malformed, file.string() + ": unknown key \"" + name + "\"");
    }
  }
  return config;
}

}  // namespace redoubt::rest
