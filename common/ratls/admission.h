// Admission: what an Attester spends on peers that have not authenticated is bounded. Two small tables with time as an
// argument; both refuse with `unavailable` when they are full, and never grow.
//
// ChallengeTable: the Attester's challenges are single-use, live 60 s, and at most `capacity` are outstanding.
// QuoteGate: a quote costs about a millisecond of the one TPM: at most `per_peer` in flight for a peer and `total` in all,
// and per peer a token bucket. Both are thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "common/base/ids.h"
#include "common/base/instant.h"
#include "common/crypto/random.h"

namespace redoubt::ratls {

class ChallengeTable {
 public:
  static constexpr std::int64_t kLifetimeSeconds = 60;

  ChallengeTable(std::size_t capacity, crypto::Random& random) : capacity_(capacity), random_(random) {}

  // issue draws a fresh challenge; `unavailable` when `capacity` unexpired ones are outstanding.
  Result<Challenge> issue(Instant now);
  // redeem uses a challenge up; `freshness` when it was never issued, was used, or is older than 60 s.
  Status redeem(const Challenge& challenge, Instant now);
  // forget drops a challenge whose connection ended.
  void forget(const Challenge& challenge);

 private:
  void drop_expired(Instant now);

  const std::size_t capacity_;
  crypto::Random& random_;
  std::mutex mutex_;
  std::map<Challenge, Instant> expires_;
};

class QuoteGate {
 public:
  struct Limits {
    std::size_t total = 64;           // quotes waiting or running, all peers
    std::size_t per_peer = 4;         // quotes waiting or running, one peer
    std::uint32_t burst = 20;         // tokens a peer may save
    std::uint32_t refill_per_second = 5;
    std::size_t peers = 4096;         // peers remembered; beyond it new peers are refused
  };

  // A place in the queue; it is given back when the ticket goes.
  class Ticket {
   public:
    Ticket(QuoteGate& gate, std::string peer) : gate_(&gate), peer_(std::move(peer)) {}
    Ticket(Ticket&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)), peer_(std::move(other.peer_)) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (gate_ != nullptr) gate_->leave(peer_);
    }

   private:
    QuoteGate* gate_;
    std::string peer_;
  };

  explicit QuoteGate(const Limits& limits) : limits_(limits) {}

  // enter: a ticket, or `unavailable` naming the limit that was reached. `peer` is the host address of the peer.
  Result<Ticket> enter(std::string_view peer, Instant now);

 private:
  struct Peer {
    std::size_t in_flight = 0;
    std::uint64_t tokens = 0;
    Instant refilled;
  };

  void leave(const std::string& peer);
  void refill(Peer& peer, Instant now) const;
  void drop_idle(Instant now);

  const Limits limits_;
  std::mutex mutex_;
  std::size_t in_flight_ = 0;
  std::map<std::string, Peer, std::less<>> peers_;
};

}  // namespace redoubt::ratls
