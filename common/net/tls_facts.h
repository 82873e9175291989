// TlsFacts: what one TLS 1.3 connection knows about itself and its peer once the handshake is done. It is all that the
// exchange (exchange.h) may bind to: no socket, no address. Plain values, copied freely; the exporter is a channel
// binding and not a key, but it is still kept out of logs and errors.
#pragma once

#include <string>

#include "common/base/bytes.h"
#include "common/base/ids.h"

namespace redoubt::net {

// The RFC 9266 channel binding: label "EXPORTER-Channel-Binding", no context, 32 bytes.
using TlsExporter = FixedBytes<struct TlsExporterTag, 32>;

struct TlsFacts {
  TlsExporter exporter;
  Bytes own_spki;    // DER SubjectPublicKeyInfo of our own certificate; empty: we showed none
  Bytes peer_spki;   // the same of the peer; empty: the peer showed none
  std::string alpn;  // what was negotiated (RFC 7301); empty: nothing
};

// spki_digest is SHA-256 over a DER SubjectPublicKeyInfo.
SpkiDigest spki_digest(ByteView spki);

}  // namespace redoubt::net
