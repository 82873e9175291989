#include "untrusted/hub/api/request_log.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/base/json.h"
#include "common/base/utf8.h"

namespace redoubt::hub {
namespace {

std::string_view level_of(int status) { return status >= 500 ? "error" : status >= 400 ? "warning" : "info"; }

}  // namespace

Result<std::unique_ptr<RequestLog>> RequestLog::open(const std::string& where, std::function<Instant()> now) {
  if (where == "-") return std::unique_ptr<RequestLog>(new RequestLog(STDOUT_FILENO, false, std::move(now)));
  const int file = ::open(where.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return Error(Code::unavailable, "opening log " + where);
  return std::unique_ptr<RequestLog>(new RequestLog(file, true, std::move(now)));
}

RequestLog::~RequestLog() {
  if (own_) ::close(file_);
}

std::string RequestLog::line(const RequestNote& note, Instant at) {
  json::Object out{{"at", at.text()},
                   {"level", std::string(level_of(note.status))},
                   {"microseconds", note.microseconds},
                   {"peer", std::string(note.peer)},
                   {"request_id", std::string(note.id)},
                   {"status", std::int64_t{note.status}}};
  const auto add = [&](const char* name, std::string_view value) {
    if (!value.empty()) out.emplace(name, std::string(value));
  };
  add("api_key", note.api_key);
  add("method", note.method);
  add("route", note.route);
  // An error may quote what a caller sent, cut anywhere.
  const std::string_view failure = std::string_view(note.failure).substr(0, kMaxFailure);
  if (note.status >= 500) add("failure", valid_utf8(failure) ? failure : "not text");
  return json::canonical(json::Value(std::move(out))) + '\n';
}

void RequestLog::write(const RequestNote& note) {
  const std::string text = line(note, now_());
  if (::write(file_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) ++lost_;
}

}  // namespace redoubt::hub
