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
  Instant time;  // of the enrolment, by the enroller's clock; for people and audits
  crypto::Ed25519Signature signature;

  static AkEnrolment sign(const crypto::Sha256Digest& ek_certificate, const AkName& ak_name, Instant time,
                          const crypto::Ed25519PrivateKey& enroller);
  // verify: ok, or `chain`. Whether the enroller is trusted is the caller's question.
  Status verify() const;

  Bytes encode() const;
  // decode accepts exactly what encode() writes; `malformed` otherwise. The signature is not looked at.
  static Result<AkEnrolment> decode(ByteView bytes);
};

// VerifiedEnrolment: an enrolment whose signature was checked once: an immutable proof object for caches. Whether its enroller
// counts is asked anew at every use.
class VerifiedEnrolment {
 public:
  // of: `chain` when the signature is not the enroller's.
  static Result<VerifiedEnrolment> of(const AkEnrolment& enrolment);
  // of, with the key that was enrolled (TPMT_PUBLIC): it is decoded once and for all. `binding` when it has another name, `malformed`
  // when it is none.
  static Result<VerifiedEnrolment> of(const AkEnrolment& enrolment, ByteView ak_public);
  const AkEnrolment& operator*() const { return enrolment_; }
  const AkEnrolment* operator->() const { return &enrolment_; }
  // key: of the name in the enrolment, which is a digest of it; null when it was not given.
  const crypto::PublicKey* key() const { return key_ ? &*key_ : nullptr; }

 private:
  explicit VerifiedEnrolment(const AkEnrolment& enrolment) : enrolment_(enrolment) {}
  AkEnrolment enrolment_;
  std::optional<crypto::PublicKey> key_;
};

}  // namespace redoubt::tpm
