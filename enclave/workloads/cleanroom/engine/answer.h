// answer: what the engine process does with its one request (common/wire/query_engine.h).
//
// Runs in a process of its own inside the enclave, which ends after the answer: a crash, a kill or a memory limit fails this
// request and nothing else. Answers to run hold fixed text or released rows, never the engine's own messages. One call.
#pragma once

#include "common/wire/query_engine.h"
#include "engines/sql/library.h"

namespace redoubt::cleanroom {

// rule_set names the rules that this build enforces; a change of rules changes it.
inline constexpr std::string_view kRuleSet = "aggregate_only/1";

wire::EngineAnswer answer(const wire::EngineRequest& request, const sql::VerifiedLibrary& library);

}  // namespace redoubt::cleanroom
