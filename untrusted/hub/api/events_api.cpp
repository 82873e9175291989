// Events of an environment, as a stream.
#include "common/net/problem.h"
#include "untrusted/hub/api/api.h"

namespace redoubt::hub {

Result<net::HttpResponse> HubApi::stream_events(const Call& call) {
  REDOUBT_TRY(const Environment environment, load_environment(call));
  // A browser repeats the address that it first had and tells in the header how far it came since, so the header counts.
  std::optional<std::string> cursor;
  if (const auto found = call.request.query.find("cursor"); found != call.request.query.end()) cursor = found->second;
  const std::size_t count = call.request.headers.count("last-event-id");
  if (count > 1) return Error(Code::malformed, "Last-Event-ID: expected one");
  if (count == 1) cursor = *call.request.headers.find("last-event-id");
  auto body = parts_.events.open(environment.id, call.caller.key, call.caller.subject, cursor);
  if (!body.ok() && body.error().code() == Code::refused) {
    net::HttpResponse refusal = net::problem(429, Code::unavailable, body.error().message());
    refusal.headers.set("retry-after", "30");
    return refusal;
  }
  REDOUBT_CHECK(body);
  return net::HttpResponse{.status = 200, .headers = {{"content-type", "text/event-stream"}}, .body = std::move(*body)};
}

}  // namespace redoubt::hub
