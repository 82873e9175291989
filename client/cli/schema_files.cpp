#include "client/cli/schema_files.h"

#include "client/sdk/dataset_sealer.h"
#include "client/sdk/files.h"

namespace redoubt::cli {
namespace {

constexpr std::size_t kMaxSchemaFile = 2U << 20;

}  // namespace

Result<sdk::DatasetColumns> read_schema_files(const std::vector<std::string>& options) {
  sdk::DatasetColumns all;
  for (const std::string& option : options) {
    sdk::DatasetColumns found;
    const std::size_t equals = option.find('=');
    REDOUBT_TRY(const std::string text, sdk::read_file(equals == std::string::npos ? option : option.substr(equals + 1), kMaxSchemaFile));
    if (equals == std::string::npos) {
      REDOUBT_TRY(found, sdk::read_schemas(text).context(option));
    } else {
      const std::string name = option.substr(0, equals);
      REDOUBT_CHECK(jobs::check_identifier(name, "--schema: dataset"));
      REDOUBT_TRY(found[name], sdk::read_schema(text));
    }
    for (auto& [name, columns] : found) {
      if (!all.emplace(name, std::move(columns)).second) return Error(Code::usage, "--schema: dataset \"" + name + "\" is given twice");
    }
  }
  return all;
}

}  // namespace redoubt::cli
