// Binding: whether the engine itself would accept a statement over empty tables of a schema (rule G5). Private to this room;
// only for text that the checker has accepted. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engines/sql/schema.h"

namespace redoubt::sql {

struct BindingProblem {
  std::string message;  // the engine's first line, lower case; depends on text and schema only
  std::size_t offset = 0;
};

// binding_problem prepares, never runs, the statement in a fresh engine. `internal` if the engine could not be made.
Result<std::optional<BindingProblem>> binding_problem(std::string_view sql, const Schema& schema);

}  // namespace redoubt::sql
