#include "common/attest/appraise/verdict.h"

namespace redoubt::appraise {

std::vector<attest::Check> in_order(const Table& table, std::vector<attest::Check> checks) {
  std::vector<attest::Check> ordered;
  ordered.reserve(table.all.size());
  std::vector<bool> taken(checks.size());
  for (const attest::CheckId id : table.all) {
    std::size_t at = 0;
    while (at < checks.size() && (taken[at] || checks[at].id != id)) ++at;
    if (at == checks.size()) {
      ordered.push_back(attest::failed(id, Code::internal, "to be checked", "not checked"));
    } else {
      ordered.push_back(std::move(checks[at]));
      taken[at] = true;
    }
  }
  for (std::size_t at = 0; at < checks.size(); ++at) {
    if (taken[at]) continue;
    const attest::Check& stray = checks[at];  // a bug of ours; it must not end in trust
    const auto twin = std::ranges::find(ordered, stray.id, &attest::Check::id);
    attest::Check& marked = twin == ordered.end() ? ordered.front() : *twin;
    marked = attest::failed(marked.id, Code::internal, "one check of each id", "a second " + std::string(id_text(stray.id)));
  }
  return ordered;
}

Tier reduce(const Table& table, std::span<const attest::Check> checks, bool has_remarks) {
  for (const attest::CheckId id : table.mandatory) {
    const auto found = std::ranges::find(checks, id, &attest::Check::id);
    if (found == checks.end() || found->outcome != attest::Outcome::passed) return Tier::contraindicated;
  }
  for (const attest::Check& check : checks) {
    if (check.outcome == attest::Outcome::failed) return Tier::contraindicated;
  }
  return has_remarks ? Tier::warning : Tier::affirming;
}

}  // namespace redoubt::appraise
