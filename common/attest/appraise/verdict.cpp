#include "common/attest/appraise/verdict.h"

namespace redoubt::appraise {

Tier reduce(const TpmChecks& table, bool has_remarks) {
  const auto& checks = table.checks();
  for (const attest::CheckId id : kTpmMandatory) {
    const auto found = std::ranges::find(checks, id, &attest::Check::id);
    if (found == checks.end() || found->outcome != attest::Outcome::passed) return Tier::contraindicated;
  }
  for (const attest::Check& check : checks) {
    if (check.outcome == attest::Outcome::failed) return Tier::contraindicated;
  }
  return has_remarks ? Tier::warning : Tier::affirming;
}

}  // namespace redoubt::appraise
