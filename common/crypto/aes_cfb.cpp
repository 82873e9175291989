#include "common/crypto/aes_cfb.h"

#include <openssl/evp.h>

#include "common/crypto/openssl_error.h"
#include "common/crypto/openssl_handles.h"

namespace redoubt::crypto {
namespace {

constexpr std::size_t kKeySize = 16;
constexpr std::size_t kMaxSize = 4096;  // it carries secrets of a TPM, never files

Status run(bool encrypt, const SecretBytes& key, ByteView from, std::span<std::byte> to) {
  if (key.size() != kKeySize) {
    return Error(Code::malformed, "aes-128 key: expected 16 bytes, found " + std::to_string(key.size()));
  }
  if (from.size() > kMaxSize) return Error(Code::usage, "aes-128-cfb: more than 4096 bytes");
  if (from.empty()) return {};
  static constexpr unsigned char kZeroIv[16] = {};
  const CipherCtxPtr context(EVP_CIPHER_CTX_new());
  int size = 0;
  if (context == nullptr ||
      EVP_CipherInit_ex(context.get(), EVP_aes_128_cfb128(), nullptr,
                        reinterpret_cast<const unsigned char*>(key.reveal().data()), kZeroIv, encrypt ? 1 : 0) != 1 ||
      EVP_CipherUpdate(context.get(), reinterpret_cast<unsigned char*>(to.data()), &size,
                       reinterpret_cast<const unsigned char*>(from.data()), static_cast<int>(from.size())) != 1 ||
      static_cast<std::size_t>(size) != from.size()) {
    return openssl_error("EVP_CipherUpdate");
  }
  return {};
}

}  // namespace

Result<Bytes> aes128_cfb_encrypt(const SecretBytes& key, const SecretBytes& plaintext) {
  Bytes out(plaintext.size());
  REDOUBT_CHECK(run(true, key, plaintext.reveal(), out));
  return out;
}

Result<SecretBytes> aes128_cfb_decrypt(const SecretBytes& key, ByteView ciphertext) {
  SecretBytes out(ciphertext.size());
  REDOUBT_CHECK(run(false, key, ciphertext, out.writable()));
  return out;
}

}  // namespace redoubt::crypto
