// The hub's API keys, as typed calls.
#include "client/sdk/hub_client.h"
#include "client/sdk/members.h"
#include "common/net/uri.h"

namespace redoubt::sdk {
namespace {

constexpr const char* kKeys = "/api/tee/api-keys";
constexpr std::size_t kMaxScopes = 32;

std::string action(const std::string& id, std::string_view verb) { return std::string(kKeys) + "/" + net::percent_encode(id) + "/" + std::string(verb); }

Result<ApiKeyView> read_api_key(const json::Value& value) {
  const json::Value known = members_of(value, {"created", "expires", "id", "last_used", "made_by", "prefix", "revoked", "scopes", "subject"});
  json::ObjectReader reader(known, "api key");
  const auto text = [&](std::string_view member) { return net::printable(reader.nonempty(member, 128), 128); };
  const auto optional = [&](std::string_view member) { return reader.has(member) ? text(member) : std::string(); };
  ApiKeyView view;
  view.id = text("id");
  view.subject = text("subject");
  view.prefix = net::printable(reader.string("prefix"), 32);
  view.created = text("created");
  view.expires = optional("expires");
  view.last_used = optional("last_used");
  view.revoked = optional("revoked");
  view.made_by = optional("made_by");
  for (const json::Value& scope : reader.array("scopes", kMaxScopes)) {
    if (scope.string() == nullptr) return Error(Code::malformed, "api key: a scope is not text");
    view.scopes.push_back(net::printable(*scope.string(), 64));
  }
  REDOUBT_CHECK(reader.finish());
  return view;
}

Result<NewApiKeyView> read_new_key(const json::Value& value) {
  NewApiKeyView out;
  REDOUBT_TRY(out.view, read_api_key(value));
  const json::Value known = members_of(value, {"key"});
  json::ObjectReader reader(known, "api key");
  const std::string key = reader.nonempty("key", 128);
  REDOUBT_CHECK(reader.finish());
  // It becomes a header and a line of a file: one word.
  const bool word = std::ranges::all_of(key, [](char c) { return c > ' ' && c < 127; });
  if (!word) return Error(Code::malformed, "api key: expected printable characters without a space");
  out.key = SecretBytes::copy_of(as_bytes(key));
  return out;
}

}  // namespace

Result<NewApiKeyView> HubClient::create_api_key(const ApiKeyWish& wish) {
  json::Array scopes;
  for (const std::string& scope : wish.scopes) scopes.emplace_back(scope);
  json::Object body{{"scopes", std::move(scopes)}};
  if (!wish.subject.empty()) body.emplace("subject", wish.subject);
  if (!wish.expires.empty()) body.emplace("expires", wish.expires);
  Call request{.method = "POST", .target = kKeys};
  request.body = json::Value(std::move(body));
  REDOUBT_TRY(const json::Value answer, call(std::move(request)));
  return read_new_key(answer);
}

Result<std::vector<ApiKeyView>> HubClient::api_keys() {
  REDOUBT_TRY(const json::Array items, list(kKeys));
  std::vector<ApiKeyView> views;
  for (const json::Value& item : items) {
    REDOUBT_TRY(auto view, read_api_key(item));
    views.push_back(std::move(view));
  }
  return views;
}

Result<NewApiKeyView> HubClient::rotate_api_key(const std::string& id) {
  REDOUBT_TRY(const json::Value answer, call({.method = "POST", .target = action(id, "rotate")}));
  return read_new_key(answer);
}

Result<ApiKeyView> HubClient::revoke_api_key(const std::string& id) {
  REDOUBT_TRY(const json::Value answer, call({.method = "POST", .target = action(id, "revoke")}));
  return read_api_key(answer);
}

}  // namespace redoubt::sdk
