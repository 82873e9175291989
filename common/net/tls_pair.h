// TlsPair: a client and a server endpoint joined in memory, for tests and benchmarks that need a TLS connection and no
// socket. Every byte passes through relay(), where a test may look at it or change it. One thread at a time.
#pragma once

#include <utility>

#include "common/net/tls_endpoint.h"

namespace redoubt::net {

struct TlsPair {
  TlsEndpoint client;
  TlsEndpoint server;

  // make gives two endpoints before their handshake; `host` as in TlsEndpoint::connect.
  static Result<TlsPair> make(const TlsContext& client_context, const TlsContext& server_context,
                              const std::string& host = "localhost") {
    REDOUBT_TRY(auto client, TlsEndpoint::connect(client_context, host));
    REDOUBT_TRY(auto server, TlsEndpoint::accept(server_context));
    return TlsPair{std::move(client), std::move(server)};
  }

  // relay moves the ciphertext that each side has ready to the other side.
  Status relay() {
    const Bytes to_server = client.take();
    REDOUBT_CHECK(server.feed(to_server));
    const Bytes to_client = server.take();
    return client.feed(to_client);
  }

  // handshake runs both sides to the end; the first error of either side is returned.
  Status handshake() {
    for (int round = 0; round < 8; ++round) {
      REDOUBT_TRY(const bool client_done, client.handshake());
      REDOUBT_CHECK(relay());
      REDOUBT_TRY(const bool server_done, server.handshake());
      REDOUBT_CHECK(relay());
      if (client_done && server_done) return {};
    }
    return Error(Code::malformed, "tls handshake: no end after 8 rounds");
  }
};

}  // namespace redoubt::net
