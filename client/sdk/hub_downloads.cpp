// What HubClient reads from the hub as bytes that go on: events, and packages behind a link.
#include <algorithm>

#include "client/sdk/hub_client.h"
#include "client/sdk/members.h"
#include "common/net/listen_address.h"
#include "common/net/problem.h"
#include "common/net/uri.h"

namespace redoubt::sdk {
namespace {

constexpr std::uint64_t kMaxPackage = 64ULL << 20;  // bytes
constexpr std::size_t kMaxListed = 200;             // events of a page
constexpr std::string_view kDownloads = "/api/tee/downloads/";

std::string path_of(const std::string& environment) { return "/api/tee/environments/" + net::percent_encode(environment); }

Result<HubEvent> read_listed(const json::Value& item) {
  const json::Value known = members_of(item, {"cursor", "event", "id", "state"});
  json::ObjectReader reader(known, "event");
  HubEvent event{reader.nonempty("cursor", 256), net::printable(reader.nonempty("event", 32), 32), net::printable(reader.nonempty("id", 128), 128),
                 net::printable(reader.nonempty("state", 128), 128)};
  REDOUBT_CHECK(reader.finish());
  if (!valid_cursor(event.cursor)) return Error(Code::malformed, "event: its cursor is none");
  return event;
}

// valid_tag: an ETag that goes back in a header.
bool valid_tag(std::string_view tag) {
  return tag.size() >= 2 && tag.size() <= 128 && tag.front() == '"' && tag.back() == '"' &&
         std::ranges::all_of(tag, [](char c) { return c > ' ' && c < 127; });
}

}  // namespace

std::string HubClient::url() const { return "https://" + net::ListenAddress::text(options_.address.host, options_.address.port); }

Status HubClient::reopen() {
  if (client_.open()) return {};
  REDOUBT_TRY(client_, open(options_));
  return {};
}

Result<EventPage> HubClient::events(const std::string& environment, const std::string& cursor) {
  REDOUBT_TRY(const json::Value answer, call({.target = path_of(environment) + "/events/list?limit=" + std::to_string(kMaxListed) +
                                                        (cursor.empty() ? "" : "&cursor=" + net::percent_encode(cursor))}));
  const json::Value known = members_of(answer, {"items"});
  json::ObjectReader reader(known, "events");
  const json::Array& items = reader.array("items", kMaxListed);
  REDOUBT_CHECK(reader.finish());
  EventPage page;
  for (const json::Value& item : items) {
    REDOUBT_TRY(page.items.emplace_back(), read_listed(item));
  }
  if (const auto next = answer.object()->find("next"); next != answer.object()->end()) {
    const std::string* const text = next->second.string();
    // A hub that gives the same place for ever would keep us here for ever.
    if (text == nullptr || !valid_cursor(*text) || *text == cursor || page.items.empty()) return Error(Code::malformed, "events: the next page is none");
    page.next = *text;
  }
  return page;
}

Status HubClient::watch(const std::string& environment, EventStream& stream) {
  REDOUBT_CHECK(reopen());
  stream.begin();
  net::ClientRequest request{.target = path_of(environment) + "/events"};
  request.headers.add("accept", "text/event-stream");
  request.headers.add("authorization", "Bearer " + options_.api_key);
  if (!stream.cursor().empty()) request.headers.add("last-event-id", stream.cursor());
  request.sink = [&](ByteView bytes) { return stream.put(bytes); };
  const auto ended = client_.request_ok(request);
  return ended.ok() ? Status() : Status(ended.error());
}

Result<ResultLink> HubClient::result_link(const std::string& environment, const std::string& query, const std::string& recipient) {
  REDOUBT_TRY(const json::Value answer,
              call({.target = path_of(environment) + "/queries/" + net::percent_encode(query) + "/result/" + net::percent_encode(recipient) + "/link"}));
  const json::Value known = members_of(answer, {"etag", "expires", "url"});
  json::ObjectReader reader(known, "link");
  ResultLink link;
  link.etag = reader.nonempty("etag", 128);
  link.expires = net::printable(reader.nonempty("expires", 64), 64);
  link.target = reader.nonempty("url", 2048);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(link.size, read_count(answer, "size", "link"));
  // The hub says where, and it is asked there: at no other host, and for nothing but a download.
  const bool plain = std::ranges::all_of(link.target, [](char c) { return c > ' ' && c < 127 && c != '"' && c != '#' && c != '\\'; });
  if (!link.target.starts_with(kDownloads) || !plain) return Error(Code::malformed, "link: expected an address of a download at this hub");
  if (!valid_tag(link.etag)) return Error(Code::malformed, "link: its etag is none");
  if (link.size > kMaxPackage) return Error(Code::malformed, "link: expected at most " + std::to_string(kMaxPackage) + " bytes, found " + std::to_string(link.size));
  return link;
}

Result<Bytes> HubClient::download(const ResultLink& link, const std::function<void()>& pause, const DownloadProgress& progress, int attempts) {
  Bytes out;
  for (int left = attempts; out.size() < link.size;) {
    const std::uint64_t before = out.size();
    net::ClientRequest request{.target = link.target};
    if (before > 0) {
      request.headers.add("range", "bytes=" + std::to_string(before) + "-");
      request.headers.add("if-range", link.etag);
    }
    bool whole_again = false;
    request.sink = [&](ByteView bytes) -> Status {
      if (bytes.size() > link.size - out.size()) {
        whole_again = before > 0;
        return Error(Code::malformed, "download: more than the " + std::to_string(link.size) + " bytes that the hub spoke of");
      }
      append(out, bytes);
      if (progress) progress(out.size(), link.size);
      return {};
    };
    const Status connected = reopen();
    const auto answer = connected.ok() ? client_.request_ok(request) : Result<net::ClientResponse>(connected.error());
    // With If-Range, an answer that is not the range is the whole of another package.
    if (whole_again || (answer.ok() && before > 0 && answer->status != 206)) return Error(Code::binding, "download: the package was another before the connection was lost");
    if (answer.ok() && out.size() == link.size) break;
    if (!answer.ok() && answer.error().code() != Code::unavailable) return answer.error();
    if (out.size() > before) left = attempts;
    if (--left < 0) return answer.ok() ? Error(Code::unavailable, "download: the hub gives less than it spoke of") : answer.error();
    pause();
  }
  return out;
}

}  // namespace redoubt::sdk
