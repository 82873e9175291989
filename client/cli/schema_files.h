// schema_files: schemas of datasets, as --schema options name them: files of several datasets, and NAME=FILE of one each.
#pragma once

#include "client/sdk/query_check.h"

namespace redoubt::cli {

Result<sdk::DatasetColumns> read_schema_files(const std::vector<std::string>& options);

}  // namespace redoubt::cli
