// EngineProcess: the query engine as a process of its own inside the enclave.
//
// Each request has an engine program of its own, with an empty environment and no descriptors but its standard streams: it is handed the
// tables of its request as sealed memory, reads the request, writes one answer and is reaped. The engine shuts itself into a sandbox before
// it reads and says what holds it; a call that the sandbox forbids ends it. The one for the next request is started when a request is
// over, and waits. A crash, a kill, a timeout or an answer that is not one is `unavailable`, and
// the caller goes on. The engine program is part of the measured manifest. Thread-safe.
#pragma once

#include <chrono>

#include "common/wire/query_engine.h"
#include "enclave/workloads/cleanroom/query_engine.h"
#include "engines/process/engine_starter.h"

namespace redoubt::cleanroom {

class EngineProcess final : public QueryEngine {
 public:
  struct Options {
    std::string program;                           // absolute path of redoubt-cleanroom-engine
    std::string rule_set;
    std::chrono::milliseconds timeout{120'000};    // for one request
    // What probe() gave when the room started: an answer from a process that is held otherwise is not taken. Empty: any is, for probe().
    std::string sandbox = "";
  };
  explicit EngineProcess(Options options) : options_(std::move(options)), starter_(options_.program) {}

  // probe starts an engine for nothing and gives the statement of its sandbox, as it may be shown to participants. `unavailable` when it
  // does not start or is not held.
  Result<std::string> probe() const;

  std::string rule_set() const override { return options_.rule_set; }
  Result<QueryCheck> check(std::string_view sql, const std::vector<const jobs::Manifest*>& schema, const Protection& protection) override;
  Result<jobs::ResultTable> run(std::string_view sql, const std::vector<TableView>& tables, const Protection& protection,
                                const std::vector<Asked>& earlier, ByteView noise_seed) override;
  Status load(const TableView& table) override;

 private:
  Result<wire::EngineAnswer> ask(const wire::EngineRequest& request, const std::vector<int>& files) const;
  const Options options_;
  mutable engines::EngineStarter starter_;
};

}  // namespace redoubt::cleanroom
