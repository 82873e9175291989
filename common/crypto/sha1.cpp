#include "common/crypto/sha1.h"

#include <openssl/evp.h>

#include <cstdlib>

namespace redoubt::crypto {

Sha1Digest legacy_sha1(ByteView bytes) {
  Sha1Digest digest;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.array().data()), nullptr, EVP_sha1(),
                 nullptr) != 1) {
    std::abort();
  }
  return digest;
}

}  // namespace redoubt::crypto
