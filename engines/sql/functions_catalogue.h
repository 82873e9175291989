// What the engine calls its functions: the deterministic built-ins that released rows and the level `none` may use (S10, section
// 8 of docs/specs/query-rules.md). An allow-list made once from the catalogue of the pinned engine, so that a name that a later engine
// adds is refused until someone has looked at it. Private to this room.
#pragma once

#include <cstddef>
#include <string_view>

namespace redoubt::sql {

// is_deterministic_scalar: a function of one row (operators included) whose result depends on its arguments alone.
bool is_deterministic_scalar(std::string_view name);

// is_age_of_two: age(a, b). With one argument the same function reads the clock, so its name alone is not listed.
bool is_age_of_two(std::string_view name, std::size_t arguments);

// is_any_aggregate: an aggregate, whether or not a rule allows it.
bool is_any_aggregate(std::string_view name);

// is_window_function: a function that exists only with OVER.
bool is_window_function(std::string_view name);

}  // namespace redoubt::sql
