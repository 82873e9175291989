#include "untrusted/hub/api/api.h"

#include <charconv>

#include "common/net/problem.h"
#include "untrusted/hub/api/openapi.h"

namespace redoubt::hub {
namespace {

constexpr std::uint64_t kContractBody = 2 * jobs::Contract::kMaxBytes + 1024;
constexpr std::uint64_t kDocumentBody = 512 * 1024;
constexpr std::uint64_t kKeyBody = 4096;
constexpr std::string_view kPages = "cursor limit";
constexpr std::string_view kDownloadPath = "/api/tee/downloads/{query}/{recipient}";

// takes: whether `names`, with spaces between, has `name`.
bool takes(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(' '), names.size());
    if (names.substr(0, end) == name) return true;
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return false;
}

Error used_up() { return {Code::unavailable, "this API key has used up its share of requests, try again in a moment"}; }

// name_of_read: what tells a read from every other, each part with its size: the API key and what it asks for.
std::string name_of_read(const std::string& key, const net::HttpRequest& request) {
  std::string name;
  const auto part = [&](std::string_view text) { (name += std::to_string(text.size())).append(1, ':').append(text); };
  part(key);
  part(request.path);
  for (const auto& [parameter, value] : request.query) {
    part(parameter);
    part(value);
  }
  return name;
}

net::HttpResponse unauthenticated(const Error& error, const std::optional<Limited>& limited) {
  if (error.code() == Code::auth) {
    net::HttpResponse refusal = net::problem(error);
    refusal.headers.set("www-authenticate", "Bearer");
    return refusal;
  }
  return limited ? too_many(error, *limited) : net::problem(error);  // the database, not a limit
}

}  // namespace

const std::vector<HubApi::Row>& HubApi::rows() {
  static const std::vector<Row> table = {
      {"GET", "/api/tee/platform", 0, &HubApi::get_platform, Action::read},
      {"POST", "/api/tee/environments", kContractBody, &HubApi::create_environment, Action::submit},
      {"GET", "/api/tee/environments", 0, &HubApi::list_environments, Action::read, kPages},
      {"GET", "/api/tee/environments/{env}", 0, &HubApi::get_environment, Action::read},
      {"POST", "/api/tee/environments/{env}/datasets", kDocumentBody, &HubApi::create_dataset, Action::upload, "", true},
      {"GET", "/api/tee/environments/{env}/datasets", 0, &HubApi::list_datasets, Action::read, kPages},
      {"PUT", "/api/tee/environments/{env}/datasets/{manifest}/content", kMaxPart, &HubApi::put_content, Action::upload, "offset", true},
      {"POST", "/api/tee/environments/{env}/queries", kDocumentBody, &HubApi::create_query, Action::submit, "", true},
      {"GET", "/api/tee/environments/{env}/queries", 0, &HubApi::list_queries, Action::read, kPages, false, true},
      {"GET", "/api/tee/environments/{env}/queries/{query}", 0, &HubApi::get_query, Action::read, "", false, true},
      {"POST", "/api/tee/environments/{env}/queries/{query}/approve", kDocumentBody, &HubApi::approve, Action::approve, "", true},
      {"POST", "/api/tee/environments/{env}/queries/{query}/reject", kDocumentBody, &HubApi::reject, Action::approve, "", true},
      {"GET", "/api/tee/environments/{env}/queries/{query}/result/{recipient}", 0, &HubApi::get_result, Action::read},
      {"GET", "/api/tee/environments/{env}/queries/{query}/result/{recipient}/link", 0, &HubApi::get_result_link, Action::read},
      {"GET", "/api/tee/environments/{env}/queries/{query}/receipt", 0, &HubApi::get_receipt, Action::read, "", false, true},
      {"GET", "/api/tee/environments/{env}/log", 0, &HubApi::get_log, Action::read, "from"},
      {"GET", "/api/tee/environments/{env}/events", 0, &HubApi::stream_events, Action::read, "cursor"},
      {"GET", "/api/tee/environments/{env}/events/list", 0, &HubApi::list_events, Action::read, kPages},
      {"GET", "/api/tee/api-keys", 0, &HubApi::list_keys, Action::read, kPages},
      {"POST", "/api/tee/api-keys", kKeyBody, &HubApi::create_key, Action::keys},
      {"GET", "/api/tee/api-keys/{key}", 0, &HubApi::get_key, Action::read},
      {"POST", "/api/tee/api-keys/{key}/rotate", 0, &HubApi::rotate_key, Action::keys},
      {"POST", "/api/tee/api-keys/{key}/revoke", 0, &HubApi::revoke_key, Action::keys},
  };
  return table;
}

const std::vector<std::string_view>& HubApi::open_paths() {
  static const std::vector<std::string_view> paths = {"/healthz", "/readyz", "/version", "/openapi.json", kDownloadPath};
  return paths;
}

net::Router HubApi::router() {
  net::Router router;
  const auto fixed = [](std::string body) {
    return [body = std::move(body)](const net::HttpRequest&) { return net::json_response(200, body); };
  };
  router.on_refusal([this](net::HttpResponse refusal) {
    const std::string id = request_id();
    return counted({.id = id}, [&](RequestNote&) { return stamped(std::move(refusal), id); });
  });
  open_route(router, "/healthz", fixed(R"({"status":"ok"})"));
  open_route(router, "/readyz", [this](const net::HttpRequest&) { return ready(); });
  open_route(router, "/version", fixed(json::canonical(json::Object{{"version", parts_.version}})));
  open_route(router, "/openapi.json", fixed(std::string(kOpenApi)));
  open_route(router, kDownloadPath, [this](const net::HttpRequest& request) { return download(request); });
  for (const Row& row : rows()) {
    net::Route route{std::string(row.method), std::string(row.path), net::Access::open, row.max_body_bytes,
                     [this, &row](const net::HttpRequest& request) { return answer(row, request); }};
    if (row.stored) route.quick = [this, &row](const net::HttpRequest& request) { return at_hand(row, request); };
    router.add(std::move(route));
  }
  return router;
}

std::string HubApi::request_id() const { return "req-" + hex_encode(parts_.random.fixed<FixedBytes<struct RequestIdTag, 12>>().view()); }

// Strangers may ask as often as they like: the database is asked once a second.
net::HttpResponse HubApi::ready() {
  const Instant now = parts_.now();
  const std::lock_guard lock(ready_mutex_);
  if (!ready_ || ready_->first != now) {
    const Status answered = parts_.store.read([](Transaction& transaction) -> Status {
      REDOUBT_TRY(const auto found, transaction.query("SELECT 1"));
      return found.size() == 1 ? Status() : Status(Error(Code::unavailable, "database"));
    });
    ready_ = std::pair(now, answered.ok());
  }
  if (!ready_->second) return net::problem(503, Code::unavailable, "the database does not answer");
  return net::json_response(200, R"({"status":"ready"})");
}

net::HttpResponse HubApi::answer(const Row& row, const net::HttpRequest& request) {
  const std::string id = request_id();
  return counted({.id = id, .method = row.method, .route = row.path, .peer = request.peer}, [&](RequestNote& note) {
    return stamped(net::Router::answer([&](const net::HttpRequest& given) { return respond(row, given, note); }, request), id);
  });
}

void HubApi::open_route(net::Router& router, std::string_view path, net::Handler handler) {
  router.get(std::string(path), net::Access::open, [this, path = std::string(path), handler = std::move(handler)](const net::HttpRequest& request) {
    const std::string id = request_id();
    return counted({.id = id, .method = "GET", .route = path, .peer = request.peer}, [&](RequestNote&) { return stamped(net::Router::answer(handler, request), id); });
  });
}

net::HttpResponse HubApi::counted(RequestNote note, const std::function<net::HttpResponse(RequestNote&)>& answer) {
  const std::int64_t begun = parts_.microseconds();
  net::HttpResponse response = answer(note);
  note.status = response.status;
  note.microseconds = parts_.microseconds() - begun;
  parts_.metrics.count(note.method, note.route, note.status, note.microseconds);
  if (parts_.log != nullptr) parts_.log->write(note);
  return response;
}

net::HttpResponse HubApi::respond(const Row& row, const net::HttpRequest& request, RequestNote& note) {
  std::optional<Limited> limited;
  const auto caller = parts_.authenticator.authenticate(request, limited);
  if (!caller.ok()) return unauthenticated(caller.error(), limited);
  if (const Status allowed = authorize(*caller, row.action, Object()); !allowed.ok()) return net::problem(403, Code::auth, allowed.error().message());
  for (const auto& [name, value] : request.query) {
    if (takes(row.query, name)) continue;
    return net::problem(400, Code::usage, "query: expected " + (row.query.empty() ? "no parameters" : "one of: " + std::string(row.query)));
  }
  note.api_key = caller->key;
  const Call call{.request = request, .caller = *caller, .action = row.action, .id = std::string(note.id), .note = &note};
  return row.stored ? handle_stored(row, call) : handle_once(row, call);
}

net::HttpResponse HubApi::handle_stored(const Row& row, const Call& call) {
  const auto version = parts_.store.version();
  if (!version) return handle(row, call);
  const std::string name = name_of_read(call.caller.key, call.request);
  if (auto kept = answers_.find(*version, name)) return std::move(*kept);
  net::HttpResponse response = handle(row, call);
  answers_.keep(*version, name, response);
  return response;
}

std::optional<net::HttpResponse> HubApi::at_hand(const Row& row, const net::HttpRequest& request) {
  const auto version = parts_.store.version_at_hand();
  if (!version) return std::nullopt;
  auto key = parts_.authenticator.recall(request, *version);
  if (!key) return std::nullopt;
  // What is kept under this name was read for this key, which may do now what it could do then: both are of one version.
  auto kept = answers_.find(*version, name_of_read(*key, request));
  if (!kept) return std::nullopt;
  const std::string id = request_id();
  return counted({.id = id, .method = row.method, .route = row.path, .peer = request.peer, .api_key = *key}, [&](RequestNote&) {
    const auto limited = parts_.authenticator.admit(*key);
    return stamped(limited ? too_many(used_up(), *limited) : std::move(*kept), id);
  });
}

net::HttpResponse HubApi::handle(const Row& row, const Call& call) {
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
  net::HttpResponse refusal = net::problem(error);
  if (refusal.status >= 500 && call.note != nullptr) call.note->failure = error.message();
  return refusal;
}

std::string Call::param(std::string_view name) const {
  const auto found = request.params.find(name);
  return found == request.params.end() ? "" : found->second;
}

Result<std::optional<net::HttpResponse>> HubApi::misdirected(const Call& call) {
  REDOUBT_TRY(const Environment environment, load_environment(call));
  if (environment.home.empty() || environment.home == parts_.hub) return std::optional<net::HttpResponse>();
  return std::optional(net::problem(421, Code::unavailable, "this environment is kept by another hub: " + environment.home));
}

Status HubApi::record(Transaction& transaction, const Call& call, std::string_view action, std::string_view object,
                      const net::HttpResponse& response) {
  REDOUBT_CHECK(add_audit_event(transaction, {parts_.now(), call.caller.subject, std::string(action), std::string(object), call.caller.key + " " + call.id}));
  if (call.idempotency_key.empty()) return {};
  call.kept = true;  // an effect that does not come to be is answered by a refusal, and that is not kept
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

net::HttpResponse too_many(const Error& error, const Limited& limited) {
  net::HttpResponse refusal = net::problem(429, error.code(), error.message());
  // RFC 9110 section 10.2.3; draft-ietf-httpapi-ratelimit-headers-10.
  const std::string policy = '"' + std::string(limited.policy) + '"';
  const std::string wait = std::to_string(limited.retry_after_s);
  refusal.headers.set("retry-after", wait);
  refusal.headers.set("ratelimit-policy", policy + ";q=" + std::to_string(limited.burst) + ";w=" + std::to_string(limited.window_s));
  refusal.headers.set("ratelimit", policy + ";r=0;t=" + wait);
  return refusal;
}

net::HttpResponse conflict(std::string_view detail) { return net::problem(409, Code::refused, detail); }

net::HttpResponse tagged(net::HttpResponse response) {
  if (const Bytes* const body = std::get_if<Bytes>(&response.body)) {
    response.headers.set("etag", '"' + crypto::sha256(*body).hex().substr(0, 32) + '"');
  }
  return response;
}

std::optional<net::HttpResponse> check_match(const Call& call, const net::HttpResponse& current) {
  const std::string* const tag = current.headers.find("etag");
  const std::size_t count = call.request.headers.count("if-match");
  if (count == 0) return std::nullopt;
  const std::string& wanted = *call.request.headers.find("if-match");
  if (count == 1 && tag != nullptr && (wanted == *tag || wanted == "*")) return std::nullopt;
  net::HttpResponse refusal = net::problem(412, Code::freshness, "If-Match: it has changed since: read it again");
  if (tag != nullptr) refusal.headers.set("etag", *tag);
  return refusal;
}

net::HttpResponse stamped(net::HttpResponse response, const std::string& id) {
  response.headers.set("x-request-id", id);
  const std::string* const type = response.headers.find("content-type");
  const Bytes* const body = std::get_if<Bytes>(&response.body);
  if (type == nullptr || *type != "application/problem+json" || body == nullptr) return response;
  auto problem = json::parse(as_text(*body));
  if (!problem.ok() || problem->object() == nullptr) return response;
  json::Object members = *problem->object();
  members.insert_or_assign("request_id", id);
  response.body = to_bytes(json::canonical(json::Value(std::move(members))));
  return response;
}

Result<PageRequest> page_of(const Call& call) {
  PageRequest page;
  for (const auto& [name, value] : call.request.query) {
    if (name == "cursor") {
      if (value.empty() || value.size() > 256) return Error(Code::usage, "query: expected cursor as an answer gave it");
      page.cursor = value;
      continue;
    }
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), page.count);
    if (error != std::errc() || end != value.data() + value.size() || page.count == 0 || page.count > kMaxPage) {
      return Error(Code::usage, "query: expected limit from 1 to " + std::to_string(kMaxPage));
    }
  }
  return page;
}

Result<std::uint64_t> number_of(const Call& call, std::string_view name, std::optional<std::uint64_t> fallback) {
  const auto found = call.request.query.find(name);
  const std::string what = "query: expected " + std::string(name) + " as a number";
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

Status put_document(std::string& out, std::string_view document) {
  if (!document.starts_with('{') || !document.ends_with('}')) return Error(Code::internal, "stored document: is not whole");
  out += document;
  return {};
}

net::HttpResponse ListText::answer(const std::string& next) {
  text_ += ']';
  if (!next.empty()) text_ += R"(,"next":)" + json::canonical(json::Value(next));
  text_ += '}';
  return net::json_response(200, text_);
}

Result<const jobs::Participant*> author(const jobs::Contract& contract, std::string_view type, const std::string& name,
                                        const jobs::SignedDocument& document) {
  const jobs::Participant* participant = contract.find(name);
  if (participant == nullptr) return Error(Code::auth, "\"" + name + "\" is not in this contract");
  REDOUBT_CHECK(jobs::verify_document(type, document, participant->signing_key));
  return participant;
}

}  // namespace redoubt::hub
