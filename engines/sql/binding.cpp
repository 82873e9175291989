#include "engines/sql/binding.h"

#include <duckdb/parser/parser.hpp>
#include <duckdb/planner/planner.hpp>

#include <algorithm>
#include <charconv>

#include "engines/sql/instance.h"
#include "engines/sql/plan_guard.h"
#include "engines/sql/print.h"

namespace redoubt::sql {
namespace {

constexpr std::uint64_t kMemorySize = 64 << 20;  // for empty tables

BindingProblem problem_of(const duckdb::ErrorData& error) {
  BindingProblem problem;
  const std::string& message = error.RawMessage();
  problem.message = lower_name(message.substr(0, std::min<std::size_t>(message.find('\n'), 200)));
  const auto position = error.ExtraInfo().find("position");
  if (position != error.ExtraInfo().end()) {
    const std::string& text = position->second;
    std::from_chars(text.data(), text.data() + text.size(), problem.offset);
  }
  return problem;
}

}  // namespace

struct Binding::State {
  Instance instance;
  Schema schema;

  // plan binds a statement without optimising it and hands the planner over.
  template <class Visit>
  std::optional<BindingProblem> plan(std::string_view sql, Visit visit) {
    std::optional<BindingProblem> out;
    try {
      duckdb::Parser parser;
      parser.ParseQuery(std::string(sql));
      if (parser.statements.size() != 1) return BindingProblem{"not one statement", 0};
      instance.connection->context->RunFunctionInTransaction([&] {
        duckdb::Planner planner(*instance.connection->context);
        planner.CreatePlan(std::move(parser.statements[0]));
        if (planner.plan) out = visit(planner);
      });
    } catch (const std::exception& e) {
      out = problem_of(duckdb::ErrorData(e));
    }
    return out;
  }
};

Binding::Binding(std::unique_ptr<State> state) : state_(std::move(state)) {}
Binding::Binding(Binding&&) noexcept = default;
Binding& Binding::operator=(Binding&&) noexcept = default;
Binding::~Binding() = default;

Result<Binding> Binding::create(const Schema& schema) {
  try {
    REDOUBT_TRY(Instance instance, make_instance(kMemorySize));
    for (const Table& table : schema.tables()) {
      if (instance.connection->Query(create_table_sql(table))->HasError()) {
        return Error(Code::internal, "engine: a table of the schema was not taken");
      }
    }
    return Binding(std::make_unique<State>(State{std::move(instance), schema}));
  } catch (const std::exception&) {
    return Error(Code::internal, "engine: could not bind");
  }
}

std::optional<BindingProblem> Binding::problem(std::string_view sql, std::vector<std::string>* names) {
  return state_->plan(sql, [&](duckdb::Planner& planner) {
    if (names != nullptr) names->assign(planner.names.begin(), planner.names.end());
    return std::optional<BindingProblem>();
  });
}

std::optional<BindingProblem> Binding::guard(const ReleasePlan& plan) {
  std::vector<std::string> made;
  const auto is_table = [&](const std::string& name) {
    return state_->schema.find(name) != nullptr || std::ranges::find(made, name) != made.end();
  };
  const auto visit = [&](duckdb::Planner& planner) {
    auto found = unlisted(*planner.plan, is_table);
    if (found) return std::optional<BindingProblem>({"the plan would hold " + *found, 0});
    if (plan.level() != Level::none) found = failing_member(*planner.plan);
    return found ? std::optional<BindingProblem>({"the plan would hold " + *found + ", which fails where a value has no counterpart", 0, "S13"}) : std::nullopt;
  };
  std::optional<BindingProblem> out;
  for (const NoisyBlock& block : plan.noisy()) {
    out = state_->plan(block.rows_sql, visit);
    if (out) break;
    std::vector<std::string> columns;
    for (std::size_t i = 0; i < block.keys; ++i) columns.push_back("g" + std::to_string(i));
    for (std::size_t j = 0; j < block.cells.size(); ++j) {
      columns.push_back("CAST(NULL AS " + block.cell_type(j) + ") AS c" + std::to_string(j));
    }
    if (columns.empty()) columns.emplace_back("u");
    made.push_back(block.table);
    const auto result = state_->instance.connection->Query("CREATE TABLE main." + block.table + " AS SELECT " + join_texts(columns) + " FROM (" +
                                                           block.rows_sql + ") LIMIT 0");
    if (result->HasError()) out = BindingProblem{"the rows of a noisy block do not bind", 0};
    if (out) break;
  }
  if (!out) out = state_->plan(plan.sql(), visit);
  for (const std::string& table : made) state_->instance.connection->Query("DROP TABLE IF EXISTS main." + table);
  return out;
}

}  // namespace redoubt::sql
