// RSASSA-PKCS1-v1_5 with SHA-1, for test vectors of old TPMs alone: whether a signature is the arithmetic that its origin says.
//
// SHA-1 collisions are known, so such a signature shows nothing about a message that somebody else had a say in: no decision may rest on
// it, and PublicKey, which every verifier uses, does not know it. Only client/sdk/conformance includes this header, and a test holds it
// to that. Key, message and signature are distrusted. RFC 8017 section 8.2. Pure and thread-safe.
#pragma once

#include "common/base/bytes.h"

namespace redoubt::crypto {

// legacy_rsa_sha1_verify: `spki` is a DER SubjectPublicKeyInfo of an RSA key of 2048 to 8192 bits. ok, `malformed` or `chain`.
Status legacy_rsa_sha1_verify(ByteView spki, ByteView message, ByteView signature);

}  // namespace redoubt::crypto
