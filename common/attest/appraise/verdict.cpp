#include "common/attest/appraise/verdict.h"

namespace redoubt::appraise {

std::vector<attest::Check> in_order(const Table& table, std::vector<attest::Check> checks) {
  std::vector<attest::Check> ordered;
  ordered.reserve(table.all.size());
  for (const attest::CheckId id : table.all) {
    const auto found = std::ranges::find(checks, id, &attest::Check::id);
    if (found == checks.end()) {
      ordered.push_back(attest::failed(id, Code::internal, "to be checked", "not checked"));
    } else {
      ordered.push_back(std::move(*found));
      checks.erase(found);
    }
  }
  for (const attest::Check& stray : checks) {  // a bug of ours; it must not end in trust
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
