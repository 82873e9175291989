// TlsEndpoint: one side of one TLS 1.3 connection without I/O: ciphertext in, ciphertext out.
//
// The server, the client, tests and benchmarks all use this one class. The peer may lie in every byte. After an error
// the endpoint stays failed; take() still gives the alert that tells the peer. It does not bound the bytes of the
// established connection (its users do), but it bounds those of the handshake. One thread at a time.
// RFC 8446; exporter of RFC 9266.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/net/tls_context.h"

namespace redoubt::net {

class TlsEndpoint {
 public:
  // accept: the server's side. connect: the client's; `host` is sent as SNI when it is a name, and under
  // TrustCertificates it is the name or the IP address that the certificate must hold. `usage`: host empty there.
  static Result<TlsEndpoint> accept(const TlsContext& context);
  static Result<TlsEndpoint> connect(const TlsContext& context, const std::string& host);

  TlsEndpoint(TlsEndpoint&&) noexcept;
  TlsEndpoint& operator=(TlsEndpoint&&) noexcept;
  ~TlsEndpoint();

  // feed takes ciphertext from the peer (copied). `malformed` when a handshake grows past 128 KiB;
  // before it is done, feed at most 64 KiB at once and call handshake() in between.
  Status feed(ByteView ciphertext);
  // take gives the ciphertext that is to be sent, perhaps none. take_into appends it to `out`.
  Bytes take();
  void take_into(Bytes& out);

  // handshake goes on as far as it can: true when it is done, false when it needs more from the peer. `chain`: the
  // peer's certificate is not trusted. `refused`: resumption. `malformed`: anything else the peer did wrong.
  Result<bool> handshake();
  bool open() const;

  // facts of this connection; only after the handshake. `binding`: no exporter or no key to be had, and the caller must
  // close the connection.
  Result<TlsFacts> facts() const;

  // read appends plaintext to `out` until there is no more, or until `out` holds `max_size` bytes. `malformed`: a record
  // was not authentic.
  Status read(Bytes& out, std::size_t max_size);
  // closed_by_peer: the peer ended its side with close_notify; an end of the stream without it is a truncation.
  bool closed_by_peer() const;

  // write encrypts all of `plaintext`. `internal` before the handshake or after shutdown.
  Status write(ByteView plaintext);
  // shutdown ends our side: take() then holds close_notify. Harmless at any time.
  void shutdown();

 private:
  struct State;
  explicit TlsEndpoint(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace redoubt::net
