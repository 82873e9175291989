// The level `none`: every participant approved the text, so only the rules for every level hold (G1 to G6). The text is still parsed,
// walked by an allow-list and printed anew: files, settings, clocks and chance stay out of reach, whatever was approved.
// Private to this room; its file knows the engine's syntax tree, as those of sql_ast.h do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engines/sql/refusal.h"
#include "engines/sql/schema.h"

namespace redoubt::sql {

struct ApprovedQuery {
  std::string sql;                    // printed from the parsed tree, datasets qualified
  std::vector<std::string> datasets;  // that it reads, by their registered names
};

// approve_query applies G1 to G4 and G6 to the text; G5 is the engine's own to say.
Checked<ApprovedQuery> approve_query(std::string_view text, const Schema& schema);

}  // namespace redoubt::sql
