// The second allow-list: what a bound plan may hold. Its file and those of the parser adapter alone know the engine's trees.
// Private to this room.
#pragma once

#include <duckdb.hpp>
#include <duckdb/planner/logical_operator.hpp>

#include <functional>
#include <optional>
#include <string>

namespace redoubt::sql {

// unlisted names the first operator, table or function of the plan that is not allowed; nothing when all are. `is_table` says whether
// a table of the schema main may be read.
std::optional<std::string> unlisted(duckdb::LogicalOperator& plan, const std::function<bool(const std::string&)>& is_table);

// failing_member names the first IN of a subquery for which the engine would cast what is looked for to a type that does not hold all its values:
// such a cast fails on a row, and TRY takes no subquery (S13). Nothing when there is none.
std::optional<std::string> failing_member(duckdb::LogicalOperator& plan);

}  // namespace redoubt::sql
