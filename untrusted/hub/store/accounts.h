// API keys: who may talk to the hub. They authenticate transport only; what counts inside an enclave are contract keys.
//
// A key is 32 random bytes, so its SHA-256 is all that is kept: there is nothing to guess, and a stolen database gives no keys.
// Text form: "rdt_" and 43 characters of base64url, of which the first four are kept for people to tell keys apart. A key that was
// revoked or has expired stays in the list and is refused like an unknown one.
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
  std::optional<Instant> expires;    // not valid from then on
  std::optional<Instant> last_used;  // to the minute
  std::string prefix;                // "rdt_" and four characters of the key; empty for keys of earlier programs
  std::string made_by;               // id of the key that asked for it; empty: the operator

  bool allows(std::string_view scope) const;
};

// KeyLife: what a new key is given beside subject and scopes.
struct KeyLife {
  std::optional<Instant> expires;
  std::string made_by;
};

struct NewApiKey {
  ApiKey record;
  SecretBytes text;  // shown once, never stored
};

// create_api_key draws id and key. `malformed` for a subject or scope out of form, or an expiry that is not after `now`.
Result<NewApiKey> create_api_key(Transaction& transaction, crypto::Random& random, std::string_view subject,
                                 std::vector<std::string> scopes, Instant now, const KeyLife& life = {});
// find_api_key: the key whose text was presented, or `auth`: unknown, revoked, expired and malformed read the same.
Result<ApiKey> find_api_key(Transaction& transaction, std::string_view text, Instant now);
// get_api_key: by its id, or `not_found`.
Result<ApiKey> get_api_key(Transaction& transaction, std::string_view id);
// note_use: the key was used at `now`.
Status note_use(Transaction& transaction, std::string_view id, Instant now);
// live_keys: how many keys of a subject are not revoked.
Result<std::uint64_t> live_keys(Transaction& transaction, std::string_view subject);
// revoke_api_key: `not_found` when there is none; a second time changes nothing.
Status revoke_api_key(Transaction& transaction, std::string_view id, Instant now);
// list_api_keys: of one subject, or all.
Result<Page<ApiKey>> list_api_keys(Transaction& transaction, const PageRequest& page, std::optional<std::string_view> subject = std::nullopt);

}  // namespace redoubt::hub
