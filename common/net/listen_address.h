// ListenAddress: where a server listens, as text and as parts. The text comes from an operator's configuration.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace redoubt::net {

struct ListenSocket {
  int socket = -1;  // of whoever opened it
  std::uint16_t port = 0;
};

struct ListenAddress {
  std::string host;  // an IP address without brackets; empty for a Unix socket
  std::uint16_t port = 0;
  std::string unix_path;

  // parse reads "ADDRESS:PORT", "[IPV6]:PORT" or "unix:PATH" (PATH at most 107 bytes, the limit of the system). `usage`.
  static Result<ListenAddress> parse(std::string_view text);
  static std::string text(const std::string& host, std::uint16_t port);

  // open binds and listens. A Unix socket gets mode 0600, and takes the place of one that nobody listens on. `usage`: the host is no IP address.
  // `unavailable`: the address cannot be had.
  Result<ListenSocket> open() const;
  // remove_dead_socket removes a Unix socket at the path that nobody listens on. `unavailable`: somebody does, or it
  // is no socket.
  Status remove_dead_socket() const;
};

// peer_key: by what the peers of a server are counted: an IPv4 address, also one that is written as an IPv6 one; the /64 of any other IPv6 one.
std::string peer_key(const std::string& address);

}  // namespace redoubt::net
