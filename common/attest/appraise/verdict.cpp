#include "common/attest/appraise/verdict.h"

#include <algorithm>

#include "common/attest/evidence/check_order.h"

namespace redoubt::appraise {
namespace {

constexpr std::size_t kIdCount = static_cast<std::size_t>(attest::CheckId::software_tpm) + 1;  // the last one (check.cpp)
constexpr std::size_t kNone = SIZE_MAX;

std::size_t index_of(attest::CheckId id) { return static_cast<std::size_t>(id); }

// mark_strays: checks that stand twice, or are not of the table, are a bug of ours; it must not end in trust.
void mark_strays(const Table& table, std::span<const attest::Check> checks, std::span<const std::size_t> first, std::vector<attest::Check>& ordered) {
  for (std::size_t at = 0; at < checks.size(); ++at) {
    const attest::CheckId id = checks[at].id;
    if (first[index_of(id)] == at && std::ranges::find(table.all, id) != table.all.end()) continue;
    const auto twin = std::ranges::find(ordered, id, &attest::Check::id);
    attest::Check& marked = twin == ordered.end() ? ordered.front() : *twin;
    marked = attest::failed(marked.id, Code::internal, "one check of each id", "a second " + std::string(id_text(id)));
  }
}

}  // namespace

std::vector<attest::Check> in_order(const Table& table, std::vector<attest::Check> checks) {
  // As most platforms make them: nothing to move.
  if (std::ranges::equal(checks, table.all, {}, &attest::Check::id)) return checks;
  // As the others do: each once, in another order than the table's, which is that of the ids (sound).
  attest::sort_checks(checks);
  if (std::ranges::equal(checks, table.all, {}, &attest::Check::id)) return checks;
  std::array<std::size_t, kIdCount> first;
  first.fill(kNone);
  for (std::size_t at = checks.size(); at-- > 0;) first[index_of(checks[at].id)] = at;
  std::vector<attest::Check> ordered;
  ordered.reserve(table.all.size());
  std::size_t taken = 0;
  for (const attest::CheckId id : table.all) {
    if (const std::size_t at = first[index_of(id)]; at != kNone) {
      ordered.push_back(std::move(checks[at]));
      ++taken;
    } else {
      ordered.push_back(attest::failed(id, Code::internal, "to be checked", "not checked"));
    }
  }
  if (taken != checks.size()) mark_strays(table, checks, first, ordered);
  return ordered;
}

Tier reduce(const Table& table, std::span<const attest::Check> checks, bool has_remarks) {
  std::array<std::uint32_t, kIdCount> made{};
  std::array<std::uint32_t, kIdCount> passed{};
  for (const attest::Check& check : checks) {
    if (check.outcome == attest::Outcome::failed) return Tier::contraindicated;
    ++made[index_of(check.id)];
    if (check.outcome == attest::Outcome::passed) ++passed[index_of(check.id)];
  }
  for (const attest::CheckId id : table.mandatory) {
    // Of a check that stands more than once, each must have passed.
    if (made[index_of(id)] == 0 || passed[index_of(id)] != made[index_of(id)]) return Tier::contraindicated;
  }
  return has_remarks ? Tier::warning : Tier::affirming;
}

}  // namespace redoubt::appraise
