// TlsContext: the settings of TLS 1.3 endpoints, one for a server, one for a client.
//
// Every zone uses it. TLS 1.3 only, key exchange over P-256 and X25519, no tickets, no resumption, no 0-RTT, no
// renegotiation (docs/protocol.md section 2): each connection proves its keys anew. What a client trusts is one of three things,
// and "accept any certificate" is only meaningful together with an exchange that decides (client.h enforces that).
// Immutable after it is made, cheap to copy, thread-safe. RFC 8446, RFC 7301 (ALPN), RFC 6125 (names).
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/base/secret.h"
#include "common/net/tls_facts.h"

namespace redoubt::net {

// ALPN names. kAlpnExchange: the exchange comes before any HTTP byte; kAlpnHttp: HTTP at once, public routes only.
inline constexpr std::string_view kAlpnExchange = "redoubt/1";
inline constexpr std::string_view kAlpnHttp = "http/1.1";

// TlsIdentity: a certificate chain (PEM, own certificate first; or one DER certificate) and its key (PKCS #8, PEM or
// DER, not encrypted).
struct TlsIdentity {
  Bytes certificates;
  SecretBytes private_key;

  TlsIdentity clone() const { return {certificates, private_key.clone()}; }
};

// TrustCertificates: the chain must lead to one of these PEM certificates, and name the host (DNS name or IP address).
struct TrustCertificates {
  std::string pem;
};
// TrustSpki: the peer's key has this digest; names, dates and chain play no part.
struct TrustSpki {
  SpkiDigest digest;
};
// TrustExchange: any certificate with a P-256 key; the exchange decides who the peer is, before any application byte.
struct TrustExchange {};
using TlsTrust = std::variant<TrustCertificates, TrustSpki, TrustExchange>;

class TlsContext {
 public:
  // server: `alpns` in order of preference. A client that offers none of them is refused; one that offers no ALPN at all
  // is served with facts().alpn empty. With `ask_client_certificate` a client may show one, which is accepted whatever it
  // says (its key is proven, nothing else): the exchange decides. `malformed`: certificate or key cannot be read, or
  // they do not belong together.
  static Result<TlsContext> server(const TlsIdentity& identity, const std::vector<std::string>& alpns,
                                   bool ask_client_certificate = false);

  // client: offers `alpns`; `identity` may be null. `malformed`: certificates or key cannot be read.
  static Result<TlsContext> client(const TlsTrust& trust, const std::vector<std::string>& alpns,
                                   const TlsIdentity* identity = nullptr);

  struct State;
  const State& state() const { return *state_; }

 private:
  explicit TlsContext(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace redoubt::net
