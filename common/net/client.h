// HttpClient: one connection to one server: TLS 1.3 and, when an Exchange is given, the exchange before any HTTP byte.
//
// Blocking, with a time limit on every wait. The server may lie, stall and leave: its answers are bounded and read as strictly
// as requests are. Nothing is repeated on its own: when a kept connection turns out to be gone, the caller gets `unavailable`
// and connects again, since only he knows whether a request may be sent twice, and what an exchange costs. One thread
// at a time. RFC 9112, RFC 8446; docs/protocol.md section 2.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "common/net/exchange.h"
#include "common/net/http_message.h"
#include "common/net/tls_context.h"

namespace redoubt::net {

struct ClientOptions {
  // A server on TCP (host and port; `trust` is needed), or on a Unix socket (`unix_path`; no trust and no exchange).
  std::string host;
  std::uint16_t port = 0;
  std::string unix_path;
  std::optional<TlsTrust> trust;
  const TlsIdentity* identity = nullptr;  // borrowed during connect: a certificate of our own

  std::chrono::milliseconds connect_time{10'000};   // TCP and TLS
  std::chrono::milliseconds exchange_time{60'000};  // the whole exchange
  std::chrono::milliseconds stall_time{60'000};     // without a byte moving, while sending or waiting for an answer
  std::uint64_t max_response_bytes = 64ULL << 20U;
  std::size_t max_exchange_message = kMaxExchangeMessage;
};

struct Progress {
  std::uint64_t sent = 0;
  std::optional<std::uint64_t> send_total;
  std::uint64_t received = 0;
  std::optional<std::uint64_t> receive_total;
};

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, already escaped (percent_encode)
  Headers headers = {};
  Body body = Bytes{};
  // sink takes the body of a 2xx answer piece by piece instead of ClientResponse::body; its Error ends the request.
  // max_response_bytes does not bound it: it bounds itself.
  std::function<Status(ByteView)> sink = {};
  // progress is called between pieces, on the calling thread.
  std::function<void(const Progress&)> progress = {};
};

struct ClientResponse {
  int status = 0;
  Headers headers = {};
  Bytes body;
};

class HttpClient {
 public:
  // connect: `usage` for options that make no sense (TrustExchange without an exchange above all); `chain`: the certificate is
  // not trusted; `binding`: no exporter, or the server did not choose ALPN `redoubt/1`; the exchange's own errors; what the
  // server refused with, as "peer refused: ..."; `unavailable`; `malformed`.
  static Result<HttpClient> connect(const ClientOptions& options, std::unique_ptr<Exchange> exchange = nullptr);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  // facts of the TLS connection; empty on a Unix socket. principal and role: who the exchange showed the server to be.
  const TlsFacts& facts() const;
  const std::string& principal() const;
  const std::string& role() const;

  // request sends one request and reads its answer, whatever its status. After an error the connection is closed; after
  // an answer open() tells whether another request may follow. `unavailable`: stalled, cut off, closed. `malformed`: not
  // HTTP, or larger than max_response_bytes.
  Result<ClientResponse> request(const ClientRequest& request);
  // request_ok: an answer of status 400 or more becomes error_of() it (problem.h).
  Result<ClientResponse> request_ok(const ClientRequest& request);

  bool open() const;
  void close();

 private:
  struct State;
  explicit HttpClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace redoubt::net
