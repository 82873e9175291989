// API keys: who may talk to the hub. They authenticate transport only; what counts inside an enclave are contract keys.
//
// A key is 32 random bytes, so its SHA-256 is all that is kept: there is nothing to guess, and a stolen database gives no keys.
// Text form: "rdt_" and 43 characters of base64url, of which the first four are kept for people to tell keys apart. A key that was
// revoked or has expired stays in the list and is refused like an unknown one.
//
// Each key remembers which key asked for it and which one it took the place of. Revoking a key revokes all that came of it: whoever
// stole a key and made others with it loses them too.
#pragma once

#include "common/crypto/digest.h"
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
  std::string replaces;              // id of the key whose place it took by rotation; empty: none

  bool allows(std::string_view scope) const;
  bool valid(Instant now) const { return !revoked && (!expires || now < *expires); }
};

// KeyLife: what a new key is given beside subject and scopes.
struct KeyLife {
  std::optional<Instant> expires;
  std::string made_by{};
  std::string replaces{};
};

struct NewApiKey {
  ApiKey record;
  SecretBytes text;  // shown once, never stored
};

// create_api_key draws id and key. `malformed` for a subject or scope out of form, or an expiry that is not after `now`; `auth` when
// the key that asks is not valid in this transaction any more: a key never gets a child after its revocation.
Result<NewApiKey> create_api_key(Transaction& transaction, crypto::Random& random, std::string_view subject,
                                 std::vector<std::string> scopes, Instant now, const KeyLife& life = {});
// key_digest: of a key's text, or `auth` when it has not the form of one. Pure: no database is asked about such a text.
Result<crypto::Sha256Digest> key_digest(std::string_view text);
// find_api_key: the key whose text was presented, or `auth`: unknown, revoked, expired and malformed read the same.
Result<ApiKey> find_api_key(Transaction& transaction, const crypto::Sha256Digest& digest, Instant now);
Result<ApiKey> find_api_key(Transaction& transaction, std::string_view text, Instant now);
// get_api_key: by its id, or `not_found`.
Result<ApiKey> get_api_key(Transaction& transaction, std::string_view id);
// note_use: the key was used at `now`.
Status note_use(Transaction& transaction, std::string_view id, Instant now);
// live_keys: how many keys of a subject are neither revoked nor expired.
Result<std::uint64_t> live_keys(Transaction& transaction, std::string_view subject, Instant now);
// revoke_api_key revokes the key, those that it made or that took its place, theirs, and so on; for a key that took another's place, also
// what that one had made. The ids that were not revoked before. `not_found` when there is no such key.
Result<std::vector<std::string>> revoke_api_key(Transaction& transaction, std::string_view id, Instant now);
// retire_api_key: this key alone, because another takes its place.
Status retire_api_key(Transaction& transaction, std::string_view id, Instant now);
// list_api_keys: of one subject, or all.
Result<Page<ApiKey>> list_api_keys(Transaction& transaction, const PageRequest& page, std::optional<std::string_view> subject = std::nullopt);

}  // namespace redoubt::hub
