#include "client/sdk/answer.h"

#include "client/sdk/members.h"

namespace redoubt::sdk {
namespace {

constexpr std::int64_t kMaxCount = (std::int64_t{1} << 53) - 1;

}  // namespace

Result<json::Value> ask(net::HttpClient& client, const Call& call) {
  net::ClientRequest request;
  request.method = call.method;
  request.target = call.target;
  request.headers.add("accept", "application/json");
  if (!call.bearer.empty()) request.headers.add("authorization", "Bearer " + call.bearer);
  if (!call.idempotency_key.empty()) request.headers.add("idempotency-key", call.idempotency_key);
  if (call.body) {
    request.headers.add("content-type", "application/json");
    request.body = to_bytes(json::canonical(*call.body));
  }
  const std::string what = call.method + " " + call.target.substr(0, call.target.find('?'));
  auto response = client.request_ok(request);
  if (!response.ok()) return response.error().context(what);
  if (response->body.size() > call.max_bytes) {
    return Error(Code::malformed, what + ": expected an answer of at most " + std::to_string(call.max_bytes) + " bytes, found " +
                                      std::to_string(response->body.size()));
  }
  return json::parse(as_text(response->body), {.max_bytes = call.max_bytes, .max_depth = 32}).context(what);
}

Result<std::uint64_t> read_count(const json::Value& object, std::string_view member, std::string_view what) {
  const json::Value known = members_of(object, {member});
  json::ObjectReader reader(known, what);
  const bool is_text = known.object() != nullptr && known.object()->contains(member) &&
                       known.object()->find(member)->second.string() != nullptr;
  const std::uint64_t count = is_text ? reader.counter(member) : static_cast<std::uint64_t>(reader.integer(member, 0, kMaxCount));
  REDOUBT_CHECK(reader.finish());
  if (count > static_cast<std::uint64_t>(kMaxCount)) return Error(Code::malformed, std::string(what) + ": \"" + std::string(member) + "\" is too large");
  return count;
}

Result<std::string> text_or_canonical(const json::Value& object, std::string_view member, std::string_view what) {
  if (object.object() != nullptr) {
    if (const auto found = object.object()->find(member); found != object.object()->end()) {
      if (const std::string* text = found->second.string()) return *text;
      if (found->second.object() != nullptr) return json::canonical(found->second);
    }
  }
  return Error(Code::malformed, std::string(what) + ": expected a member \"" + std::string(member) + "\"");
}

}  // namespace redoubt::sdk
