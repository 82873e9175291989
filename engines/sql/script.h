// run_script: the rows of a table that a script of statements makes, in an engine of its own, shut off from files, network and
// extensions, which holds nothing else and ends with the call.
//
// For test data only: nothing here looks at what the statements do, so whoever calls it does so in a process that may not touch
// anything, and with no data of others beside it.
#pragma once

#include "engines/sql/engine.h"

namespace redoubt::sql {

// TextRow: values as the engine writes them; nothing for NULL.
using TextRow = std::vector<std::optional<std::string>>;

// run_script gives the table's columns in its order, rows in the order in which they were inserted. `refused` when a statement fails
// or there is no such table; `unavailable` beyond the limits.
Result<std::vector<TextRow>> run_script(const std::string& script, const Table& table, const EngineLimits& limits);

}  // namespace redoubt::sql
