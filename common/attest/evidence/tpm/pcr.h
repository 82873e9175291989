// PCRs of the SHA-256 bank: how they are extended (TPM 2.0 Library Part 1, section 17.2). Pure.
#pragma once

#include "common/crypto/digest.h"

namespace redoubt::tpm {

inline constexpr int kPcrCount = 24;

// extend: SHA-256(value || digest), what TPM2_PCR_Extend does.
inline crypto::Sha256Digest extend(const crypto::Sha256Digest& value, const crypto::Sha256Digest& digest) {
  return crypto::sha256({value.view(), digest.view()});
}

}  // namespace redoubt::tpm
