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
  if (!key.replaces.empty()) out.emplace("replaces", key.replaces);
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

// kept_answer: what is kept for an Idempotency-Key, without the text: whoever lost the answer learns which key was made, and rotates it.
net::HttpResponse kept_answer(const NewApiKey& key) { return json_answer(201, json::Value(key_json(key.record))); }

// tagged_key: the key as it is now; when it was last used is no change of it.
net::HttpResponse tagged_key(const ApiKey& key) {
  ApiKey unused = key;
  unused.last_used.reset();
  const std::string tag = *tagged(json_answer(200, json::Value(key_json(unused)))).headers.find("etag");
  net::HttpResponse response = json_answer(200, json::Value(key_json(key)));
  response.headers.set("etag", tag);
  return response;
}

Error not_covered() { return Error(Code::auth, "an API key cannot give scopes or a lifetime that it has not itself"); }

}  // namespace

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
    REDOUBT_TRY(const std::uint64_t count, live_keys(transaction, subject, parts_.now()));
    if (count >= kMaxLiveKeys) return conflict("\"" + subject + "\" has " + std::to_string(count) + " API keys: revoke some first");
    REDOUBT_TRY(const NewApiKey key, create_api_key(transaction, parts_.random, subject, scopes, parts_.now(), life));
    REDOUBT_CHECK(record(transaction, call, "key.create", key.record.id, kept_answer(key)));
    return shown_once(key);
  });
}

Result<net::HttpResponse> HubApi::get_key(const Call& call) {
  REDOUBT_TRY(const ApiKey key, parts_.store.read([&](Transaction& transaction) { return load_key(transaction, call); }));
  return tagged_key(key);
}

Result<net::HttpResponse> HubApi::rotate_key(const Call& call) {
  return parts_.store.write("key.rotate", [&](Transaction& transaction) -> Result<net::HttpResponse> {
    REDOUBT_TRY(const ApiKey old, load_key(transaction, call));
    if (auto changed = check_match(call, tagged_key(old))) return std::move(*changed);
    const Instant now = parts_.now();
    if (!old.valid(now)) return conflict("this API key is not valid any more: create another");
    // What the old key made stays; whoever revokes the new key later, or the old one, ends that too.
    REDOUBT_TRY(const NewApiKey key, create_api_key(transaction, parts_.random, old.subject, old.scopes, now, {old.expires, call.caller.key, old.id}));
    REDOUBT_CHECK(retire_api_key(transaction, old.id, now));
    REDOUBT_CHECK(record(transaction, call, "key.rotate", old.id, kept_answer(key)));
    return shown_once(key);
  });
}

Result<net::HttpResponse> HubApi::revoke_key(const Call& call) {
  return parts_.store.write("key.revoke", [&](Transaction& transaction) -> Result<net::HttpResponse> {
    REDOUBT_TRY(const ApiKey key, load_key(transaction, call));
    if (auto changed = check_match(call, tagged_key(key))) return std::move(*changed);
    REDOUBT_TRY(const auto ended, revoke_api_key(transaction, key.id, parts_.now()));
    std::int64_t others = 0;
    for (const std::string& id : ended) {
      if (id == key.id) continue;
      ++others;
      REDOUBT_CHECK(add_audit_event(transaction, {parts_.now(), call.caller.subject, "key.revoke", id, "came of " + key.id}));
    }
    REDOUBT_TRY(const ApiKey revoked, get_api_key(transaction, key.id));
    json::Object out = key_json(revoked);
    out.emplace("also_revoked", others);
    net::HttpResponse response = json_answer(200, json::Value(std::move(out)));
    REDOUBT_CHECK(record(transaction, call, "key.revoke", key.id, response));
    return response;
  });
}

}  // namespace redoubt::hub
