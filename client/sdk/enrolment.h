// enrolment: the AkEnrolment conversation (docs/protocol.md section 1): does this attestation key live in the TPM of that EK certificate?
//
// The participant encrypts a secret to the EK for the name of the AK; a TPM gives it back only when it holds both. The door
// that is asked may lie and relay: a secret that comes back proves a TPM all the same, and nothing about the machine. The EK
// certificate must lead to a trust anchor that the contract names. Randomness and time are parameters.
#pragma once

#include <functional>

#include "common/attest/appraise/appraisal.h"
#include "common/attest/evidence/tpm/credential.h"
#include "common/jobs/cleanroom/contract.h"

namespace redoubt::sdk {

// AkOffer: what `GET /attestation/ak` says; nothing of it believed.
struct AkOffer {
  Bytes ek_certificate;             // DER
  std::vector<Bytes> intermediates; // DER, at most 4
  Bytes ek_public;                  // TPMT_PUBLIC
  Bytes ak_public;                  // TPMT_PUBLIC

  static Result<AkOffer> from_json(const json::Value& value);
};

using AkChallenge = tpm::Credential;

// tpm::make_credential in production.
using MakeCredential = std::function<Result<AkChallenge>(const tpm::Public& ek, const tpm::AkName& name, const SecretBytes& secret,
                                                         crypto::Random& random)>;

// AkDoor: the two calls of the conversation.
class AkDoor {
 public:
  virtual ~AkDoor() = default;
  virtual Result<AkOffer> offer() = 0;
  // activate gives what the TPM decrypted.
  virtual Result<SecretBytes> activate(const AkChallenge& challenge) = 0;
};

struct Enrolling {
  const appraise::Policy& policy;                   // of the contract that the participant holds
  const std::vector<crypto::Certificate>& roots;    // candidates for its trust anchors
  const crypto::Ed25519PrivateKey& enroller;
  const MakeCredential& make_credential;
  crypto::Random& random;
  Instant now;
};

struct Enrolled {
  tpm::AkEnrolment enrolment;
  bool is_new = false;  // false: one of `known` covers this key already
};

// enrol: `chain` (the EK certificate leads to no anchor of the policy, or is another key's), `binding` (the TPM gave another
// secret), `malformed`. `known` are earlier enrolments by this enroller.
Result<Enrolled> enrol(AkDoor& door, const Enrolling& with, const std::vector<tpm::AkEnrolment>& known);

// anchors_of: those of `candidates` that the policy names by their digest.
std::vector<crypto::Certificate> anchors_of(const appraise::Policy& policy, const std::vector<crypto::Certificate>& candidates);

}  // namespace redoubt::sdk
