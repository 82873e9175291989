// RequestLog: a line of JSON for each request that the hub answered, for its operator.
//
// What may stand in a line is decided by its type: ids, routes as openapi.json writes them, a status, a time, the peer's address, and why the hub
// itself went wrong. There is no place for an address as it was asked (that of a download holds a signature), a header, a body or a name. A
// line is written whole, by one call, to a file that others may cut or move (O_APPEND). What cannot be written is counted and holds up nothing.
// Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/instant.h"
#include "common/base/result.h"

namespace redoubt::hub {

struct RequestNote {
  // Borrowed until it is written.
  std::string_view id{};      // X-Request-Id
  std::string_view method{};  // of the route; empty for requests that have none
  std::string_view route{};   // a path template
  std::string_view peer{};    // address
  int status = 0;
  std::int64_t microseconds = 0;
  std::string api_key{};  // id of the key that was let in
  std::string failure{};  // of a status of 500 or more, which the caller is not told
};

class RequestLog {
 public:
  static constexpr std::size_t kMaxFailure = 500;  // bytes

  // open: `where` is a file, which is made with mode 0600 if it is not there, or "-" for standard output. `unavailable`.
  static Result<std::unique_ptr<RequestLog>> open(const std::string& where, std::function<Instant()> now);
  RequestLog(const RequestLog&) = delete;
  RequestLog& operator=(const RequestLog&) = delete;
  ~RequestLog();

  void write(const RequestNote& note);
  // lost: lines that could not be written.
  std::uint64_t lost() const { return lost_; }

  // line: what write() writes, with its end.
  static std::string line(const RequestNote& note, Instant at);

 private:
  RequestLog(int file, bool own, std::function<Instant()> now) : file_(file), own_(own), now_(std::move(now)) {}

  const int file_;
  const bool own_;
  const std::function<Instant()> now_;
  std::atomic<std::uint64_t> lost_{0};
};

}  // namespace redoubt::hub
