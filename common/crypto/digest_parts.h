// sha384 and sha512 of parts, one after another, as digest.h has sha256 of them. Private to this room.
#pragma once

#include "common/crypto/digest.h"

namespace redoubt::crypto {

Sha384Digest sha384(std::initializer_list<ByteView> parts);
Sha512Digest sha512(std::initializer_list<ByteView> parts);

}  // namespace redoubt::crypto
