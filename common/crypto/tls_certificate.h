// Self-signed TLS certificates (X.509 v3, RFC 5280) for P-256 keys, with ECDSA and SHA-256.
//
// Every zone that serves TLS makes its own. Such a certificate proves nothing but possession of its key: trust comes from
// the attested session, a pin or a root that the relying party chose. It cannot sign other certificates (CA:FALSE), and
// serves both ends of TLS. Pure: time and serial number are arguments; OpenSSL's generator serves the signature alone.
// Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "common/base/instant.h"
#include "common/crypto/ecdsa_p256.h"
#include "common/crypto/random.h"

namespace redoubt::crypto {

struct TlsCertificateProfile {
  std::string common_name;                // 1 to 64 printable ASCII characters (ub-common-name)
  std::vector<std::string> dns_names;     // lower-case letters, digits, hyphens and dots; no wildcards
  std::vector<std::string> ip_addresses;  // IPv4 or IPv6, as text
  Interval validity;                      // both included; the end after the beginning, in the years 1970 to 9999
};

struct TlsCertificate {
  Bytes der;
  std::string pem;
};

// self_signed_certificate: version 3, a serial number of 16 bytes from `random`, subject = issuer = CN, at least one
// subjectAltName (an empty list is `usage`), key usage digitalSignature, extended key usage serverAuth and clientAuth. A
// name, address or time that cannot stand in a certificate is `usage` and named.
Result<TlsCertificate> self_signed_certificate(const EcdsaP256PrivateKey& key, const TlsCertificateProfile& profile,
                                               Random& random);

}  // namespace redoubt::crypto
