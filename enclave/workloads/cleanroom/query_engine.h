// QueryEngine: the SQL checker and engine as the room sees it. The production engine is a process of its own inside the enclave
// (engine_process.h), so that a crash or a kill fails one query and nothing else.
#pragma once

#include "common/base/secret.h"
#include "common/jobs/cleanroom/contract.h"
#include "common/jobs/cleanroom/manifest.h"
#include "common/jobs/cleanroom/result_package.h"

namespace redoubt::cleanroom {

// One decrypted dataset: typed by its manifest, rows as a table file. Borrowed.
struct TableView {
  const jobs::Manifest* manifest;
  ByteView rows;
  int file = -1;                // the same rows as sealed memory (table_memory.h), if they are that
  bool checked_before = false;  // load() was ok for this sealed memory
};

// Protection: what a query is asked under.
struct Protection {
  jobs::PrivacyLevel level;
  int k = 0;
  std::optional<jobs::Noise> noise = std::nullopt;  // at differential_privacy
};

// Asked: a query that was reserved before, over some of the same data. Borrowed.
struct Asked {
  std::string_view sql;
  jobs::PrivacyLevel level;
  int k = 0;
  std::vector<TableView> tables;
};

struct QueryCheck {
  bool accepted = false;
  // When not accepted: the rule, and text that depends on the query and the schema only, never on data.
  std::string rule;
  std::string message;
  std::vector<std::string> datasets;  // when accepted: the datasets that the query reads
};

class QueryEngine {
 public:
  virtual ~QueryEngine() = default;
  // rule_set: the version of the privacy rules, bound into proposals, ballots and receipts.
  virtual std::string rule_set() const = 0;
  // check: the static verdict. An Error means that the engine could not tell (`unavailable`), never "accepted".
  virtual Result<QueryCheck> check(std::string_view sql, const std::vector<const jobs::Manifest*>& schema,
                                   const Protection& protection) = 0;
  // run checks again, also against those asked earlier (in the order of their reservations, at most 4096 over 64 tables besides its
  // own), and runs; `noise_seed` is for differential_privacy, where the same seed gives the same answer. A refusal is `refused` with the rule, also T4 and T5; a killed or failed engine is `unavailable`. Whether an
  // error is one or the other may depend on data.
  virtual Result<jobs::ResultTable> run(std::string_view sql, const std::vector<TableView>& tables, const Protection& protection,
                                        const std::vector<Asked>& earlier, ByteView noise_seed) = 0;
  // load: the rows fit the manifest (columns, types, count, bounds). `malformed`, naming row and column, never a value.
  virtual Status load(const TableView& table) = 0;
};

}  // namespace redoubt::cleanroom
