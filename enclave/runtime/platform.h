// Platform: the device that vouches for this program, as the runtime sees it. Implemented per platform (tpm_platform.h); calls
// may take milliseconds; thread-safe; a dead device is `unavailable`, and a later call may work.
#pragma once

#include <memory>

#include "common/base/secret.h"
#include "common/ratls/session.h"
#include "enclave/seal/sealer.h"

namespace redoubt::runtime {

// What an enroller needs for MakeCredential (docs/specs/session.md): all of it is public and unverified.
struct AttestationKeyInfo {
  Bytes ek_certificate;              // DER
  std::vector<Bytes> intermediates;  // DER, as the host gave them
  Bytes ek_public;                   // TPMT_PUBLIC
  Bytes ak_public;                   // TPMT_PUBLIC
};

class Platform : public ratls::EvidenceSource {
 public:
  virtual Result<AttestationKeyInfo> attestation_key() = 0;
  // activate: TPM2_ActivateCredential; `refused` when the credential is for another key.
  virtual Result<SecretBytes> activate(ByteView id_object, ByteView encrypted_secret) = 0;
  // sealer for the state of this contract; null on a platform that cannot seal. The platform outlives it.
  virtual std::unique_ptr<seal::Sealer> sealer(const ContractDigest&) { return nullptr; }
};

}  // namespace redoubt::runtime
