// ClientTransport: a blocking stream to one server with time limits: TCP or a Unix socket, with or without TLS.
//
// Used by client.h only. The server may lie and stall; each wait has a deadline, counted on the monotonic clock. An end
// of the stream without close_notify is told apart from a clean one. One thread at a time; signals of broken pipes are
// never raised.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "common/net/tls_endpoint.h"

namespace redoubt::net {

class ClientTransport {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  static Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

  // connect_tcp tries each address of `host`; the name look-up itself is the system's and has its own time limit.
  // `unavailable`: nobody answers. connect_unix: at most 107 bytes of path, else `usage`.
  static Result<ClientTransport> connect_tcp(const std::string& host, std::uint16_t port, Deadline deadline);
  static Result<ClientTransport> connect_unix(const std::string& path, Deadline deadline);
  ClientTransport(ClientTransport&& other) noexcept;
  ClientTransport& operator=(ClientTransport&& other) noexcept;
  ~ClientTransport();

  // start_tls runs the handshake; errors of TlsEndpoint::handshake, or `unavailable` when the server stalls or leaves.
  Status start_tls(TlsEndpoint endpoint, Deadline deadline);
  const std::optional<TlsEndpoint>& tls() const { return tls_; }

  // write sends all of `plaintext`. `unavailable`: the server stalls past the deadline or has gone.
  Status write(ByteView plaintext, Deadline deadline);
  // read waits until there is plaintext, appends it to `out` (which grows to at most `max_size`) and gives true; false: the
  // server has ended the stream cleanly. `unavailable`: it stalls, or the stream was cut off. `malformed`: a bad record.
  Result<bool> read(Bytes& out, std::size_t max_size, Deadline deadline);
  // read_ready is read() for what has already come; it does not wait.
  Status read_ready(Bytes& out, std::size_t max_size);

  // close sends close_notify if the socket takes it at once, and closes.
  void close();

 private:
  explicit ClientTransport(int socket) : socket_(socket) {}
  static Result<ClientTransport> connect_to(const void* address, unsigned size, int family, Deadline deadline);
  Status wait(short events, Deadline deadline) const;
  Status flush(Deadline deadline);
  // receive takes what the socket has, without waiting: false when there is nothing.
  Result<bool> receive(Bytes& plain_out);

  int socket_ = -1;
  std::optional<TlsEndpoint> tls_;
  bool eof_ = false;
};

}  // namespace redoubt::net
