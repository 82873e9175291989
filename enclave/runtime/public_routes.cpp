#include "enclave/runtime/public_routes.h"

#include "common/net/problem.h"

namespace redoubt::runtime {
namespace {

constexpr std::size_t kMaxCredential = 1024;

net::HttpResponse reply(const json::Value& value) { return net::json_response(200, json::canonical(value)); }

Result<json::Value> attestation(const PublicRoutes& context, const net::HttpRequest& request) {
  const auto nonce = request.query.find("nonce");
  if (nonce == request.query.end()) return Error(Code::usage, "expected ?nonce= with 64 hexadecimal digits");
  REDOUBT_TRY(const Challenge challenge, Challenge::from_hex(nonce->second, "nonce"));
  REDOUBT_TRY(const auto ticket, context.gate.enter(request.peer, context.now()));
  REDOUBT_TRY(const appraise::Evidence evidence,
              context.platform.collect(attest::identity_statement(challenge, context.claims.digest())).context("collecting evidence"));
  return json::Value(json::Object{
      {"claims", context.claims.canonical()}, {"evidence", base64_encode(evidence.bytes)}, {"format", evidence.format}});
}

Result<json::Value> attestation_key(const PublicRoutes& context, const net::HttpRequest& request) {
  REDOUBT_TRY(const auto ticket, context.gate.enter(request.peer, context.now()));
  REDOUBT_TRY(const AttestationKeyInfo info, context.platform.attestation_key());
  json::Array intermediates;
  for (const Bytes& der : info.intermediates) intermediates.emplace_back(base64_encode(der));
  return json::Value(json::Object{{"ak_public", base64_encode(info.ak_public)},
                                  {"ek_certificate", base64_encode(info.ek_certificate)},
                                  {"ek_public", base64_encode(info.ek_public)},
                                  {"intermediates", std::move(intermediates)}});
}

Result<json::Value> activate(const PublicRoutes& context, const net::HttpRequest& request) {
  REDOUBT_TRY(const json::Value body, json::parse(as_text(request.body), {.max_bytes = 8192, .max_depth = 1}));
  json::ObjectReader reader(body, "credential");
  const Bytes id_object = reader.base64("id_object", kMaxCredential);
  const Bytes encrypted_secret = reader.base64("encrypted_secret", kMaxCredential);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(const auto ticket, context.gate.enter(request.peer, context.now()));
  // The secret is the enroller's own challenge: whoever asks made it, and this connection shows nothing else.
  REDOUBT_TRY(const SecretBytes secret, context.platform.activate(id_object, encrypted_secret));
  return json::Value(json::Object{{"secret", base64_encode(secret.reveal())}});
}

net::Handler handler(const PublicRoutes& context, Result<json::Value> (*call)(const PublicRoutes&, const net::HttpRequest&)) {
  return [context, call](const net::HttpRequest& request) {
    const auto value = call(context, request);
    return value.ok() ? reply(*value) : net::problem(value.error());
  };
}

}  // namespace

void add_public_routes(net::Router& router, const PublicRoutes& context) {
  router.get("/health", net::Access::open, [](const net::HttpRequest&) { return reply(json::Object{{"status", "ok"}}); });
  router.get("/version", net::Access::open,
             [version = context.version](const net::HttpRequest&) { return reply(json::Object{{"version", version}}); });
  router.get("/attestation", net::Access::open, handler(context, attestation));
  router.get("/attestation/ak", net::Access::open, handler(context, attestation_key));
  router.post("/attestation/activate", net::Access::open, 8192, handler(context, activate));
}

}  // namespace redoubt::runtime
