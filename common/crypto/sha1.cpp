#include "common/crypto/sha1.h"

#include <openssl/sha.h>

namespace redoubt::crypto {

Sha1Digest legacy_sha1(ByteView bytes) {
  Sha1Digest digest;
  // The one-call function skips the provider look-up, which costs more than a short hash.
  SHA1(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), reinterpret_cast<unsigned char*>(digest.array().data()));
  return digest;
}

}  // namespace redoubt::crypto
