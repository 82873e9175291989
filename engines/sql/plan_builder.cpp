#include "engines/sql/plan_builder.h"

#include "engines/sql/noisy_block.h"
#include "engines/sql/print.h"

namespace redoubt::sql {
namespace {

std::string with(const std::vector<Compiler::Statement>& statements) {
  std::vector<std::string> parts;
  for (const auto& statement : statements) {
    parts.push_back(statement.name + (statement.materialized ? " AS MATERIALIZED (" : " AS NOT MATERIALIZED (") + statement.sql + ")");
  }
  return parts.empty() ? "" : "WITH " + join_texts(parts) + " ";
}

// before gives the statements up to and with one of that name.
std::vector<Compiler::Statement> before(const std::vector<Compiler::Statement>& statements, const std::string& name) {
  std::vector<Compiler::Statement> out;
  for (const auto& statement : statements) {
    out.push_back(statement);
    if (statement.name == name) break;
  }
  return out;
}

// whole: a trace with the statements before it.
std::string whole(const Compiler& compiler, const Compiler::Trace& trace) {
  const auto& all = compiler.statements();
  return with({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(trace.statements)}) + trace.sql;
}

NoisyBlock noisy(const Compiler& compiler, std::size_t index) {
  auto statements = before(compiler.statements(), compiler.rows()[index]);
  const std::string rows = std::move(statements.back().sql);
  statements.pop_back();
  return noisy_block(compiler.blocks()[index], "noisy" + std::to_string(index), with(statements) + rows);
}

}  // namespace

ReleasePlan PlanBuilder::build(Compiler compiler, const Relation& result, std::optional<Others> others) {
  ReleasePlan plan;
  plan.level_ = compiler.level();
  if (plan.level_ == Level::differential_privacy) {
    for (std::size_t i = 0; i < compiler.blocks().size(); ++i) plan.noisy_.push_back(noisy(compiler, i));
  }
  for (const Compiler::Withheld& withheld : compiler.withheld()) {
    const auto& all = compiler.statements();
    plan.withheld_.push_back(with({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(withheld.statements)}) + withheld.sql);
  }
  const Compiler::Statement last = compiler.last();
  plan.sql_ = with(compiler.statements()) + last.sql;
  for (const ColumnInfo& column : result.columns) plan.names_.push_back(column.name);
  plan.datasets_ = compiler.datasets();
  plan.k_ = compiler.k();
  if (!others) return plan;
  if (!plan.datasets_.empty()) {
    const Compiler::Statement end = others->quick.last();
    plan.quick_sql_ = with(others->quick.statements()) + end.sql;
  }
  for (std::size_t i = 0; i < others->traced.traces().size(); ++i) {
    const Compiler::Trace& trace = others->traced.traces()[i];
    ContributorTrace out{whole(others->traced, trace), whole(others->quick_traced, others->quick_traced.traces()[i]), {}, trace.cells};
    for (const SourceId& id : trace.ids) out.sources.push_back(others->traced.datasets()[id.dataset]);
    plan.traces_.push_back(std::move(out));
  }
  return plan;
}

ReleasePlan PlanBuilder::approved(ApprovedQuery query, std::vector<std::string> names, std::uint64_t k) {
  ReleasePlan plan;
  plan.level_ = Level::none;
  plan.sql_ = std::move(query.sql);
  plan.names_ = std::move(names);
  plan.datasets_ = std::move(query.datasets);
  plan.k_ = k;
  return plan;
}

}  // namespace redoubt::sql
