// The checker: decides from a query's text, the schemas and the level alone whether the query may run, and makes the plan
// that the engine runs in its place.
//
// Runs inside the enclave before any data is touched, and on participants' own machines to review a proposal: the same inputs
// give the same verdict everywhere. The author of the text may be hostile. Decides by allow-list on the parsed statement
// (rules G1..G6, S1..S14, A1..A4, K1, D1..D3 of docs/specs/query-rules.md); what is not understood is refused. Does not decide about earlier
// releases (rules T4, T5), nor about approvals. Its last step binds both texts in an empty engine, which a Checker makes once, in
// some tens of milliseconds; a verdict then costs one or two.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engines/sql/level.h"
#include "engines/sql/plan.h"
#include "engines/sql/schema.h"

namespace redoubt::sql {

// kRuleSet names the version of the rules; it changes whenever a verdict or a released value could.
inline constexpr std::string_view kRuleSet = "redoubt/query-rules/6";

// Verdict: accepted with a plan, or refused with the rule, the reason, the place in the text (line and column count from 1, in
// bytes) and, where there is one, a rewrite that would be accepted. Says nothing about the data.
struct Verdict {
  std::optional<ReleasePlan> plan;
  std::string rule;
  std::string message;
  std::size_t line = 0;
  std::size_t column = 0;
  std::string suggestion;

  bool accepted() const { return plan.has_value(); }
};

// Checker: for many texts over one schema. Not thread-safe.
class Checker {
 public:
  // create: `usage` for a k outside 2..1000000; `internal` only if the engine could not be made.
  static Result<Checker> create(const Schema& schema, std::uint64_t k);
  Checker(Checker&&) noexcept;
  Checker& operator=(Checker&&) noexcept;
  ~Checker();

  // check says everything about the text.
  Verdict check(std::string_view text, Level level);

 private:
  struct State;
  explicit Checker(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// check is Checker::create and one check.
Result<Verdict> check(std::string_view text, const Schema& schema, Level level, std::uint64_t k);

}  // namespace redoubt::sql
