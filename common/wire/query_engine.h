// The conversation between an enclave program and its query engine, a process of its own inside the enclave: one request on
// the engine's standard input, one answer on its standard output, then the process ends. Closed CBOR maps. Large tables are not in it: they
// are files in memory that are handed over before (engines/process/files.h).
//
// The engine is trusted code that looks at hostile text and data, so the program bounds and checks its answers like anyone's.
#pragma once

#include <array>
#include <optional>

#include "common/base/cbor.h"

namespace redoubt::wire {

struct EngineTable {
  std::string manifest;  // canonical JSON: name, columns, roles, rows
  Bytes rows;            // a table file; empty when only the schema matters, or it is one of the files that were handed over
  std::uint64_t file = 0;          // which of those, from 1 on; 0 for none
  bool checked_before = false;     // its bytes were loaded before with this manifest, and could not be changed since
};

// EarlierQuery: what was asked before, over some of the same data. `tables` counts through the request's tables, then its earlier_tables.
struct EarlierQuery {
  std::string sql;
  std::string level;
  std::uint64_t k = 0;
  std::vector<std::uint64_t> tables;
};

// EngineNoise: of a query at differential_privacy. Decimal text; the seed, 32 bytes, is for run alone.
struct EngineNoise {
  std::string epsilon;
  std::string delta;
  std::uint64_t groups = 0;
  std::uint64_t rows = 0;
  Bytes seed = {};
};

struct EngineRequest {
  static constexpr std::size_t kMaxBytes = 1U << 30;
  static constexpr std::size_t kMaxEarlier = 4096;
  static constexpr std::size_t kMaxTables = 64;  // of each kind
  static constexpr std::size_t kMaxFiles = 2 * kMaxTables;

  // probe asks nothing: its answer is `accepted` without names. script runs `sql`, several statements, in an engine without any of
  // anyone's data, and answers with the one table of that name and those columns: how the tables of a test corpus are made. examine judges
  // each of `earlier` by itself, in an engine with these tables, and answers with one row for each, of kExamined: it tells how much the
  // rules withhold, which nobody may learn of other people's data. Both are for test data alone; no room asks for them.
  enum class Operation { check = 0, load = 1, run = 2, probe = 3, script = 4, examine = 5 };
  // Columns of examine: the rule that refuses the text, or NULL; the datasets that it reads, with commas between; how many groups and cells
  // are withheld, NULL when it is refused or cannot be run; what went wrong, or NULL.
  static constexpr std::array<std::string_view, 4> kExamined = {"rule", "datasets", "withheld", "error"};
  Operation operation = Operation::check;
  std::string sql;    // empty for load
  std::string level;
  std::uint64_t k = 0;
  std::vector<EngineTable> tables;          // those that the query reads
  std::vector<EngineTable> earlier_tables = {};  // run: those that only earlier queries read
  std::vector<EarlierQuery> earlier = {};        // run: in the order in which they were reserved
  std::optional<EngineNoise> noise = std::nullopt;  // check: whether it can be so little; absent where only the text matters

  Bytes encode() const;
  static Result<EngineRequest> decode(ByteView bytes);
};

struct EngineAnswer {
  static constexpr std::size_t kMaxBytes = 64U << 20;

  // withheld: the data and earlier queries forbid it (rules T4, T5); whoever shows it gives one text for this and for failed.
  enum class Kind { accepted = 0, refused = 1, loaded = 2, result = 3, failed = 4, withheld = 5 };
  Kind kind = Kind::failed;
  std::string rule;                    // refused, withheld
  std::string message;                 // refused, failed
  std::vector<std::string> names;      // accepted: datasets; result: columns
  std::vector<std::vector<std::optional<std::string>>> rows;  // result
  std::string sandbox = "";            // what holds the process, in its own words; empty when it is not held and did nothing
  // refused: the place in the text, counted from 1, in bytes (0: none), and a rewrite that would be accepted, or nothing.
  std::uint64_t line = 0;
  std::uint64_t column = 0;
  std::string suggestion = "";

  Bytes encode() const;
  static Result<EngineAnswer> decode(ByteView bytes);
};

}  // namespace redoubt::wire
