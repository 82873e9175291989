// Identity: the keys of one boot of one instance, and the claims that Evidence will bind (docs/specs/session.md).
//
// Made once at start, inside the program; private keys never leave it. Without sealed state every start is a new instance.
#pragma once

#include "common/attest/evidence/claims.h"
#include "common/base/instant.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/hpke.h"
#include "common/net/tls_context.h"

namespace redoubt::runtime {

struct Identity {
  net::TlsIdentity tls;  // self-signed, P-256: who it is, the exchange shows
  crypto::Ed25519PrivateKey receipt_key;
  crypto::HpkePrivateKey hpke_key;
  attest::Claims claims;
};

// make_identity draws all keys and ids. `now` bounds the certificate's validity (ten years); nobody relies on it.
Result<Identity> make_identity(std::string_view workload, const ContractDigest& contract,
                               const attest::WorkloadClaimsDigest& workload_claims, crypto::Random& random, Instant now);

}  // namespace redoubt::runtime
