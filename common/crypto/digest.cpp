#include "common/crypto/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdlib>

#include "common/crypto/openssl_handles.h"

namespace redoubt::crypto {
namespace {

// Digests fail only when memory is gone: there is nothing a caller could do.
void must(bool ok) {
  if (!ok) std::abort();
}


// fetched: looked up once and kept for the life of the process. EVP_sha256(), and SHA256() too, ask the provider at each call, which
// costs more than a short hash.
const EVP_MD* fetched(const char* name) {
  const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, name, nullptr);
  must(algorithm != nullptr);
  return algorithm;
}

template <class Digest>
Digest hash(const EVP_MD* algorithm, ByteView bytes) {
  Digest digest;
  must(EVP_Digest(bytes.data(), bytes.size(), out(digest.array().data()), nullptr, algorithm, nullptr) == 1);
  return digest;
}

}  // namespace

Sha256Digest sha256(ByteView bytes) {
  static const EVP_MD* const algorithm = fetched("SHA256");
  return hash<Sha256Digest>(algorithm, bytes);
}

Sha256Digest sha256(std::initializer_list<ByteView> parts) {
  Bytes joined;
  for (const ByteView part : parts) append(joined, part);
  return sha256(joined);
}

Sha384Digest sha384(ByteView bytes) {
  static const EVP_MD* const algorithm = fetched("SHA384");
  return hash<Sha384Digest>(algorithm, bytes);
}

Sha512Digest sha512(ByteView bytes) {
  static const EVP_MD* const algorithm = fetched("SHA512");
  return hash<Sha512Digest>(algorithm, bytes);
}

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
