// What an Engine holds, and how a statement runs in it. Private to this room; the engine's exceptions stop in its users.
#pragma once

#include <duckdb/parser/parser.hpp>
#include <duckdb/planner/planner.hpp>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "engines/sql/engine.h"
#include "engines/sql/instance.h"
#include "engines/sql/plan_guard.h"

namespace redoubt::sql {

// Watchdog interrupts a connection after a time, unless it goes first.
class Watchdog {
 public:
  Watchdog(duckdb::Connection& connection, std::uint32_t timeout_ms)
      : thread_([this, &connection, timeout_ms] {
          std::unique_lock lock(mutex_);
          if (!wake_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return done_; })) {
            fired_ = true;
            connection.Interrupt();
          }
        }) {}
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog() { stop(); }

  // stop ends the watch and says whether it had interrupted.
  bool stop() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
    return fired_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
  bool fired_ = false;
  std::thread thread_;
};

// run_error maps the engine's error to fixed text: its own message may quote values.
inline Error run_error(const duckdb::ErrorData& error, bool timed_out, const EngineLimits& limits) {
  if (timed_out) {
    return Error(Code::unavailable, "statement stopped: the limit of " + std::to_string(limits.timeout_ms) + " ms was reached");
  }
  switch (error.Type()) {
    case duckdb::ExceptionType::INTERRUPT: return Error(Code::unavailable, "statement stopped: interrupted");
    case duckdb::ExceptionType::OUT_OF_MEMORY: return Error(Code::unavailable, "statement stopped: the memory limit was reached");
    case duckdb::ExceptionType::CATALOG: return Error(Code::not_found, "a dataset of the plan is not loaded");
    default: return Error(Code::refused, "statement stopped: a computation failed while running");
  }
}

struct Engine::State {
  std::vector<SecretBytes> files;  // of tables that the engine made itself; the instance reads them
  Instance instance;
  EngineLimits limits;
  Numbering numbering = {};

  // listed: the statement binds to a plan that holds nothing but what a query may hold.
  bool listed(const std::string& sql) {
    bool out = false;
    try {
      duckdb::Parser parser;
      parser.ParseQuery(sql);
      instance.connection->context->RunFunctionInTransaction([&] {
        duckdb::Planner planner(*instance.connection->context);
        planner.CreatePlan(std::move(parser.statements.at(0)));
        out = planner.plan && !unlisted(*planner.plan, [](const std::string&) { return true; });
      });
    } catch (const std::exception&) {
      return false;
    }
    return out;
  }

  // stream runs a statement under the limits and hands over its chunks; a Status of `take` that is an error ends it.
  Status stream(const std::string& sql, const std::function<void(duckdb::QueryResult&)>& start,
                const std::function<Status(duckdb::DataChunk&)>& take) {
    Watchdog watchdog(*instance.connection, limits.timeout_ms);
    const auto failed = [&](const duckdb::ErrorData& error) { return run_error(error, watchdog.stop(), limits); };
    try {
      const auto result = instance.connection->SendQuery(sql);
      if (result->HasError()) return failed(result->GetErrorObject());
      start(*result);
      while (true) {
        const auto chunk = result->Fetch();
        if (result->HasError()) return failed(result->GetErrorObject());
        if (!chunk || chunk->size() == 0) return {};
        REDOUBT_CHECK(take(*chunk));
      }
    } catch (const std::exception& e) {
      return failed(duckdb::ErrorData(e));
    }
  }
};

}  // namespace redoubt::sql
