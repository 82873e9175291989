// answer: what the engine process does with its one request (common/wire/query_engine.h).
//
// Runs in a process of its own inside the enclave, which ends after the answer: a crash, a kill or a memory limit fails this
// request and nothing else. Answers to run hold fixed text or released rows, never the engine's own messages. One call.
#pragma once

#include <span>

#include "common/wire/query_engine.h"
#include "engines/sql/library.h"

namespace redoubt::cleanroom {

// `files`: the tables that were handed over, which the request names from 1 on.
wire::EngineAnswer answer(const wire::EngineRequest& request, std::span<const ByteView> files, const sql::VerifiedLibrary& library);

}  // namespace redoubt::cleanroom
