// Events of an environment, as a stream and as a list.
#include "common/net/problem.h"
#include "untrusted/hub/api/api.h"

namespace redoubt::hub {
namespace {

// gone: 410, for a place from which events were removed. Browsers do not reconnect after it.
net::HttpResponse gone(const Error& error) { return net::problem(410, Code::freshness, error.message()); }

}  // namespace

Result<net::HttpResponse> HubApi::list_events(const Call& call) {
  REDOUBT_TRY(const Environment environment, load_environment(call));
  REDOUBT_TRY(const PageRequest request, page_of(call));
  const auto page = parts_.store.read([&](Transaction& transaction) { return hub::list_events(transaction, environment.id, request); });
  if (!page.ok() && page.error().code() == Code::freshness) return gone(page.error());
  REDOUBT_CHECK(page);
  json::Array items;
  for (const Event& event : page->items) {
    items.emplace_back(json::Object{{"cursor", event_cursor(environment.id, event.number)},
                                    {"event", std::string(name_of(event.kind))},
                                    {"id", event.object},
                                    {"state", event.state}});
  }
  return json_answer(200, list_json(std::move(items), page->next));
}

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
  if (!body.ok() && body.error().code() == Code::freshness) return gone(body.error());
  REDOUBT_CHECK(body);
  return net::HttpResponse{.status = 200, .headers = {{"content-type", "text/event-stream"}}, .body = std::move(*body)};
}

}  // namespace redoubt::hub
