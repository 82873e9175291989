// authorize: the one place that decides whether a caller may do something to an object of the hub.
//
// The operator's zone. Whoever loads an object asks here before anything of it is shown, changed or counted; lists ask the store for what
// belongs to the caller. What a caller takes no part in reads as absent. Nothing here counts inside an enclave: contracts and signatures
// do (docs/protocol.md section 2). Pure.
#pragma once

#include "untrusted/hub/auth/authenticator.h"

namespace redoubt::hub {

// Action: what is done; each needs one scope of the API key.
enum class Action {
  read,
  submit,   // environments, queries
  approve,  // ballots, for or against
  upload,   // datasets and their content
  keys,     // API keys: making, rotating, revoking
};
std::string_view scope_of(Action action);

// Object: what it is done to, with the facts that decide.
struct Object {
  enum class Kind { hub, environment, dataset, query, api_key } kind = Kind::hub;
  std::vector<std::string> participants{};  // environment, dataset, query: of the contract
  std::string owner{};                      // dataset, api_key: whose it is
  std::string id{};                         // api_key
  std::vector<std::string> scopes{};        // api_key: what its holder may do
  std::optional<Instant> expires{};         // api_key

  static Object of_key(const ApiKey& key);
};

// authorize: `not_found` when the caller may not know of the object, naming it as absent ones are named; `auth` when it may know and not do
// this. An admin's key may do everything but give what it has not.
Status authorize(const Caller& caller, Action action, const Object& object);

// absent: the error that an object of this kind gives when there is none.
Error absent(Object::Kind kind);

}  // namespace redoubt::hub
