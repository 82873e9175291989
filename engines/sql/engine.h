// Engine: one fresh in-memory DuckDB instance that holds the tables of one clean room and runs plans over them.
//
// Runs inside the enclave, in the process that holds plaintext. It is not a security boundary: the checker decides first, and
// only plans that it made can run. Settings are the third line: no files, no network, no extensions, no spilling to disk, one
// thread (so that sums of doubles repeat exactly), configuration locked. Not thread-safe, except interrupt(). Errors hold fixed
// text only: the engine's own messages may quote data and never leave. Follows DuckDB 1.4.4.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/secret.h"
#include "common/table/table_file.h"
#include "engines/sql/ledger/ledger.h"
#include "engines/sql/ledger/unit_numbers.h"
#include "engines/sql/library.h"
#include "engines/sql/noise.h"
#include "engines/sql/plan.h"
#include "engines/sql/schema.h"

namespace redoubt::sql {

using table::Days;
using table::Decimal;
using table::Row;
using table::Value;

struct EngineLimits {
  std::uint64_t memory_size = 1ULL << 30;  // bytes
  std::uint32_t timeout_ms = 60'000;       // per statement
  std::size_t max_rows = 100'000;          // of a result
};

// ResultTable: values as the engine writes them as text; nothing for NULL. Rows in canonical order.
struct ResultTable {
  struct ResultColumn {
    std::string name;
    std::string type;  // of the engine: BIGINT, DOUBLE, DECIMAL(38,2), ...
  };
  std::vector<ResultColumn> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
};

// Numbering: the numbers of units and datasets in footprints. A unit has one number in every dataset, by its text.
struct Numbering {
  UnitNumbers units;
  std::map<std::string, std::uint32_t> datasets;
};

class Engine {
 public:
  // create: `internal` when the engine does not start or does not take a setting.
  static Result<Engine> create(const VerifiedLibrary& library, const EngineLimits& limits);

  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  // load_table makes the table of a table file (common/table/table_file.h), all or nothing. The file is read where it is and outlives the
  // engine. `refused` if it is there already; `malformed` if a Schema would not take the table, or the file is not of its columns, types and
  // `rows`; `unavailable` when memory is out. `values`: whether these bytes were checked before; if they were not, what the engine does then
  // is undefined.
  Status load_table(const Table& table, ByteView file, std::uint64_t rows, table::Values values = table::Values::check);
  // create_table and load_csv make a table file of rows or CSV, keep it and load it.
  Status create_table(const Table& table, std::span<const Row> rows);
  Status load_csv(const Table& table, std::string_view csv);
  // run: `usage` for a plan of differential_privacy, whose numbers need noise first (run_noisy); `not_found` when a dataset of the plan is not loaded, `unavailable` on timeout, on memory, on more rows than the limit
  // or after interrupt(), `refused` when the statement failed while running. The tables are unchanged after every failure.
  Result<ResultTable> run(const ReleasePlan& plan);

  // run_noisy runs a plan of differential_privacy: what each unit contributes to each released block is bounded and summed, exact noise
  // is added outside of the engine, and the plan's own statement reads the noisy groups only. The same plan, parameters, seed and data
  // give the same bytes. Errors as of run and noise_plans; noisy tables are gone after it, whatever happened.
  Result<ResultTable> run_noisy(const ReleasePlan& plan, const NoiseParameters& parameters, const dp::NoiseSeed& seed);

  // Contributions of one noisy block, rows of a unit cut to the limit; exact, so for run_noisy and for tests of what one unit can do.
  struct Contributions {
    std::vector<std::string> group_keys;
    std::vector<dp::Contribution> units;
  };
  Result<Contributions> contributions(const NoisyBlock& block, const dp::Limits& limits, const dp::NoiseSeed& seed);

  // footprint: who contributes to the cells that the plan would release (nobody at the levels without thresholds), for the ledger.
  // Fails as run does. Units and datasets keep their numbers as long as the engine lives. `exact`: by the exact statements alone, which give the same.
  Result<Footprint> footprint(const ReleasePlan& plan, bool exact = false);

  // footprint with numbers that several engines share: `versions` gives, for each dataset of the plan, the name under which it is
  // numbered (its own where it has none), so that two versions of a dataset count as two.
  Result<Footprint> footprint(const ReleasePlan& plan, Numbering& numbering, const std::map<std::string, std::string>& versions, bool exact = false);

  // withheld: how many groups and cells of the plan's released blocks T1 to T3 withhold. For test data alone: a count tells what the rules
  // hide. Fails as run does.
  Result<std::uint64_t> withheld(const ReleasePlan& plan);

  // interrupt stops a running statement; callable from any thread.
  void interrupt();

 private:
  struct State;
  struct Groups;
  Result<Groups> groups(const NoisyBlock& block, const dp::Limits& limits, const dp::NoiseSeed& seed);
  Status fill_noisy(const NoisyBlock& block, const dp::NoisePlan& plan, const dp::NoiseSeed& seed);
  Result<ResultTable> run_statement(const ReleasePlan& plan, const std::string& sql);
  Result<Footprint> traced(const ReleasePlan& plan, Numbering& numbering, const std::map<std::string, std::string>& versions, std::string ContributorTrace::*statement);
  Status load_owned(const Table& table, SecretBytes file, std::uint64_t rows);
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace redoubt::sql
