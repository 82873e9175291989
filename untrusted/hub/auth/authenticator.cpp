#include "untrusted/hub/auth/authenticator.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cmath>

namespace redoubt::hub {
namespace {

constexpr std::size_t kMaxBuckets = 4096;
constexpr std::string_view kBearer = "Bearer ";
constexpr std::int64_t kUseSeconds = 60;
constexpr std::string_view kParticipantScopes[] = {kReadScope, kSubmitScope, kApproveScope, kUploadScope, kKeysScope};

// network_of: what a peer cannot change at will: an IPv4 address, the first 64 bits of an IPv6 address.
std::string network_of(const std::string& peer) {
  in6_addr address{};
  if (::inet_pton(AF_INET6, peer.c_str(), &address) != 1) return peer;
  const ByteView bytes(reinterpret_cast<const std::byte*>(&address), sizeof address);
  // ::ffff:a.b.c.d stands for an IPv4 address (RFC 4291 section 2.5.5.2).
  const bool of_ipv4 = std::ranges::all_of(bytes.first(10), [](std::byte b) { return b == std::byte{0}; }) && bytes[10] == std::byte{0xff} && bytes[11] == std::byte{0xff};
  return hex_encode(of_ipv4 ? bytes : bytes.first(8));
}

Result<std::string_view> bearer_token(const net::HttpRequest& request) {
  const std::size_t count = request.headers.count("authorization");
  if (count == 0) return Error(Code::auth, "an API key is needed: send \"Authorization: Bearer KEY\"");
  if (count > 1) return Error(Code::auth, "expected one Authorization header, found " + std::to_string(count));
  const std::string_view header = *request.headers.find("authorization");
  if (!header.starts_with(kBearer)) return Error(Code::auth, "expected \"Authorization: Bearer KEY\"");
  return header.substr(kBearer.size());
}

bool of_participant(std::string_view scope) { return std::ranges::find(kParticipantScopes, scope) != std::end(kParticipantScopes); }

}  // namespace

bool known_scope(std::string_view scope) { return scope == kAdminScope || scope == kParticipantScope || of_participant(scope); }

bool Caller::allows(std::string_view scope) const {
  const auto has = [&](std::string_view wanted) { return std::ranges::find(scopes, wanted) != scopes.end(); };
  return admin || has(scope) || (of_participant(scope) && has(kParticipantScope));
}

bool Caller::covers(const std::vector<std::string>& wanted, const std::optional<Instant>& until) const {
  if (expires && (!until || *until > *expires)) return false;
  return std::ranges::all_of(wanted, [&](const std::string& scope) { return known_scope(scope) && allows(scope); });
}

Authenticator::Authenticator(Store& store, const RateLimits& limits, Milliseconds clock, Clock now)
    : store_(store),
      clock_(std::move(clock)),
      now_(std::move(now)),
      keys_{"key", limits.requests_per_second, limits.request_burst},
      addresses_{"address", limits.failures_per_second, limits.failure_burst} {}

std::optional<Limited> Authenticator::take(Share& share, const std::string& name) {
  const std::lock_guard lock(mutex_);
  // A table that strangers fill is emptied rather than let grow: they gain one more burst.
  if (share.buckets.size() >= kMaxBuckets && !share.buckets.contains(name)) share.buckets.clear();
  net::TokenBucket& bucket = share.buckets.try_emplace(name, share.per_second, share.burst).first->second;
  const std::int64_t now = clock_();
  if (bucket.take(now)) return std::nullopt;
  const auto whole_seconds = [](double value) { return std::max<std::int64_t>(static_cast<std::int64_t>(std::ceil(value)), 1); };
  const double window = share.per_second > 0 ? share.burst / share.per_second : 86400.0;
  const double wait = static_cast<double>(bucket.wait_ms(now) - 1) / 1000.0;  // wait_ms rounds up to the next millisecond
  return Limited{share.policy, static_cast<std::int64_t>(share.burst), whole_seconds(window), whole_seconds(wait < 0 ? window : wait)};
}

void Authenticator::give_back(Share& share, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = share.buckets.find(name);
  if (found != share.buckets.end()) static_cast<void>(found->second.take(clock_(), -1.0));
}

std::optional<std::string> Authenticator::recall(const net::HttpRequest& request, std::int64_t version) {
  const auto token = bearer_token(request);
  if (!token.ok()) return std::nullopt;
  const auto digest = key_digest(*token);
  if (!digest.ok()) return std::nullopt;
  const Instant now = now_();
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(*digest);
  if (found == known_.end() || found->second.version != version) return std::nullopt;
  const ApiKey& key = found->second.key;
  // Its use is to be noted: that is a change of the database.
  if (!key.valid(now) || !std::ranges::any_of(key.scopes, known_scope) || !key.last_used || now >= key.last_used->plus_seconds(kUseSeconds)) return std::nullopt;
  return key.id;
}

std::optional<Limited> Authenticator::wrong(const net::HttpRequest& request) { return take(addresses_, network_of(request.peer)); }

std::optional<Authenticator::Known> Authenticator::known(const crypto::Sha256Digest& digest) {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(digest);
  return found == known_.end() ? std::nullopt : std::optional(found->second);
}

void Authenticator::remember(const crypto::Sha256Digest& digest, const Known& found) {
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMaxBuckets && !known_.contains(digest)) known_.clear();
  known_.insert_or_assign(digest, found);
}

void Authenticator::forget(const crypto::Sha256Digest& digest) {
  const std::lock_guard lock(mutex_);
  known_.erase(digest);
}

Result<Authenticator::Known> Authenticator::look_up(const crypto::Sha256Digest& digest, const std::optional<Known>& known) {
  const Instant now = now_();
  // Asked for first: what is read after it is at least as new.
  const auto version = store_.version();
  Known out;
  if (known && version && known->version == version) {
    out = *known;
    if (!out.key.valid(now)) return Error(Code::auth, "this API key is not valid");
  } else {
    REDOUBT_TRY(out.key, store_.read([&](Transaction& transaction) { return find_api_key(transaction, digest, now); }));
    out.version = version;
  }
  if (!std::ranges::any_of(out.key.scopes, known_scope)) return Error(Code::auth, "this API key has no scope for this interface");
  if (!out.key.last_used || now >= out.key.last_used->plus_seconds(kUseSeconds)) {
    const Status noted = store_.write("key.used", [&](Transaction& transaction) { return note_use(transaction, out.key.id, now); });
    static_cast<void>(noted.ok());  // a note for people: no reason to refuse
  }
  return out;
}

Result<Caller> Authenticator::authenticate(const net::HttpRequest& request, std::optional<Limited>& limited) {
  const Error too_many(Code::unavailable, "too many requests without a valid API key from this address");
  const Error used_up(Code::unavailable, "this API key has used up its share of requests, try again in a moment");
  const std::string from = network_of(request.peer);
  const auto token = bearer_token(request);
  const auto digest = token.ok() ? key_digest(*token) : Result<crypto::Sha256Digest>(token.error());
  const auto lately = digest.ok() ? known(*digest) : std::nullopt;
  if (lately) {
    if ((limited = take(keys_, lately->key.id))) return used_up;
  } else if ((limited = take(addresses_, from))) {
    return too_many;
  }
  if (!digest.ok()) return digest.error();
  const auto found = look_up(*digest, lately);
  if (!found.ok() && found.error().code() == Code::auth) {
    if (!lately) return found.error();
    // Revoked or expired since: from now on it counts like any wrong key.
    forget(*digest);
    if ((limited = take(addresses_, from))) return too_many;
    return found.error();
  }
  if (!lately) give_back(addresses_, from);
  if (!found.ok()) return found.error();
  const ApiKey& key = found->key;
  if (!lately || lately->version != found->version) remember(*digest, *found);
  if (!lately && (limited = take(keys_, key.id))) return used_up;
  return Caller{key.id, key.subject, key.allows(kAdminScope), key.scopes, key.expires};
}

}  // namespace redoubt::hub
