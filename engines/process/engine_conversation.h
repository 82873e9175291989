// StartedEngine: a query engine, which is a process of its own, and the one request that it gets.
//
// For whoever may not hold DuckDB in its own process: the enclave program, and the command line that judges a query offline. The program
// starts with an empty environment and no descriptors but its standard streams, makes itself ready without looking at anything, takes the
// tables that are handed over as files (files.h), shuts itself into a sandbox, reads one request, writes one answer and is reaped; it says
// what holds it. Distrusts the answer, which comes from code that looked at hostile text and data. Any thread; one per object.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <span>
#include <string>

#include "common/wire/query_engine.h"

namespace redoubt::engines {

class StartedEngine {
 public:
  // start: `program` is the path of redoubt-cleanroom-engine. It ends with the thread that started it. `unavailable` when it cannot be started.
  static Result<StartedEngine> start(const std::string& program);

  StartedEngine(StartedEngine&& other) noexcept;
  StartedEngine& operator=(StartedEngine&& other) noexcept;
  ~StartedEngine();  // kills and reaps

  // waiting: it has not ended, so that it is worth asking.
  bool waiting() const;
  // ask: the engine is spent. A crash, a kill, a timeout, no sandbox or an answer that is none is `unavailable`. `files` are borrowed: sealed
  // memory, which tables of the request name from 1 on. Copies of the tables in the request are wiped.
  Result<wire::EngineAnswer> ask(const wire::EngineRequest& request, std::span<const int> files, std::chrono::milliseconds timeout) &&;

 private:
  StartedEngine(pid_t pid, int to, int from) : pid_(pid), to_(to), from_(from) {}
  pid_t pid_ = -1;
  int to_ = -1;    // a socket
  int from_ = -1;  // a pipe
};

// ask_engine: starts one, asks it, and gives its answer; errors of both.
Result<wire::EngineAnswer> ask_engine(const std::string& program, const wire::EngineRequest& request, std::chrono::milliseconds timeout);

}  // namespace redoubt::engines
