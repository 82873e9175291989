// The deprecated calls on SHA256_CTX and SHA512_CTX are used on purpose: EVP_Digest allocates two contexts a call, which costs more
// than hashing a key or a PCR.
#include "common/crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <cstdlib>

#include "common/crypto/digest_parts.h"
#include "common/crypto/openssl_handles.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace redoubt::crypto {
namespace {

// Digests fail only when memory is gone: there is nothing a caller could do.
void must(bool ok) {
  if (!ok) std::abort();
}


template <class Digest, auto Init, auto Update, auto Final>
Digest hash(auto context, std::initializer_list<ByteView> parts) {
  Digest digest;
  must(Init(&context) == 1);
  for (const ByteView part : parts) must(Update(&context, part.data(), part.size()) == 1);
  must(Final(out(digest.array().data()), &context) == 1);
  OPENSSL_cleanse(&context, sizeof context);
  return digest;
}

}  // namespace

Sha256Digest sha256(std::initializer_list<ByteView> parts) {
  return hash<Sha256Digest, SHA256_Init, SHA256_Update, SHA256_Final>(SHA256_CTX(), parts);
}

Sha256Digest sha256(ByteView bytes) { return sha256({bytes}); }

Sha384Digest sha384(std::initializer_list<ByteView> parts) {
  return hash<Sha384Digest, SHA384_Init, SHA384_Update, SHA384_Final>(SHA512_CTX(), parts);
}

Sha384Digest sha384(ByteView bytes) { return sha384({bytes}); }

Sha512Digest sha512(std::initializer_list<ByteView> parts) {
  return hash<Sha512Digest, SHA512_Init, SHA512_Update, SHA512_Final>(SHA512_CTX(), parts);
}

Sha512Digest sha512(ByteView bytes) { return sha512({bytes}); }

struct Sha256::State {
  MdCtxPtr context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  must(state_->context != nullptr && EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

Sha256& Sha256::update(ByteView bytes) {
  must(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
  return *this;
}

Sha256Digest Sha256::finish() {
  Sha256Digest digest;
  must(EVP_DigestFinal_ex(state_->context.get(), out(digest.array().data()), nullptr) == 1);
  return digest;
}

SecretBytes hmac_sha256(ByteView key, ByteView bytes) {
  SecretBytes mac(32);
  static const unsigned char kEmpty = 0;  // OpenSSL reads a null key as "the key of the call before"
  const unsigned char* key_bytes = key.empty() ? &kEmpty : in(key);
  must(HMAC(EVP_sha256(), key_bytes, static_cast<int>(key.size()), in(bytes), bytes.size(), out(mac.writable().data()),
            nullptr) != nullptr);
  return mac;
}

SecretBytes hkdf_extract(ByteView salt, ByteView input_key) { return hmac_sha256(salt, input_key); }

SecretBytes hkdf_expand(ByteView pseudo_random_key, ByteView info, std::size_t size) {
  must(size <= 255 * 32);
  SecretBytes output(size);
  SecretBytes previous;
  std::size_t done = 0;
  for (unsigned char counter = 1; done < size; ++counter) {
    SecretBytes block(previous.size() + info.size() + 1);
    auto rest = std::ranges::copy(previous.reveal(), block.writable().begin()).out;
    rest = std::ranges::copy(info, rest).out;
    *rest = static_cast<std::byte>(counter);
    previous = hmac_sha256(pseudo_random_key, block.reveal());
    const std::size_t take = std::min<std::size_t>(previous.size(), size - done);
    std::ranges::copy(previous.reveal().first(take), output.writable().begin() + static_cast<std::ptrdiff_t>(done));
    done += take;
  }
  return output;
}

}  // namespace redoubt::crypto

#pragma GCC diagnostic pop
