// Beside: the query engine beside the room, in a process of its own over a copy of its own of the fixture's tables.
//
// A room tells nobody how much its rules withhold, nor which of T4 and T5 refused: whoever knew that would know what they hide. A corpus
// needs both, and its tables are made by a script, so they hold nobody's data. This object makes the tables, and says of a text what the
// room does not. It decides no verdict: that is the room's. One thread at a time, but for the const calls.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>

#include "client/corpus/corpus_file.h"
#include "client/sdk/query_check.h"
#include "common/wire/query_engine.h"

namespace redoubt::corpus {

// Examined: one entry, by itself.
struct Examined {
  bool told = false;                      // the engine looked at it at all
  std::string rule;                       // that refuses the text; empty when it is accepted
  std::vector<std::string> datasets;      // accepted: those that it reads
  std::optional<std::uint64_t> withheld;  // accepted: groups and cells that T1 to T3 withhold; absent when the engine could not tell
};

class Beside {
 public:
  // Interrupted: asked before each question to the engine, from whichever thread asks it: the caller is to end.
  using Interrupted = std::function<bool()>;

  // make runs the fixture's script and takes its tables: `engine` is redoubt-cleanroom-engine. `malformed` for a script that fails or does
  // not make these tables; `missing_dependency`, `unavailable`, also when it was interrupted.
  static Result<Beside> make(const std::filesystem::path& engine, const std::string& script, const sdk::DatasetColumns& columns, const Interrupted& interrupted);

  const sdk::DatasetColumns& columns() const { return columns_; }
  // tables: as CSV, by name.
  const std::map<std::string, std::string>& tables() const { return tables_; }

  // examine: one for each entry, in their order. An entry that ends the engine costs that entry alone. Those that were not
  // looked at when it was interrupted are not told.
  std::vector<Examined> examine(std::span<const Entry* const> entries, const Interrupted& interrupted) const;
  // why_unanswered: for a run that a room refused, without saying why, after `before`: the rule (T4, T5) when one withholds the answer, empty
  // text when the query itself cannot be answered over these tables (a computation fails, too many rows). `unavailable` when neither is so: the
  // room's engine then failed for a reason of its own, and that is no refusal.
  Result<std::string> why_unanswered(const Entry& entry, std::span<const Entry* const> before) const;

 private:
  Beside() = default;
  wire::EngineRequest request() const;
  Status examine_into(std::span<const Entry* const> entries, std::span<Examined> out) const;

  std::string engine_;
  sdk::DatasetColumns columns_;
  std::map<std::string, std::string> tables_;
  std::vector<wire::EngineTable> loaded_;
};

}  // namespace redoubt::corpus
