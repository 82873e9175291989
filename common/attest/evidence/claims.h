// Claims: what an enclave instance says of itself, and what its Evidence vouches for (docs/specs/session.md).
//
// {version, workload, instance, boot, TLS key digest, receipt key, HPKE key, contract digest, workload-claims digest}, as
// signed JSON. There is no nonce inside: the same claims serve every session of a boot; freshness comes from the challenge
// that stands beside their digest in the report data. Claims that arrive from a peer are unverified until an Appraisal of
// Evidence over their digest has passed.
#pragma once

#include "common/base/ids.h"
#include "common/base/json.h"
#include "common/crypto/digest.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/hpke.h"

namespace redoubt::attest {

using WorkloadClaimsDigest = FixedBytes<struct WorkloadClaimsDigestTag, 32>;

struct Claims {
  std::string workload;  // "cleanroom", "scoring", ...
  InstanceId instance;
  BootId boot;
  SpkiDigest tls_key;
  crypto::Ed25519PublicKey receipt_key;
  crypto::HpkePublicKey hpke_key;
  ContractDigest contract;
  WorkloadClaimsDigest workload_claims;

  // canonical is the one encoding: RFC 8785 JSON.
  std::string canonical() const;
  // parse accepts exactly what canonical() writes, at most 4 KiB.
  static Result<Claims> parse(std::string_view text);
  // digest = SHA-256 over Fields("redoubt/claims/1", canonical()).
  ClaimsDigest digest() const;

  friend bool operator==(const Claims&, const Claims&) = default;
};

// spki_digest = SHA-256 of a DER SubjectPublicKeyInfo, as TLS key pins are usually taken (RFC 7469 section 2.4).
SpkiDigest spki_digest(ByteView spki_der);

}  // namespace redoubt::attest
