#include "engines/sql/checker.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engines/sql/binding.h"
#include "engines/sql/block.h"
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

Checked<ReleasePlan> plan_of(std::string_view text, const Schema& schema, std::uint64_t k) {
  REDOUBT_ALLOW(const Block block, parse_block(text));
  REDOUBT_ALLOW(const ReleasedBlock released, analyse(block, schema));
  return PlanBuilder::build(released, k);
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

Result<Verdict> check(std::string_view text, const Schema& schema, Level level, std::uint64_t k) {
  if (level != Level::aggregate_only) {
    return Error(Code::usage, "privacy level " + std::string(level_name(level)) + " is not in this release; expected aggregate_only");
  }
  if (k < 2 || k > 1000000) return Error(Code::usage, "k: expected 2 to 1000000, found " + std::to_string(k));
  auto plan = plan_of(text, schema, k);
  if (!plan.ok()) return refused(text, std::move(plan.refusal()));
  // G5: the author's text must bind as it stands, and so must what is printed from it.
  for (const std::string_view sql : {text, std::string_view(plan.value().sql())}) {
    REDOUBT_TRY(const auto problem, binding_problem(sql, schema));
    if (problem) return refused(text, Refusal{"G5", "does not bind: " + problem->message, problem->offset, {}});
  }
  Verdict verdict;
  verdict.plan = std::move(plan.value());
  return verdict;
}

}  // namespace redoubt::sql
