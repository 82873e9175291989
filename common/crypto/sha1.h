// SHA-1 (FIPS 180-4), for comparing with columns that the world still writes in it (the kernel's IMA list). Collisions are
// known: no decision may rest on it. Pure and thread-safe.
#pragma once

#include "common/base/bytes.h"

namespace redoubt::crypto {

using Sha1Digest = FixedBytes<struct Sha1Tag, 20>;

Sha1Digest legacy_sha1(ByteView bytes);

}  // namespace redoubt::crypto
