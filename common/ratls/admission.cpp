#include "common/ratls/admission.h"

namespace redoubt::ratls {

void ChallengeTable::drop_expired(Instant now) {
  std::erase_if(expires_, [now](const auto& entry) { return entry.second < now; });
}

Result<Challenge> ChallengeTable::issue(Instant now) {
  const std::lock_guard lock(mutex_);
  if (expires_.size() >= capacity_) drop_expired(now);
  if (expires_.size() >= capacity_) {
    return Error(Code::unavailable, "all " + std::to_string(capacity_) + " challenges are outstanding, try again later");
  }
  const auto challenge = random_.fixed<Challenge>();
  expires_.emplace(challenge, now.plus_seconds(kLifetimeSeconds));
  return challenge;
}

Status ChallengeTable::redeem(const Challenge& challenge, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto found = expires_.find(challenge);
  if (found == expires_.end()) return Error(Code::freshness, "challenge is unknown or was used before");
  const bool expired = found->second < now;
  expires_.erase(found);
  if (expired) return Error(Code::freshness, "challenge is older than 60 s");
  return {};
}

void ChallengeTable::forget(const Challenge& challenge) {
  const std::lock_guard lock(mutex_);
  expires_.erase(challenge);
}

void QuoteGate::refill(Peer& peer, Instant now) const {
  const std::int64_t passed = now.unix_seconds() - peer.refilled.unix_seconds();
  if (passed <= 0) return;  // a clock that goes back gives no tokens
  const std::uint64_t earned = static_cast<std::uint64_t>(std::min<std::int64_t>(passed, limits_.burst)) * limits_.refill_per_second;
  peer.tokens = std::min<std::uint64_t>(peer.tokens + earned, limits_.burst);
  peer.refilled = now;
}

void QuoteGate::drop_idle(Instant now) {
  std::erase_if(peers_, [&](const auto& entry) {
    Peer peer = entry.second;
    refill(peer, now);
    return peer.in_flight == 0 && peer.tokens >= limits_.burst;
  });
}

Result<QuoteGate::Ticket> QuoteGate::enter(std::string_view name, Instant now) {
  const std::lock_guard lock(mutex_);
  auto found = peers_.find(name);
  if (found == peers_.end()) {
    if (peers_.size() >= limits_.peers) drop_idle(now);
    if (peers_.size() >= limits_.peers) return Error(Code::unavailable, "quote queue: too many peers");
    found = peers_.emplace(std::string(name), Peer{0, limits_.burst, now}).first;
  }
  Peer& peer = found->second;
  refill(peer, now);
  if (in_flight_ >= limits_.total) return Error(Code::unavailable, "quote queue is full");
  if (peer.in_flight >= limits_.per_peer) return Error(Code::unavailable, "quote queue of this peer is full");
  if (peer.tokens == 0) return Error(Code::unavailable, "this peer asks for quotes too often");
  --peer.tokens;
  ++peer.in_flight;
  ++in_flight_;
  return Ticket(*this, std::string(name));
}

void QuoteGate::leave(const std::string& name) {
  const std::lock_guard lock(mutex_);
  --in_flight_;
  const auto found = peers_.find(name);
  if (found != peers_.end()) --found->second.in_flight;
}

}  // namespace redoubt::ratls
