// PCRs of the SHA-256 bank: what they hold after a replay, and how they are extended (TPM 2.0 Library Part 1, section 17.2). Pure.
#pragma once

#include <array>
#include <optional>

#include "common/crypto/digest.h"

namespace redoubt::tpm {

inline constexpr int kPcrCount = 24;

// PcrReplay: value by PCR; absent where nothing was extended.
using PcrReplay = std::array<std::optional<crypto::Sha256Digest>, kPcrCount>;

// extend: SHA-256(value || digest), what TPM2_PCR_Extend does.
inline crypto::Sha256Digest extend(const crypto::Sha256Digest& value, const crypto::Sha256Digest& digest) {
  return crypto::sha256({value.view(), digest.view()});
}

}  // namespace redoubt::tpm
