// Fuzzes the query checker: any text gives a verdict. An accepted one has a plan over registered datasets; a refused one names
// a rule and a place in the text.
#include "engines/sql/checker.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt::sql;
  static const Schema schema = Schema::make({{"p",
                                              {{"id", {TypeId::bigint, 0, 0}, Role::unit},
                                               {"h", {TypeId::varchar, 0, 0}, Role::attribute},
                                               {"n", {TypeId::decimal, 12, 2}, Role::attribute},
                                               {"b", {TypeId::boolean, 0, 0}, Role::attribute},
                                               {"d", {TypeId::date, 0, 0}, Role::attribute}}},
                                             {"c", {{"k", {TypeId::bigint, 0, 0}, Role::identifier}, {"id", {TypeId::bigint, 0, 0}, Role::unit}}}})
                                   .value();
  static Checker checker = Checker::create(schema, 10).value();
  for (const Level level : {Level::none, Level::aggregate_only, Level::k_anonymized, Level::differential_privacy}) {
    const Verdict verdict = checker.check({reinterpret_cast<const char*>(data), size}, level);
    if (verdict.accepted()) {
      if (verdict.plan->sql().empty() || verdict.plan->level() != level) std::abort();
      for (const auto& name : verdict.plan->datasets()) {
        if (schema.find(name) == nullptr) std::abort();
      }
      continue;
    }
    const std::string& rule = verdict.rule;
    if (rule.size() < 2 || std::string_view("GSAKD").find(rule[0]) == std::string_view::npos || verdict.message.empty() || verdict.line == 0) std::abort();
  }
  return 0;
}
