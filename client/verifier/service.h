// Service: the Verifier behind HTTP (docs/specs/verifier-api.md): Evidence in, a signed Attestation Result out.
//
// The caller is a Relying Party that cannot, or does not want to, link the library. Whoever reaches the service may send anything;
// Evidence and endorsements in a request are believed in nothing but what their signatures carry up to the policy's trust anchors.
// Policies, the collateral at hand and the signing key are the operator's. The service keeps nothing of a request, and writes no
// log. No sockets here: net::HttpServer serves the routes. Immutable; handlers run in many threads.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/verifier/request.h"
#include "common/attest/verifier/verifier.h"
#include "common/crypto/ed25519.h"
#include "common/net/router.h"

namespace redoubt::rest {

struct ServiceOptions {
  std::vector<appraise::Policy> policies;          // beside the built-in "strict"; names are unique
  std::string default_policy = "strict";           // for requests that name none
  std::vector<verifier::NamedFile> collateral;     // at hand for every request
  std::string version;
  std::function<Instant()> now;
};

class Service : public std::enable_shared_from_this<Service> {
 public:
  // make: `usage` for policies of one name or a default that is not there; what read_heap() says of the collateral.
  static Result<std::shared_ptr<const Service>> make(ServiceOptions options, crypto::Ed25519PrivateKey key);

  // router: every route; it holds the service.
  net::Router router() const;

  // What there is, for the document at /openapi.json and its test: "GET /v1/key".
  static std::vector<std::string> routes();

  // key_id: the thumbprint of the signing key (RFC 7638), in the header of every result.
  const std::string& key_id() const { return key_id_; }

 private:
  Service(ServiceOptions options, crypto::Ed25519PrivateKey key);

  struct RouteEntry;
  static const std::vector<RouteEntry>& table();

  net::HttpResponse health(const net::HttpRequest& request) const;
  net::HttpResponse version(const net::HttpRequest& request) const;
  net::HttpResponse list_policies(const net::HttpRequest& request) const;
  net::HttpResponse show_policy(const net::HttpRequest& request) const;
  net::HttpResponse show_key(const net::HttpRequest& request) const;
  net::HttpResponse openapi(const net::HttpRequest& request) const;
  net::HttpResponse appraise(const net::HttpRequest& request) const;

  Result<appraise::Appraisal> judge(const AppraiseRequest& request, const appraise::Policy& policy, Instant now) const;
  net::HttpResponse answer(const AppraiseRequest& request, const appraise::Appraisal& appraisal, Instant now) const;

  ServiceOptions options_;
  crypto::Ed25519PrivateKey key_;
  std::string public_x_, key_id_;
  std::map<std::string, appraise::Policy, std::less<>> policies_;
  std::shared_ptr<const verifier::AtHand> at_hand_;  // read once, at the start
};

}  // namespace redoubt::rest
