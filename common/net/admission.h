// Admission: caps on connections, in total and before authentication, counted without I/O (docs/protocol.md section 6).
//
// A connection is unauthenticated from accept until its exchange is done, or until a handler answers it with a stream. Unauthenticated ones are capped in total and per
// peer address, so that strangers can neither use up the whole server nor, from one address, the strangers' share. IPv6
// peers count by their /64. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace redoubt::net {

struct AdmissionLimits {
  std::size_t max_connections = 512;
  std::size_t max_unauthenticated = 256;
  std::size_t max_unauthenticated_per_peer = 64;
};

class Admission {
 public:
  explicit Admission(const AdmissionLimits& limits) : limits_(limits) {}

  // admit counts a new connection, or refuses it (false, nothing counted). `peer` is the address, of IPv6 its /64.
  bool admit(const std::string& peer);
  // authenticated moves a connection out of the strangers' share. leave ends one; `was_authenticated` as it is then.
  void authenticated(const std::string& peer);
  void leave(const std::string& peer, bool was_authenticated);

  std::size_t connections() const { return connections_; }
  std::size_t unauthenticated() const { return unauthenticated_; }

 private:
  void forget(const std::string& peer);

  AdmissionLimits limits_;
  std::size_t connections_ = 0;
  std::size_t unauthenticated_ = 0;
  std::map<std::string, std::size_t> per_peer_;
};

}  // namespace redoubt::net
