// MakeCredential in software: a secret that only the TPM with a given endorsement key gives back, and only if it also holds a key
// of a given name (TPM 2.0 Library, Part 1, section 24, B.10.4). Runs at the enroller, against keys that the attester named: an
// enroller first shows that the endorsement key is certified. ActivateCredential is the TPM's. Thread-safe.
#pragma once

#include "common/attest/evidence/tpm/structures.h"
#include "common/base/secret.h"
#include "common/crypto/random.h"

namespace redoubt::tpm {

struct Credential {
  Bytes id_object;         // TPM2B_ID_OBJECT
  Bytes encrypted_secret;  // TPM2B_ENCRYPTED_SECRET
};

// make_credential: `ek` must be the template L-1 (ek_template_matches), `secret` 1 to 32 bytes; `usage` otherwise. `random` gives the
// seed of the protection, OpenSSL's generator that of the padding (rsa_oaep.h).
Result<Credential> make_credential(const Public& ek, const AkName& name, const SecretBytes& secret, crypto::Random& random);

}  // namespace redoubt::tpm
