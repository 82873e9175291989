// HttpServer: HTTP/1.1 on TLS 1.3 over TCP, or without TLS on a Unix socket (the local door of an enclave program).
//
// The peers may lie, stall and leave; each limit below refuses one connection or one request, and the server goes on. With
// an exchange, ALPN `redoubt/1` leads through it to all routes, `http/1.1` or none only to the open ones (router.h). There
// is one way to serve TCP without TLS: on a loopback address, where the bytes never leave the machine. One I/O thread and
// `workers` handler threads belong to the object; its functions may be called from any thread but a handler's. RFC 9112,
// RFC 8446; docs/protocol.md sections 2 and 6.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/net/admission.h"
#include "common/net/server_session.h"

namespace redoubt::net {

struct ServerOptions {
  // "127.0.0.1:7443", "[::1]:0" (a port that the system picks), or "unix:/path" (mode 0600; what a dead server left
  // there is replaced).
  std::string listen;
  // Needed for TCP, refused for a Unix socket.
  std::optional<TlsIdentity> identity;
  // TCP without TLS, for services that anybody on this machine may ask: taken for 127.0.0.0/8 and ::1 alone, without an identity.
  bool plain_on_loopback = false;
  // Makes the exchange of each connection with ALPN `redoubt/1`; empty: the server does not offer that ALPN.
  ExchangeFactory exchange;
  bool ask_client_certificate = false;
  std::size_t workers = 4;
  std::size_t max_queued_jobs = 256;
  AdmissionLimits admission;
  SessionLimits limits;
};

class HttpServer {
 public:
  // start binds, listens and serves. `usage`: an address or a set of options that makes no sense. `malformed`: the
  // identity. `unavailable`: the address cannot be had.
  static Result<std::unique_ptr<HttpServer>> start(ServerOptions options, Router router);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  // Stops at once.
  ~HttpServer();

  // address as it was bound: "127.0.0.1:40123", "unix:/path". port is 0 for a Unix socket.
  const std::string& address() const;
  std::uint16_t port() const;

  // stop takes no new connection, closes idle ones at once, lets requests that have begun finish for `grace`, then ends the
  // rest. Waits for running handlers. A second call does nothing.
  void stop(std::chrono::milliseconds grace = std::chrono::milliseconds(5'000));

  struct Counts {
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;  // by the caps on connections
    std::uint64_t open = 0;
    std::uint64_t attested = 0;  // of the open ones
  };
  Counts counts() const;

  struct State;

 private:
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace redoubt::net
