// Earlier: whether one more query may be answered, given those that were asked before over some of the same data (rules T4, T5).
//
// Runs in the engine process, beside the plaintext of one request. Earlier queries are checked and traced anew and admitted in their
// order, each with its own k; one that conflicts with those before it was never answered, and is left out as it was then. So the
// verdict depends on the order of reservations and the data alone, not on what was run meanwhile, and is the same in every fork and
// after every restart. Doubt is an Error. Used once.
#pragma once

#include <list>
#include <map>

#include "common/jobs/cleanroom/manifest.h"
#include "common/wire/query_engine.h"
#include "engines/sql/checker.h"
#include "engines/sql/engine.h"

namespace redoubt::cleanroom {

// Input: one table of a request. `rows` (a table file) is borrowed from it, or from the files beside it.
struct Input {
  jobs::Manifest manifest;
  sql::Table table;
  ByteView rows;
  table::Values values = table::Values::check;
};

// What one engine may hold besides the tables, which stay in their files: hash tables, sorted rows, results. The address space of the
// process bounds all of it together (enclave/runtime/sandbox).
inline constexpr std::uint64_t kEngineMemory = 8ULL << 30;

// Loaded: the engines of a request. Two versions of a dataset have one name and never share an engine; all else does.
class Loaded {
 public:
  using Places = std::vector<std::uint64_t>;  // of inputs

  Loaded(const std::vector<Input>& inputs, const sql::VerifiedLibrary& library) : inputs_(inputs), library_(library) {}

  // expect announces that engine() will be asked for these; before the first engine().
  void expect(const Places& places);
  // engine that holds these tables, loaded when first asked for: `malformed` for rows that do not fit, errors of sql::Engine.
  Result<sql::Engine*> engine(const Places& places);

 private:
  struct World {
    std::map<std::string, std::uint64_t> tables;  // name, place
    std::optional<sql::Engine> engine;
  };
  static bool holds(const World& world, const std::string& name, std::uint64_t place);

  const std::vector<Input>& inputs_;
  const sql::VerifiedLibrary& library_;
  std::list<World> worlds_;
};

// places_of: 0, 1, ..., count - 1.
Loaded::Places places_of(std::size_t count);

// schema_of the tables at these places.
Result<sql::Schema> schema_of(const std::vector<Input>& inputs, const Loaded::Places& places);

// conflict of `plan`, made of the request's own query, with the request's earlier ones.
Result<sql::Conflict> conflict(const wire::EngineRequest& request, const std::vector<Input>& inputs, const sql::ReleasePlan& plan, Loaded& loaded);

}  // namespace redoubt::cleanroom
