// Private to common/net: the OpenSSL handles behind TlsContext and TlsEndpoint. No other header includes it.
#pragma once

#include <openssl/ssl.h>

#include "common/crypto/openssl_handles.h"
#include "common/net/tls_context.h"

namespace redoubt::net {

using SslCtxPtr = std::unique_ptr<SSL_CTX, crypto::OpenSslFree<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, crypto::OpenSslFree<SSL_free>>;

struct TlsContext::State {
  SslCtxPtr ctx;
  bool server = false;
  bool verify_name = false;             // TrustCertificates: the certificate must hold the host's name
  std::optional<SpkiDigest> pinned;     // TrustSpki
  std::vector<unsigned char> alpn_wire;  // RFC 7301: each name with a one-byte length before it
};

// spki_of is the DER SubjectPublicKeyInfo of a certificate, or empty.
Bytes spki_of(X509* certificate);

}  // namespace redoubt::net
