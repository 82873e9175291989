// ask_engine: one request to the query engine, a process of its own, and its answer.
//
// For whoever may not hold DuckDB in its own process: the enclave program, and the command line that judges a query offline. The program
// starts with an empty environment and no descriptors but its standard streams, reads one request, writes one answer and is
// reaped; it shuts itself into a sandbox first and says what holds it. Distrusts the answer, which comes from code that looked at
// hostile text and data. Any thread.
#pragma once

#include <chrono>
#include <string>

#include "common/wire/query_engine.h"

namespace redoubt::engines {

// ask_engine: `program` is the path of redoubt-cleanroom-engine. A crash, a kill, a timeout, no sandbox or an answer that is none is
// `unavailable`. Copies of the tables are wiped.
Result<wire::EngineAnswer> ask_engine(const std::string& program, const wire::EngineRequest& request, std::chrono::milliseconds timeout);

}  // namespace redoubt::engines
