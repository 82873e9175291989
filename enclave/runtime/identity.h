// Identity: the keys of one boot of one instance, and the claims that Evidence will bind (docs/specs/session.md).
//
// An instance keeps its id, receipt key and HPKE key over boots, where its state is sealed (enclave/seal); the TLS key and the boot id are made at every
// start. Private keys leave the program only sealed. Without sealed state every start is a new instance.
#pragma once

#include "common/attest/evidence/claims.h"
#include "common/base/instant.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/hpke.h"
#include "common/net/tls_context.h"

namespace redoubt::runtime {

// InstanceKeys: what an instance is, over all its boots.
struct InstanceKeys {
  InstanceId instance;
  crypto::Ed25519PrivateKey receipt_key;
  crypto::HpkePrivateKey hpke_key;

  static Result<InstanceKeys> generate(crypto::Random& random);
  // encode, decode: for sealed state (docs/specs/sealed-state.md); `malformed` for anything else.
  SecretBytes encode() const;
  static Result<InstanceKeys> decode(ByteView bytes);
};

struct Identity {
  net::TlsIdentity tls;  // self-signed, P-256: who it is, the exchange shows
  crypto::Ed25519PrivateKey receipt_key;
  crypto::HpkePrivateKey hpke_key;
  attest::Claims claims;
};

// make_identity: a new boot of the instance that has these keys. `now` bounds the certificate's validity (ten years); nobody relies on it.
Result<Identity> make_identity(std::string_view workload, const ContractDigest& contract, const attest::WorkloadClaimsDigest& workload_claims,
                               InstanceKeys keys, crypto::Random& random, Instant now);
// The same of a new instance.
Result<Identity> make_identity(std::string_view workload, const ContractDigest& contract,
                               const attest::WorkloadClaimsDigest& workload_claims, crypto::Random& random, Instant now);

}  // namespace redoubt::runtime
