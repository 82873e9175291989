// Container: a certificate that carries Evidence, as slices of its bytes.
//
// Such a certificate is no link of a chain: it is made inside a TEE, mostly self-signed, by small TLS libraries, and believed
// only as far as the quote in it reaches. So this reading tolerates what CertificateView (common/crypto) refuses and what changes
// nothing here: NULL parameters beside ECDSA (mbedTLS, and with it Gramine), GeneralizedTime before 2050 (rats-tls), signature
// algorithms we do not verify, which the caller then refuses by name. Everything else is strict DER. Borrows its bytes. Pure.
#pragma once

#include <optional>

#include "common/base/der.h"
#include "common/crypto/public_key.h"

namespace redoubt::cert {

struct Extension {
  ByteView oid;
  ByteView value;  // content of the OCTET STRING
};

struct Container {
  static constexpr std::size_t kMaxSize = std::size_t{128} << 10;
  static constexpr std::size_t kMaxExtensions = 32;

  ByteView tbs;
  ByteView issuer, subject;
  Interval validity;
  ByteView spki;
  ByteView key_bits;  // content of the SubjectPublicKeyInfo's BIT STRING
  std::vector<Extension> extensions;
  ByteView signature_algorithm;                     // OID
  std::optional<crypto::SignatureScheme> scheme;    // absent for an algorithm that is not accepted
  ByteView signature;

  // parse: one version 3 certificate without trailing bytes, or `malformed`. An extension may occur twice.
  static Result<Container> parse(ByteView der);
};

}  // namespace redoubt::cert
