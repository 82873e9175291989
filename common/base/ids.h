// Ids and digests that many rooms speak of, each a type of its own (docs/protocol.md, docs/specs/).
#pragma once

#include "common/base/bytes.h"

namespace redoubt {

// The random id of an enclave instance (one contract, one instance identity); also the origin of its log.
using InstanceId = FixedBytes<struct InstanceIdTag, 16>;
// The random id of one boot of an instance.
using BootId = FixedBytes<struct BootIdTag, 16>;
// A challenge: 32 random bytes, used once.
using Challenge = FixedBytes<struct ChallengeTag, 32>;
// The digest of a contract's canonical bytes, of the claims of an instance, of a TLS key's SubjectPublicKeyInfo.
using ContractDigest = FixedBytes<struct ContractDigestTag, 32>;
using ClaimsDigest = FixedBytes<struct ClaimsDigestTag, 32>;
using SpkiDigest = FixedBytes<struct SpkiDigestTag, 32>;

}  // namespace redoubt
