#include "untrusted/hub/api/api.h"

#include <charconv>

#include "common/net/problem.h"
#include "untrusted/hub/api/openapi.h"

namespace redoubt::hub {
namespace {

constexpr std::uint64_t kContractBody = 2 * jobs::Contract::kMaxBytes + 1024;
constexpr std::uint64_t kDocumentBody = 512 * 1024;
constexpr std::uint64_t kKeyBody = 4096;
constexpr std::size_t kMaxKey = 128;

bool printable_key(std::string_view key) {
  return !key.empty() && key.size() <= kMaxKey && std::ranges::all_of(key, [](char c) { return c > ' ' && c < 127; });
}

}  // namespace

const std::vector<HubApi::Row>& HubApi::rows() {
  static const std::vector<Row> table = {
      {"GET", "/api/tee/platform", 0, &HubApi::get_platform, kReadScope},
      {"POST", "/api/tee/environments", kContractBody, &HubApi::create_environment, kSubmitScope},
      {"GET", "/api/tee/environments", 0, &HubApi::list_environments, kReadScope},
      {"GET", "/api/tee/environments/{env}", 0, &HubApi::get_environment, kReadScope},
      {"POST", "/api/tee/environments/{env}/datasets", kDocumentBody, &HubApi::create_dataset, kUploadScope, true},
      {"GET", "/api/tee/environments/{env}/datasets", 0, &HubApi::list_datasets, kReadScope},
      {"PUT", "/api/tee/environments/{env}/datasets/{manifest}/content", kMaxPart, &HubApi::put_content, kUploadScope, true},
      {"POST", "/api/tee/environments/{env}/queries", kDocumentBody, &HubApi::create_query, kSubmitScope, true},
      {"GET", "/api/tee/environments/{env}/queries", 0, &HubApi::list_queries, kReadScope},
      {"GET", "/api/tee/environments/{env}/queries/{query}", 0, &HubApi::get_query, kReadScope},
      {"POST", "/api/tee/environments/{env}/queries/{query}/approve", kDocumentBody, &HubApi::approve, kApproveScope, true},
      {"POST", "/api/tee/environments/{env}/queries/{query}/reject", kDocumentBody, &HubApi::reject, kApproveScope, true},
      {"GET", "/api/tee/environments/{env}/queries/{query}/result/{recipient}", 0, &HubApi::get_result, kReadScope},
      {"GET", "/api/tee/environments/{env}/queries/{query}/receipt", 0, &HubApi::get_receipt, kReadScope},
      {"GET", "/api/tee/environments/{env}/log", 0, &HubApi::get_log, kReadScope},
      {"GET", "/api/tee/api-keys", 0, &HubApi::list_keys, kReadScope},
      {"POST", "/api/tee/api-keys", kKeyBody, &HubApi::create_key, kKeysScope},
      {"POST", "/api/tee/api-keys/{key}/rotate", 0, &HubApi::rotate_key, kKeysScope},
      {"POST", "/api/tee/api-keys/{key}/revoke", 0, &HubApi::revoke_key, kKeysScope},
  };
  return table;
}

const std::vector<std::string_view>& HubApi::open_paths() {
  static const std::vector<std::string_view> paths = {"/health", "/version", "/api/openapi.json"};
  return paths;
}

net::Router HubApi::router() {
  net::Router router;
  const auto fixed = [](std::string body) {
    return [body = std::move(body)](const net::HttpRequest&) { return net::json_response(200, body); };
  };
  router.get("/health", net::Access::open, fixed(R"({"status":"ok"})"));
  router.get("/version", net::Access::open, fixed(json::canonical(json::Object{{"version", parts_.version}})));
  router.get("/api/openapi.json", net::Access::open, fixed(std::string(kOpenApi)));
  for (const Row& row : rows()) {
    router.add({std::string(row.method), std::string(row.path), net::Access::open, row.max_body_bytes,
                [this, &row](const net::HttpRequest& request) { return answer(row, request); }});
  }
  return router;
}

net::HttpResponse HubApi::answer(const Row& row, const net::HttpRequest& request) {
  const auto caller = parts_.authenticator.authenticate(request);
  if (!caller.ok()) {
    const bool limited = caller.error().code() == Code::unavailable;
    net::HttpResponse refusal = limited ? net::problem(429, caller.error().code(), caller.error().message()) : net::problem(caller.error());
    if (limited) refusal.headers.set("retry-after", "1");
    if (!limited) refusal.headers.set("www-authenticate", "Bearer");
    return refusal;
  }
  if (!caller->allows(row.scope)) return net::problem(403, Code::auth, "this API key has no scope \"" + std::string(row.scope) + "\"");
  Call call{request, *caller, "", crypto::Sha256Digest()};
  call.digest = crypto::sha256(Fields("redoubt/hub-request/1").text(request.method).text(request.path).field(request.body).view());
  if (const std::size_t count = request.headers.count("idempotency-key"); count > 0 && request.method == "POST") {
    call.idempotency_key = *request.headers.find("idempotency-key");
    if (count > 1 || !printable_key(call.idempotency_key)) {
      return net::problem(400, Code::malformed, "Idempotency-Key: expected one, of 1 to 128 printable characters");
    }
    const auto kept = parts_.store.read([&](Transaction& transaction) {
      return find_answer(transaction, call.caller.key, call.idempotency_key, call.digest);
    });
    if (!kept.ok()) return kept.error().code() == Code::refused ? conflict("Idempotency-Key: was used for another request") : net::problem(kept.error());
    if (kept->has_value()) {
      net::HttpResponse again = net::json_response((*kept)->status, as_text((*kept)->response));
      again.headers.set("idempotency-replayed", "true");
      return again;
    }
  }
  if (row.at_home) {
    auto elsewhere = misdirected(call);
    if (!elsewhere.ok()) return net::problem(elsewhere.error());
    if (elsewhere->has_value()) return std::move(**elsewhere);
  }
  auto response = (this->*row.handler)(call);
  if (response.ok()) return std::move(*response);
  const Error& error = response.error();
  // 401 speaks of API keys alone: a document by somebody unknown is forbidden.
  if (error.code() == Code::auth) return net::problem(403, Code::auth, error.message());
  return net::problem(error);
}

std::string Call::param(std::string_view name) const {
  const auto found = request.params.find(name);
  return found == request.params.end() ? "" : found->second;
}

Result<Environment> HubApi::visible(const Call& call) {
  const Error absent(Code::not_found, "no such environment");
  return parts_.store.read([&](Transaction& transaction) -> Result<Environment> {
    auto environment = hub::get_environment(transaction, call.param("env"));
    if (!environment.ok()) return environment.error().code() == Code::not_found ? absent : environment.error();
    if (call.caller.admin) return environment;
    REDOUBT_TRY(const auto participants, get_participants(transaction, environment->id));
    const bool takes_part = std::ranges::any_of(participants, [&](const auto& item) { return item.name == call.caller.subject; });
    if (!takes_part) return absent;
    return environment;
  });
}

Result<std::optional<net::HttpResponse>> HubApi::misdirected(const Call& call) {
  REDOUBT_TRY(const Environment environment, visible(call));
  if (environment.home.empty() || environment.home == parts_.hub) return std::optional<net::HttpResponse>();
  return std::optional(net::problem(421, Code::unavailable, "this environment is kept by another hub: " + environment.home));
}

Status HubApi::record(Transaction& transaction, const Call& call, std::string_view action, std::string_view object,
                      const net::HttpResponse& response) {
  REDOUBT_CHECK(add_audit_event(transaction, {parts_.now(), call.caller.subject, std::string(action), std::string(object), call.caller.key}));
  if (call.idempotency_key.empty()) return {};
  return keep_answer(transaction, call.caller.key, call.idempotency_key, call.digest,
                     {response.status, std::get<Bytes>(response.body)}, parts_.now());
}

std::mutex& HubApi::lock_of(std::string_view name) {
  return locks_[static_cast<std::size_t>(crypto::sha256(as_bytes(name)).view()[0]) % locks_.size()];
}

Result<json::Value> body_of(const Call& call, std::size_t max_depth) {
  REDOUBT_TRY(json::Value value, json::parse(as_text(call.request.body), {.max_bytes = kContractBody, .max_depth = max_depth}).context("body"));
  if (value.object() == nullptr) return Error(Code::malformed, "body: expected an object, found " + std::string(value.kind()));
  return value;
}

net::HttpResponse json_answer(int status, const json::Value& value) { return net::json_response(status, json::canonical(value)); }

net::HttpResponse conflict(std::string_view detail) { return net::problem(409, Code::refused, detail); }

Result<PageRequest> page_of(const Call& call) {
  PageRequest page;
  for (const auto& [name, value] : call.request.query) {
    if (name == "cursor" && !value.empty() && value.size() <= 256) {
      page.cursor = value;
      continue;
    }
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), page.count);
    if (name != "count" || error != std::errc() || end != value.data() + value.size() || page.count == 0 || page.count > kMaxPage) {
      return Error(Code::usage, "query: expected cursor, or count from 1 to " + std::to_string(kMaxPage));
    }
  }
  return page;
}

Result<std::uint64_t> number_of(const Call& call, std::string_view name, std::optional<std::uint64_t> fallback) {
  const auto found = call.request.query.find(name);
  const std::string what = "query: expected " + std::string(name) + " as a number, and nothing else";
  if (call.request.query.size() > (found == call.request.query.end() ? 0U : 1U)) return Error(Code::usage, what);
  if (found == call.request.query.end()) return fallback ? Result<std::uint64_t>(*fallback) : Error(Code::usage, what);
  std::uint64_t value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value >= (1ULL << 53U)) return Error(Code::usage, what);
  return value;
}

json::Value list_json(json::Array items, const std::string& next) {
  json::Object out{{"items", std::move(items)}};
  if (!next.empty()) out.emplace("next", next);
  return out;
}

Result<const jobs::Participant*> author(const jobs::Contract& contract, std::string_view type, const std::string& name,
                                        const jobs::SignedDocument& document) {
  const jobs::Participant* participant = contract.find(name);
  if (participant == nullptr) return Error(Code::auth, "\"" + name + "\" is not in this contract");
  REDOUBT_CHECK(jobs::verify_document(type, document, participant->signing_key));
  return participant;
}

}  // namespace redoubt::hub
