// The adapter to the engine's parser: text in, Query out. Its files alone know the engine's syntax tree.
//
// Runs inside the enclave on text that a participant wrote and may have crafted. The same parser that will later run the
// printed query reads the text, so there is no second grammar to disagree with. Whatever node, class, modifier or flag is not
// listed here is refused, with the rule that names it. Pure: parsing alone, never statement extraction, which would rewrite
// PRAGMAs and open files (DuckDB 1.4.4). Thread-safe. Exceptions of the engine stop here.
#pragma once

#include <string_view>

#include "engines/sql/ast.h"
#include "engines/sql/refusal.h"

namespace redoubt::sql {

// Limits on the text, so that no recursion or substitution over it is deep or long.
inline constexpr std::size_t kMaxTextSize = 64 * 1024;
inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxNodes = 4096;

// parse_query reads exactly one query. Refused: G1 not one query; G2 relations that are no plain names, subqueries or VALUES;
// G4 samples, parameters, pivots, recursion; S1, S2, S4, S5, S12, S13 constructs that those rules name; each says what it met.
Checked<Query> parse_query(std::string_view text);

}  // namespace redoubt::sql
