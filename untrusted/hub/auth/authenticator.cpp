#include "untrusted/hub/auth/authenticator.h"

namespace redoubt::hub {
namespace {

constexpr std::size_t kMaxBuckets = 4096;
constexpr std::string_view kBearer = "Bearer ";
constexpr std::int64_t kUseSeconds = 60;
constexpr std::string_view kParticipantScopes[] = {kReadScope, kSubmitScope, kApproveScope, kUploadScope, kKeysScope};

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
    : store_(store), limits_(limits), clock_(std::move(clock)), now_(std::move(now)) {}

bool Authenticator::take(std::map<std::string, net::TokenBucket>& buckets, const std::string& name, double per_second, double burst) {
  const std::lock_guard lock(mutex_);
  // A table that strangers fill is emptied rather than let grow: they gain one more burst.
  if (buckets.size() >= kMaxBuckets && !buckets.contains(name)) buckets.clear();
  return buckets.try_emplace(name, per_second, burst).first->second.take(clock_());
}

Error Authenticator::failed(const net::HttpRequest& request, std::string_view reason) {
  if (!take(failures_, request.peer, limits_.failures_per_second, limits_.failure_burst)) {
    return Error(Code::unavailable, "too many requests without a valid API key from this address");
  }
  return Error(Code::auth, std::string(reason));
}

Result<Caller> Authenticator::authenticate(const net::HttpRequest& request) {
  const std::size_t count = request.headers.count("authorization");
  if (count == 0) return failed(request, "an API key is needed: send \"Authorization: Bearer KEY\"");
  if (count > 1) return failed(request, "expected one Authorization header, found " + std::to_string(count));
  const std::string_view header = *request.headers.find("authorization");
  if (!header.starts_with(kBearer)) return failed(request, "expected \"Authorization: Bearer KEY\"");
  const std::string_view token = header.substr(kBearer.size());
  const Instant now = now_();
  const auto key = store_.read([&](Transaction& transaction) { return find_api_key(transaction, token, now); });
  if (!key.ok()) {
    if (key.error().code() != Code::auth) return key.error();
    return failed(request, key.error().message());
  }
  if (!std::ranges::any_of(key->scopes, known_scope)) return failed(request, "this API key has no scope for this interface");
  if (!take(keys_, key->id, limits_.requests_per_second, limits_.request_burst)) {
    return Error(Code::unavailable, "this API key has used up its share of requests, try again in a moment");
  }
  if (!key->last_used || now >= key->last_used->plus_seconds(kUseSeconds)) {
    const Status noted = store_.write("key.used", [&](Transaction& transaction) { return note_use(transaction, key->id, now); });
    static_cast<void>(noted.ok());  // a note for people: no reason to refuse
  }
  return Caller{key->id, key->subject, key->allows(kAdminScope), key->scopes, key->expires};
}

}  // namespace redoubt::hub
