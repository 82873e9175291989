// Authenticator: which API key a request carries, and whether that key may call now.
//
// The operator's zone; callers are strangers until this room has looked at them. A key comes in the Authorization header as a
// bearer token and nowhere else (a URL ends in logs). It authenticates transport to the hub only: what counts inside an enclave
// is signed by contract keys (docs/protocol.md section 2). Why a key is refused is not told. When a key was last used is written down
// at most once a minute.
//
// Limits come before the database. Each peer address has a token bucket for keys that were not seen to be valid lately, and once it is
// empty they are refused unread: guessing costs this program one hash a try. Keys that were valid lately are known by their digest and have
// buckets of their own, so that a guesser does not lock out who shares its address. IPv6 addresses count by their network of 64 bits.
// Thread-safe. RFC 6750.
#pragma once

#include <map>
#include <mutex>

#include "common/net/http_message.h"
#include "common/net/rate_limit.h"
#include "untrusted/hub/store/accounts.h"

namespace redoubt::hub {

// Scopes. admin: everything, in every environment. The others: in environments whose contract names the key's subject; keys: the
// subject's own API keys. participant: all but admin.
inline constexpr std::string_view kAdminScope = "admin";
inline constexpr std::string_view kParticipantScope = "participant";
inline constexpr std::string_view kReadScope = "read";
inline constexpr std::string_view kSubmitScope = "submit";
inline constexpr std::string_view kApproveScope = "approve";
inline constexpr std::string_view kUploadScope = "upload";
inline constexpr std::string_view kKeysScope = "keys";

// known_scope: whether it is one of those.
bool known_scope(std::string_view scope);

struct RateLimits {
  double requests_per_second = 50;
  double request_burst = 200;
  double failures_per_second = 0.5;  // wrong keys of one peer address
  double failure_burst = 20;
};

// Limited: which share was used up, as draft-ietf-httpapi-ratelimit-headers tells it.
struct Limited {
  std::string_view policy;       // "key" or "address"
  std::int64_t burst = 0;        // requests
  std::int64_t window_s = 0;     // in which a burst comes back
  std::int64_t retry_after_s = 0;
};

// Caller: whom an accepted key stands for.
struct Caller {
  std::string key;      // id of the API key
  std::string subject;  // participant or user name
  bool admin = false;
  std::vector<std::string> scopes;
  std::optional<Instant> expires;  // of the key

  // allows: whether the key may do what needs `scope`.
  bool allows(std::string_view scope) const;
  // covers: whether it may hand on a key of these scopes and this expiry: nothing that it has not itself, and no longer.
  bool covers(const std::vector<std::string>& wanted, const std::optional<Instant>& until) const;
};

class Authenticator {
 public:
  using Milliseconds = std::function<std::int64_t()>;  // of a clock that does not go back

  using Clock = std::function<Instant()>;

  // `store` outlives this object.
  Authenticator(Store& store, const RateLimits& limits, Milliseconds clock, Clock now);

  // authenticate: `auth` when the header is absent, given twice, not a bearer token, or the key is unknown, revoked,
  // expired or without a scope of ours; `unavailable` when the key, or the peer with wrong keys, has used up its share: then `limited`
  // says how.
  Result<Caller> authenticate(const net::HttpRequest& request, std::optional<Limited>& limited);

  // recall: the id of the key that a request carries, if authenticate() would let it in now without asking the database, which is at `version`.
  // Nothing is counted: admit() does that.
  std::optional<std::string> recall(const net::HttpRequest& request, std::int64_t version);

  // wrong counts what a peer showed that stands for no key of ours (a link that we did not sign) with its wrong keys; how long to wait when its
  // share is used up.
  std::optional<Limited> wrong(const net::HttpRequest& request);

  // admit counts a request that an API key stands for without being in it (a signed link); how long to wait when its share is used up.
  std::optional<Limited> admit(const std::string& api_key) { return take(keys_, api_key); }

 private:
  struct Share {  // one kind of token bucket
    std::string_view policy;
    double per_second;
    double burst;
    std::map<std::string, net::TokenBucket> buckets{};
  };
  // take: how long to wait, or nothing when the event was counted. give_back takes one event out of the count.
  std::optional<Limited> take(Share& share, const std::string& name);
  void give_back(Share& share, const std::string& name);
  // Known: a key that was valid lately: its record, and the store's version at which it was read.
  struct Known {
    ApiKey key;
    std::optional<std::int64_t> version;
  };
  // look_up asks the database, unless it has not changed since `known` was read.
  Result<Known> look_up(const crypto::Sha256Digest& digest, const std::optional<Known>& known);
  std::optional<Known> known(const crypto::Sha256Digest& digest);
  void remember(const crypto::Sha256Digest& digest, const Known& found);
  void forget(const crypto::Sha256Digest& digest);

  Store& store_;
  const Milliseconds clock_;
  const Clock now_;
  std::mutex mutex_;  // of what follows
  Share keys_;        // by key id: known keys only
  Share addresses_;   // by network of the peer
  std::map<crypto::Sha256Digest, Known> known_;
};

}  // namespace redoubt::hub
