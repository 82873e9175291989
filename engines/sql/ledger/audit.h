// The question of T5: is there a linear combination of cells that vanishes on all atoms but some that hold fewer than k units?
//
// Each atom is a column of zeros and ones over the cells. Combinations that vanish on every atom of at least k units are a vector
// space, found by elimination; on the small atoms it is searched, branch by branch, for a vector whose atoms hold fewer than k
// units together. Arithmetic is modulo a prime of 61 bits. That is exact as long as the rank modulo the prime is the rational
// one: up to 36 cells no minor of zeros and ones reaches the prime (Hadamard); beyond, a second prime must give the same rank.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace redoubt::sql {

struct AuditAtom {
  std::vector<std::uint32_t> cells;  // sorted
  std::vector<std::uint32_t> units;  // sorted; when there are k or more, any k of them
};

enum class AuditResult { safe, telling, unsure };

inline constexpr std::size_t kMaxAuditAtoms = 65536;

// audit_cells: unsure when there are more than 4096 cells or kMaxAuditAtoms, when the search does not end within its limit, or when
// the primes disagree.
AuditResult audit_cells(const std::vector<AuditAtom>& atoms, std::size_t cells, std::uint64_t k);

}  // namespace redoubt::sql
