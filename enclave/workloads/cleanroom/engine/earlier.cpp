#include "enclave/workloads/cleanroom/engine/earlier.h"

#include <algorithm>
#include <numeric>

namespace redoubt::cleanroom {
namespace {

// Footprints of queries over the same engines, with one numbering.
class Tracer {
 public:
  Tracer(const std::vector<Input>& inputs, Loaded& loaded) : inputs_(inputs), loaded_(loaded) {}

  Result<sql::Footprint> trace(const sql::ReleasePlan& plan, const Loaded::Places& places) {
    REDOUBT_TRY(sql::Engine* const engine, loaded_.engine(places));
    std::map<std::string, std::string> versions;
    for (const std::uint64_t place : places) versions.emplace(inputs_[place].table.name, "table " + std::to_string(place));
    return engine->footprint(plan, numbering_, versions);
  }

 private:
  const std::vector<Input>& inputs_;
  Loaded& loaded_;
  sql::Numbering numbering_;
};

// Checkers, one for each schema and k: making one takes longer than a verdict.
class Checkers {
 public:
  explicit Checkers(const std::vector<Input>& inputs) : inputs_(inputs) {}

  Result<sql::ReleasePlan> plan(const wire::EarlierQuery& query) {
    const auto key = std::pair(query.tables, query.k);
    auto found = checkers_.find(key);
    if (found == checkers_.end()) {
      REDOUBT_TRY(const sql::Schema schema, schema_of(inputs_, query.tables));
      REDOUBT_TRY(sql::Checker checker, sql::Checker::create(schema, query.k));
      found = checkers_.emplace(key, std::move(checker)).first;
    }
    REDOUBT_TRY(const sql::Level level, sql::parse_level(query.level));
    sql::Verdict verdict = found->second.check(query.sql, level);
    if (!verdict.accepted()) return Error(Code::internal, "an earlier query is not accepted any more: rule " + verdict.rule);
    return std::move(*verdict.plan);
  }

 private:
  const std::vector<Input>& inputs_;
  std::map<std::pair<Loaded::Places, std::uint64_t>, sql::Checker> checkers_;
};

}  // namespace

bool Loaded::holds(const World& world, const std::string& name, std::uint64_t place) {
  const auto found = world.tables.find(name);
  return found != world.tables.end() && found->second == place;
}

void Loaded::expect(const Places& places) {
  const auto fits = [&](const World& world) {
    return std::ranges::all_of(places, [&](std::uint64_t place) {
      const std::string& name = inputs_[place].table.name;
      return !world.tables.contains(name) || holds(world, name, place);
    });
  };
  auto world = std::ranges::find_if(worlds_, fits);
  if (world == worlds_.end()) world = worlds_.emplace(worlds_.end());
  for (const std::uint64_t place : places) world->tables.emplace(inputs_[place].table.name, place);
}

Result<sql::Engine*> Loaded::engine(const Places& places) {
  const auto world = std::ranges::find_if(worlds_, [&](const World& candidate) {
    return std::ranges::all_of(places, [&](std::uint64_t place) { return holds(candidate, inputs_[place].table.name, place); });
  });
  if (world == worlds_.end()) return Error(Code::internal, "an engine over tables that nobody announced");
  if (!world->engine) {
    sql::EngineLimits limits;
    limits.memory_size = kEngineMemory;
    REDOUBT_TRY(sql::Engine engine, sql::Engine::create(library_, limits));
    for (const auto& [name, place] : world->tables) {
      const Input& input = inputs_[place];
      REDOUBT_CHECK(engine.load_table(input.table, input.rows, input.manifest.rows, input.values));
    }
    world->engine = std::move(engine);
  }
  return &*world->engine;
}

Loaded::Places places_of(std::size_t count) {
  Loaded::Places places(count);
  std::iota(places.begin(), places.end(), 0);
  return places;
}

Result<sql::Schema> schema_of(const std::vector<Input>& inputs, const Loaded::Places& places) {
  std::vector<sql::Table> tables;
  for (const std::uint64_t place : places) tables.push_back(inputs[place].table);
  return sql::Schema::make(std::move(tables));
}

Result<sql::Conflict> conflict(const wire::EngineRequest& request, const std::vector<Input>& inputs, const sql::ReleasePlan& plan, Loaded& loaded) {
  if (plan.traces().empty()) return sql::Conflict::none;
  Tracer tracer(inputs, loaded);
  Checkers checkers(inputs);
  sql::Ledger ledger(request.k);
  for (const wire::EarlierQuery& earlier : request.earlier) {
    REDOUBT_TRY(const sql::ReleasePlan before, checkers.plan(earlier));
    if (before.traces().empty()) continue;
    REDOUBT_TRY(const sql::Footprint footprint, tracer.trace(before, earlier.tables));
    ledger.set_threshold(earlier.k);
    // A conflict leaves the ledger as it was: the room did not answer that query, and answers it in no other log either.
    static_cast<void>(ledger.admit(footprint));
  }
  REDOUBT_TRY(const sql::Footprint footprint, tracer.trace(plan, places_of(request.tables.size())));
  ledger.set_threshold(request.k);
  return ledger.judge(footprint);
}

}  // namespace redoubt::cleanroom
