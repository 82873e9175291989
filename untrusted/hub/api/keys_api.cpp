// API keys: each subject's own, all of them for admins. A key's text is in the answer that makes it and nowhere else.
#include "untrusted/hub/api/api.h"

namespace redoubt::hub {
namespace {

constexpr std::uint64_t kMaxLiveKeys = 100;  // of one subject
constexpr std::size_t kMaxScopes = 8;

json::Object key_json(const ApiKey& key) {
  json::Array scopes;
  for (const std::string& scope : key.scopes) scopes.emplace_back(scope);
  json::Object out{{"created", key.created.text()}, {"id", key.id}, {"prefix", key.prefix}, {"scopes", std::move(scopes)}, {"subject", key.subject}};
  if (key.expires) out.emplace("expires", key.expires->text());
  if (key.last_used) out.emplace("last_used", key.last_used->text());
  if (key.revoked) out.emplace("revoked", key.revoked->text());
  if (!key.made_by.empty()) out.emplace("made_by", key.made_by);
  return out;
}

// shown_once: the one answer that holds the key's text.
net::HttpResponse shown_once(const NewApiKey& key) {
  json::Object out = key_json(key.record);
  out.emplace("key", std::string(as_text(key.text.reveal())));
  net::HttpResponse response = json_answer(201, json::Value(std::move(out)));
  response.headers.set("cache-control", "no-store");
  return response;
}

// An answer kept for an Idempotency-Key would be the key's text in the database.
Status refuse_keeping(const Call& call) {
  if (call.idempotency_key.empty()) return {};
  return Error(Code::usage, "Idempotency-Key: not taken here, since an answer that holds a key is never kept");
}

Error not_covered() { return Error(Code::auth, "an API key cannot give scopes or a lifetime that it has not itself"); }

}  // namespace

Result<ApiKey> HubApi::own_key(Transaction& transaction, const Call& call) {
  const Error absent(Code::not_found, "no such API key");
  auto key = get_api_key(transaction, call.param("key"));
  if (!key.ok()) return key.error().code() == Code::not_found ? absent : key.error();
  if (!call.caller.admin && key->subject != call.caller.subject) return absent;
  return key;
}

Result<net::HttpResponse> HubApi::list_keys(const Call& call) {
  REDOUBT_TRY(const PageRequest request, page_of(call));
  REDOUBT_TRY(const auto page, parts_.store.read([&](Transaction& transaction) {
    return list_api_keys(transaction, request, call.caller.admin ? std::nullopt : std::optional<std::string_view>(call.caller.subject));
  }));
  json::Array items;
  for (const ApiKey& key : page.items) items.emplace_back(key_json(key));
  return json_answer(200, list_json(std::move(items), page.next));
}

Result<net::HttpResponse> HubApi::create_key(const Call& call) {
  REDOUBT_CHECK(refuse_keeping(call));
  REDOUBT_TRY(const json::Value body, body_of(call));
  json::ObjectReader reader(body, "body");
  const json::Array& wanted = reader.array("scopes", kMaxScopes);
  const bool has_subject = reader.has("subject");
  const std::string subject = has_subject ? reader.nonempty("subject", 64) : call.caller.subject;
  const bool has_expiry = reader.has("expires");
  const std::string expiry = has_expiry ? reader.nonempty("expires", 32) : "";
  REDOUBT_CHECK(reader.finish());
  std::vector<std::string> scopes;
  for (const json::Value& item : wanted) {
    if (item.string() == nullptr || !known_scope(*item.string())) {
      return Error(Code::malformed, "scopes: expected read, submit, approve, upload, keys, participant or admin");
    }
    scopes.push_back(*item.string());
  }
  if (scopes.empty()) return Error(Code::malformed, "scopes: expected at least one");
  KeyLife life{call.caller.expires, call.caller.key};
  if (has_expiry) {
    REDOUBT_TRY(life.expires, Instant::parse(expiry).context("expires"));
  }
  if (!call.caller.admin && subject != call.caller.subject) return not_covered();
  if (!call.caller.covers(scopes, life.expires)) return not_covered();
  return parts_.store.write("key.create", [&](Transaction& transaction) -> Result<net::HttpResponse> {
    REDOUBT_TRY(const std::uint64_t count, live_keys(transaction, subject));
    if (count >= kMaxLiveKeys) return conflict("\"" + subject + "\" has " + std::to_string(count) + " API keys: revoke some first");
    REDOUBT_TRY(const NewApiKey key, create_api_key(transaction, parts_.random, subject, scopes, parts_.now(), life));
    net::HttpResponse response = shown_once(key);
    REDOUBT_CHECK(record(transaction, call, "key.create", key.record.id, response));
    return response;
  });
}

Result<net::HttpResponse> HubApi::rotate_key(const Call& call) {
  REDOUBT_CHECK(refuse_keeping(call));
  return parts_.store.write("key.rotate", [&](Transaction& transaction) -> Result<net::HttpResponse> {
    REDOUBT_TRY(const ApiKey old, own_key(transaction, call));
    const Instant now = parts_.now();
    if (old.revoked || (old.expires && *old.expires <= now)) return conflict("this API key is not valid any more: create another");
    // Whoever gets the new text gets all that the old key may do.
    if (!call.caller.covers(old.scopes, old.expires)) return not_covered();
    REDOUBT_TRY(const NewApiKey key, create_api_key(transaction, parts_.random, old.subject, old.scopes, now, {old.expires, call.caller.key}));
    REDOUBT_CHECK(revoke_api_key(transaction, old.id, now));
    net::HttpResponse response = shown_once(key);
    REDOUBT_CHECK(record(transaction, call, "key.rotate", old.id, response));
    return response;
  });
}

Result<net::HttpResponse> HubApi::revoke_key(const Call& call) {
  return parts_.store.write("key.revoke", [&](Transaction& transaction) -> Result<net::HttpResponse> {
    REDOUBT_TRY(const ApiKey key, own_key(transaction, call));
    // A key that may less does not take another's place by ending it.
    if (key.id != call.caller.key && !call.caller.covers(key.scopes, key.expires)) return not_covered();
    REDOUBT_CHECK(revoke_api_key(transaction, key.id, parts_.now()));
    REDOUBT_TRY(const ApiKey revoked, get_api_key(transaction, key.id));
    net::HttpResponse response = json_answer(200, key_json(revoked));
    REDOUBT_CHECK(record(transaction, call, "key.revoke", key.id, response));
    return response;
  });
}

}  // namespace redoubt::hub
