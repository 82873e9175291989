#include "engines/sql/checker.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engines/sql/approved.h"
#include "engines/sql/binding.h"
#include "engines/sql/compiler.h"
#include "engines/sql/plan_builder.h"
#include "engines/sql/sql_ast.h"

namespace redoubt::sql {
namespace {

constexpr auto kLevels = std::to_array<std::pair<Level, std::string_view>>(
    {{Level::none, "none"},
     {Level::aggregate_only, "aggregate_only"},
     {Level::k_anonymized, "k_anonymized"},
     {Level::differential_privacy, "differential_privacy"}});

Verdict refused(std::string_view text, Refusal refusal) {
  Verdict verdict;
  const std::string_view before = text.substr(0, std::min(refusal.offset, text.size()));
  const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  verdict.line = 1 + static_cast<std::size_t>(std::ranges::count(before, '\n'));
  verdict.column = 1 + before.size() - start;
  verdict.rule = std::move(refusal.rule);
  verdict.message = std::move(refusal.message);
  verdict.suggestion = std::move(refusal.suggestion);
  return verdict;
}

}  // namespace

std::string_view level_name(Level level) {
  const auto found = std::ranges::find(kLevels, level, &std::pair<Level, std::string_view>::first);
  return found == kLevels.end() ? "unknown" : found->second;
}

Result<Level> parse_level(std::string_view name) {
  const auto found = std::ranges::find(kLevels, name, &std::pair<Level, std::string_view>::second);
  if (found != kLevels.end()) return found->first;
  return Error(Code::usage, "privacy level: expected none, aggregate_only, k_anonymized or differential_privacy, found another name");
}

struct Checker::State {
  Schema schema;
  std::uint64_t k;
  Binding binding;

  // approved decides at the level none.
  Checked<ReleasePlan> approved(std::string_view text) {
    REDOUBT_ALLOW(ApprovedQuery query, approve_query(text, schema));
    std::vector<std::string> names;
    if (const auto problem = binding.problem(text, &names)) return does_not_bind(*problem);
    return PlanBuilder::approved(std::move(query), std::move(names), k);
  }

  Checked<ReleasePlan> guarded(std::string_view text, Level level) {
    REDOUBT_ALLOW(const Query query, parse_query(text));
    Compiler compiler(schema, level, k);
    REDOUBT_ALLOW(const Relation result, compiler.whole(query));
    // G5: the author's text must bind as it stands, and so must what is printed from it.
    if (const auto problem = binding.problem(text)) return does_not_bind(*problem);
    if (level == Level::differential_privacy) return PlanBuilder::build(std::move(compiler), result, std::nullopt);
    using Purpose = Compiler::Purpose;
    PlanBuilder::Others others{{schema, level, k, Purpose::traced}, {schema, level, k, Purpose::quick}, {schema, level, k, Purpose::quick_traced}};
    for (Compiler* other : {&others.traced, &others.quick, &others.quick_traced}) {
      auto again = other->whole(query);
      if (!again.ok()) return std::move(again.refusal());
    }
    return PlanBuilder::build(std::move(compiler), result, std::move(others));
  }

  Checked<ReleasePlan> plan(std::string_view text, Level level) {
    REDOUBT_ALLOW(ReleasePlan plan, level == Level::none ? approved(text) : guarded(text, level));
    if (const auto problem = binding.guard(plan)) return does_not_bind(*problem);
    return plan;
  }

 private:
  static Refusal does_not_bind(const BindingProblem& problem) {
    if (problem.rule == "S13") return {"S13", problem.message, problem.offset, "cast one side: TRY_CAST(x AS BIGINT) IN (SELECT ...)"};
    return {problem.rule, "does not bind: " + problem.message, problem.offset, {}};
  }
};

Checker::Checker(std::unique_ptr<State> state) : state_(std::move(state)) {}
Checker::Checker(Checker&&) noexcept = default;
Checker& Checker::operator=(Checker&&) noexcept = default;
Checker::~Checker() = default;

Result<Checker> Checker::create(const Schema& schema, std::uint64_t k) {
  if (k < 2 || k > 1000000) return Error(Code::usage, "k: expected 2 to 1000000, found " + std::to_string(k));
  REDOUBT_TRY(Binding binding, Binding::create(schema));
  return Checker(std::make_unique<State>(State{schema, k, std::move(binding)}));
}

Verdict Checker::check(std::string_view text, Level level) {
  auto plan = state_->plan(text, level);
  if (!plan.ok()) return refused(text, std::move(plan.refusal()));
  Verdict verdict;
  verdict.plan = std::move(plan.value());
  return verdict;
}

Result<Verdict> check(std::string_view text, const Schema& schema, Level level, std::uint64_t k) {
  REDOUBT_TRY(Checker checker, Checker::create(schema, k));
  return checker.check(text, level);
}

}  // namespace redoubt::sql
