// Calls that carry an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): one effect, and one answer.
//
// The key belongs to the API key that sends it and to one request: method, target and body. An answer that tells of an effect is written in
// the effect's transaction (record); one that tells of none is kept afterwards, so that a repetition reads the same. Refusals are not
// kept: they had no effect, and the same request may pass later. Kept for KeptAnswer::kLifeSeconds.
#include "common/net/problem.h"
#include "untrusted/hub/api/api.h"

namespace redoubt::hub {
namespace {

constexpr std::size_t kMaxKey = 128;

bool printable_key(std::string_view key) {
  return !key.empty() && key.size() <= kMaxKey && std::ranges::all_of(key, [](char c) { return c > ' ' && c < 127; });
}

// key_of: the Idempotency-Key of a POST, empty when there is none.
Result<std::string> key_of(const net::HttpRequest& request) {
  const std::size_t count = request.headers.count("idempotency-key");
  if (count == 0 || request.method != "POST") return std::string();
  const std::string& key = *request.headers.find("idempotency-key");
  if (count > 1 || !printable_key(key)) return Error(Code::malformed, "Idempotency-Key: expected one, of 1 to 128 printable characters");
  return key;
}

crypto::Sha256Digest digest_of(const net::HttpRequest& request) {
  Fields fields("redoubt/hub-request/2");
  fields.text(request.method).text(request.path).field(request.body);
  for (const auto& [name, value] : request.query) fields.text(name).text(value);
  return crypto::sha256(fields.view());
}

}  // namespace

Result<std::optional<net::HttpResponse>> HubApi::replay(const Call& call) {
  REDOUBT_TRY(const auto kept, parts_.store.read([&](Transaction& transaction) {
    return find_answer(transaction, call.caller.key, call.idempotency_key, call.digest, parts_.now());
  }));
  if (!kept) return std::optional<net::HttpResponse>();
  net::HttpResponse again = net::json_response(kept->status, as_text(kept->response));
  again.headers.set("idempotency-replayed", "true");
  again.headers.set("cache-control", "no-store");
  return std::optional(std::move(again));
}

net::HttpResponse HubApi::handle_once(const Row& row, const Call& given) {
  auto key = key_of(given.request);
  if (!key.ok()) return net::problem(key.error());
  if (key->empty()) return handle(row, given);
  Call call = given;
  call.idempotency_key = *key;
  call.digest = digest_of(call.request);

  const std::pair name(call.caller.key, call.idempotency_key);
  {
    const std::lock_guard lock(calls_mutex_);
    if (!under_way_.insert(name).second) {
      net::HttpResponse busy = conflict("Idempotency-Key: a request with it is being answered");
      busy.headers.set("retry-after", "1");
      return busy;
    }
  }
  struct Leave {
    HubApi& api;
    const std::pair<std::string, std::string>& name;
    ~Leave() {
      const std::lock_guard lock(api.calls_mutex_);
      api.under_way_.erase(name);
    }
  } const leave{*this, name};

  const auto answer_of = [&](Result<std::optional<net::HttpResponse>> kept) -> std::optional<net::HttpResponse> {
    if (kept.ok()) return std::move(*kept);
    if (kept.error().code() == Code::refused) return net::problem(422, Code::refused, "Idempotency-Key: was used for another request");
    return net::problem(kept.error());
  };
  if (auto kept = answer_of(replay(call))) return std::move(*kept);
  net::HttpResponse response = handle(row, call);
  if (response.status >= 400) {
    // Another hub of the same database may have answered this very request meanwhile; then the effect is there, and so is its answer.
    auto kept = replay(call);
    return kept.ok() && kept->has_value() ? std::move(**kept) : std::move(response);
  }
  if (!call.kept && response.status < 300) {
    const Status written = parts_.store.write("answer.keep", [&](Transaction& transaction) {
      return keep_answer(transaction, call.caller.key, call.idempotency_key, call.digest, {response.status, std::get<Bytes>(response.body)}, parts_.now());
    });
    if (!written.ok()) return net::problem(written.error());
  }
  return response;
}

}  // namespace redoubt::hub
