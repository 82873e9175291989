#include "client/verifier/service.h"

#include "client/verifier/openapi.h"
#include "common/base/encoding.h"
#include "common/crypto/jws.h"
#include "common/net/problem.h"

namespace redoubt::rest {
namespace {

constexpr std::string_view kStrict = "strict";  // always there; no other policy can have its name
constexpr std::string_view kResultType = "application/eat+jwt";

net::HttpResponse json_answer(const json::Value& value, std::string_view type = "application/json") {
  return {.status = 200, .headers = {{"content-type", std::string(type)}}, .body = to_bytes(json::canonical(value))};
}

// next_step: what the caller of POST /v1/appraise can do about an Error. A verdict is no Error.
std::string next_step(Code code) {
  switch (code) {
    case Code::policy: return "name a policy that has a section for this platform: GET /v1/policy lists them";
    case Code::usage:
    case Code::chain: return "add the certificates and collateral of this platform to \"endorsements\", or ask the operator for a collateral folder";
    case Code::internal: return "tell the operator; the request was not the reason";
    default: return "send the Evidence as the platform made it, in binary; docs/specs/verifier-api.md lists the formats";
  }
}

Refusal refusal_of(const Error& error) {
  if (error.code() == Code::internal) {
    return {500, Error(Code::internal, "something went wrong here; it was not the request"), next_step(Code::internal)};
  }
  return {422, error, next_step(error.code())};
}

}  // namespace

// RouteEntry: one line of the service; the router, the list of routes and the test of the OpenAPI document all read this table.
struct Service::RouteEntry {
  std::string_view method, path;
  net::HttpResponse (Service::*handler)(const net::HttpRequest&) const;
  std::uint64_t max_body = 0;
};

const std::vector<Service::RouteEntry>& Service::table() {
  static const std::vector<RouteEntry> entries = {
      {"GET", "/health", &Service::health},
      {"GET", "/version", &Service::version},
      {"GET", "/openapi.json", &Service::openapi},
      {"GET", "/v1/key", &Service::show_key},
      {"GET", "/v1/policy", &Service::list_policies},
      {"GET", "/v1/policy/{name}", &Service::show_policy},
      {"POST", "/v1/appraise", &Service::appraise, kMaxBody},
  };
  return entries;
}

std::vector<std::string> Service::routes() {
  std::vector<std::string> out;
  for (const RouteEntry& entry : table()) out.push_back(std::string(entry.method) + " " + std::string(entry.path));
  return out;
}

net::Router Service::router() const {
  net::Router router;
  router.next_step(404, "GET /openapi.json lists the routes; Evidence goes to POST /v1/appraise");
  router.next_step(405, "use one of the methods in the Allow header; GET /openapi.json lists them");
  router.next_step(408, "send the request without pauses, or ask the operator for a longer --timeout");
  router.next_step(413, "send at most 16 MiB to POST /v1/appraise and no body elsewhere; collateral that the service has at hand need not come along");
  for (const RouteEntry& entry : table()) {
    router.add({.method = std::string(entry.method),
                .path_template = std::string(entry.path),
                .access = net::Access::open,
                .max_body_bytes = entry.max_body,
                .handler = [self = shared_from_this(), handler = entry.handler](const net::HttpRequest& request) { return ((*self).*handler)(request); }});
  }
  return router;
}

Service::Service(ServiceOptions options, crypto::Ed25519PrivateKey key)
    : options_(std::move(options)), key_(std::move(key)), public_x_(base64url_encode(key_.public_key().view())) {
  // RFC 7638: the required members alone, in order.
  const std::string members = json::canonical(json::Object{{"crv", "Ed25519"}, {"kty", "OKP"}, {"x", public_x_}});
  key_id_ = base64url_encode(crypto::sha256(as_bytes(members)).view());
}

Result<std::shared_ptr<const Service>> Service::make(ServiceOptions options, crypto::Ed25519PrivateKey key) {
  std::shared_ptr<Service> service(new Service(std::move(options), std::move(key)));
  const ServiceOptions& given = service->options_;
  service->policies_.emplace(kStrict, verifier::strict_policy());
  for (const appraise::Policy& policy : given.policies) {
    if (!service->policies_.emplace(policy.name, policy).second) {
      return Error(Code::usage, "policies: two are called \"" + policy.name + "\"; names must be unique");
    }
  }
  if (!service->policies_.contains(given.default_policy)) {
    return Error(Code::usage, "default policy: no policy is called \"" + given.default_policy + "\"");
  }
  REDOUBT_TRY(service->at_hand_, verifier::AtHand::read(given.collateral));
  service->options_.collateral.clear();
  return std::shared_ptr<const Service>(std::move(service));
}

net::HttpResponse Service::health(const net::HttpRequest& /*request*/) const { return json_answer(json::Object{{"status", "ok"}}); }

net::HttpResponse Service::version(const net::HttpRequest& /*request*/) const {
  return json_answer(json::Object{{"api", "v1"}, {"name", "redoubt-verifier"}, {"version", options_.version}});
}

net::HttpResponse Service::openapi(const net::HttpRequest& /*request*/) const {
  return net::json_response(200, kOpenApi);
}

net::HttpResponse Service::show_key(const net::HttpRequest& /*request*/) const {
  return json_answer(json::Object{{"alg", "EdDSA"}, {"crv", "Ed25519"}, {"kid", key_id_}, {"kty", "OKP"}, {"use", "sig"}, {"x", public_x_}},
                     "application/jwk+json");
}

net::HttpResponse Service::list_policies(const net::HttpRequest& /*request*/) const {
  json::Array policies;
  for (const auto& [name, policy] : policies_) policies.emplace_back(json::Object{{"id", policy.id().hex()}, {"name", name}});
  return json_answer(json::Object{{"default", options_.default_policy}, {"policies", std::move(policies)}});
}

net::HttpResponse Service::show_policy(const net::HttpRequest& request) const {
  const auto found = policies_.find(request.params.at("name"));
  if (found == policies_.end()) {
    return problem({404, Error(Code::not_found, "policy: there is none of that name"), "GET /v1/policy lists the names"});
  }
  return net::json_response(200, found->second.canonical());
}

Result<appraise::Appraisal> Service::judge(const AppraiseRequest& request, const appraise::Policy& policy, Instant now) const {
  REDOUBT_TRY(const verifier::Format format, verifier::detect(request.evidence));
  if (request.format && *request.format != verifier::format_name(format)) {
    return Error(Code::malformed, "evidence: expected the format \"" + net::printable(*request.format, 32) + "\", found \"" +
                                      std::string(verifier::format_name(format)) + "\"");
  }
  // Nothing: the built-in policy, with its remark that no measurement was asked for.
  std::optional<appraise::Policy> own;
  if (policy.name != kStrict) own = policy;
  return verifier::verify(request.evidence, *at_hand_, request.endorsements, own, request.nonce, now);
}

net::HttpResponse Service::answer(const AppraiseRequest& request, const appraise::Appraisal& appraisal, Instant now) const {
  json::Value ear = appraise::ear(appraisal, now);
  if (request.nonce) {
    json::Object claims = *ear.object();
    claims.emplace("eat_nonce", base64url_encode(*request.nonce));
    ear = std::move(claims);
  }
  if (request.wants_json) return json_answer(ear);
  const std::string payload = json::canonical(ear);
  const auto token = crypto::jws_sign(key_, {"eat+jwt", key_id_}, as_bytes(payload));
  if (!token.ok()) return problem(refusal_of(Error(Code::internal, token.error().message())));
  return {.status = 200, .headers = {{"content-type", std::string(kResultType)}}, .body = to_bytes(*token)};
}

net::HttpResponse Service::appraise(const net::HttpRequest& request) const {
  auto read = read_request(request);
  if (const Refusal* const refusal = std::get_if<Refusal>(&read)) return problem(*refusal);
  const AppraiseRequest& asked = std::get<AppraiseRequest>(read);
  const auto policy = policies_.find(asked.policy.value_or(options_.default_policy));
  if (policy == policies_.end()) {
    return problem({400, Error(Code::not_found, "policy: there is none called \"" + net::printable(*asked.policy, 64) + "\""), "GET /v1/policy lists the names"});
  }
  const Instant now = options_.now();
  const auto appraisal = judge(asked, policy->second, now);
  return appraisal.ok() ? answer(asked, *appraisal, now) : problem(refusal_of(appraisal.error()));
}

}  // namespace redoubt::rest
