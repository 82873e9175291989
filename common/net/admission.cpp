#include "common/net/admission.h"

namespace redoubt::net {

bool Admission::admit(const std::string& peer) {
  if (connections_ >= limits_.max_connections || unauthenticated_ >= limits_.max_unauthenticated) return false;
  std::size_t& count = per_peer_[peer];
  if (count >= limits_.max_unauthenticated_per_peer) {
    if (count == 0) per_peer_.erase(peer);
    return false;
  }
  ++count;
  ++connections_;
  ++unauthenticated_;
  return true;
}

void Admission::forget(const std::string& peer) {
  --unauthenticated_;
  const auto at = per_peer_.find(peer);
  if (at != per_peer_.end() && --at->second == 0) per_peer_.erase(at);
}

void Admission::authenticated(const std::string& peer) { forget(peer); }

void Admission::leave(const std::string& peer, bool was_authenticated) {
  --connections_;
  if (!was_authenticated) forget(peer);
}

}  // namespace redoubt::net
