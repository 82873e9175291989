// query_check: the static verdict on a query, offline: what a clean room would say of its text before it looks at any data.
//
// The same engine program judges as inside the enclave, in a process of its own. The verdict depends on text, schemas, level and k
// alone; an accepted query may still be refused when it is run, for what was asked before (rules T4, T5) or for a limit.
#pragma once

#include <filesystem>

#include "common/jobs/cleanroom/manifest.h"

namespace redoubt::sdk {

// The columns of datasets by their names.
using DatasetColumns = std::map<std::string, std::vector<jobs::ManifestColumn>>;

// read_schemas reads {"datasets": {NAME: schema, ...}}, each schema as read_schema takes it (dataset_sealer.h). `malformed` names what is
// wrong.
Result<DatasetColumns> read_schemas(std::string_view text);

struct QueryToCheck {
  std::string sql;
  DatasetColumns datasets;
  std::string level;  // none, k_anonymized, aggregate_only, differential_privacy
  int k = 10;
};

struct QueryVerdict {
  bool accepted = false;
  std::vector<std::string> datasets;  // when accepted: those that it reads
  // When refused: the rule, the reason, the place in the text (from 1, in bytes; 0: none), and a rewrite that would be accepted or nothing.
  std::string rule, message;
  std::uint64_t line = 0, column = 0;
  std::string suggestion;
};

// check_query: `engine` is the path of redoubt-cleanroom-engine: `missing_dependency` without it, `unavailable` when it gives no verdict,
// `malformed` for schemas that no room takes.
Result<QueryVerdict> check_query(const std::filesystem::path& engine, const QueryToCheck& query);

}  // namespace redoubt::sdk
