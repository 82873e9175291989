// AkEnrolment: somebody's signed word that an attestation key lives in the TPM of an endorsement key.
//
// The enroller ran MakeCredential against the EK of a certificate, and the TPM gave the secret back only because the AK's
// name is that of a key it holds. Whoever trusts the enroller need not repeat it: appraise takes it as an Endorsement. It says
// nothing about what the machine runs. Signed with Ed25519 over Fields("redoubt/ak-enrolment/1", ...). Pure.
#pragma once

#include "common/attest/evidence/tpm/structures.h"
#include "common/base/instant.h"
#include "common/crypto/digest.h"
#include "common/crypto/ed25519.h"

namespace redoubt::tpm {

struct AkEnrolment {
  crypto::Sha256Digest ek_certificate;  // of its DER bytes
  AkName ak_name;
  crypto::Ed25519PublicKey enroller;
  Instant time;
  crypto::Ed25519Signature signature;

  static AkEnrolment sign(const crypto::Sha256Digest& ek_certificate, const AkName& ak_name, Instant time,
                          const crypto::Ed25519PrivateKey& enroller);
  // verify: ok, or `chain`. Whether the enroller is trusted is the caller's question.
  Status verify() const;

  Bytes encode() const;
  static Result<AkEnrolment> decode(ByteView bytes);
};

}  // namespace redoubt::tpm
