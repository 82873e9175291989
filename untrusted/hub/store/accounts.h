// API keys: who may talk to the hub. They authenticate transport only; what counts inside an enclave are contract keys.
//
// A key is 32 random bytes, so its SHA-256 is all that is kept: there is nothing to guess, and a stolen database gives no keys.
// Text form: "rdt_" and 43 characters of base64url. A revoked key stays in the list and is refused like an unknown one.
#pragma once

#include "common/crypto/random.h"
#include "untrusted/hub/store/page.h"

namespace redoubt::hub {

struct ApiKey {
  std::string id;
  std::string subject;              // participant or user name
  std::vector<std::string> scopes;  // each 1 to 32 of [a-z:_-], sorted, each once
  Instant created;
  std::optional<Instant> revoked;

  bool allows(std::string_view scope) const;
};

struct NewApiKey {
  ApiKey record;
  SecretBytes text;  // shown once, never stored
};

// create_api_key draws id and key. `malformed` for a subject or scope out of form.
Result<NewApiKey> create_api_key(Transaction& transaction, crypto::Random& random, std::string_view subject,
                                 std::vector<std::string> scopes, Instant now);
// find_api_key: the key whose text was presented, or `auth`: unknown, revoked and malformed read the same.
Result<ApiKey> find_api_key(Transaction& transaction, std::string_view text);
// revoke_api_key: `not_found` when there is none; a second time changes nothing.
Status revoke_api_key(Transaction& transaction, std::string_view id, Instant now);
Result<Page<ApiKey>> list_api_keys(Transaction& transaction, const PageRequest& page);

}  // namespace redoubt::hub
