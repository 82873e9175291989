#include "common/crypto/ed25519.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>

#include "common/base/encoding.h"
#include "common/crypto/openssl_error.h"
#include "common/crypto/openssl_handles.h"

namespace redoubt::crypto {
struct Ed25519PrivateKey::State {
  PkeyPtr key;
};

Ed25519PrivateKey::Ed25519PrivateKey(std::unique_ptr<State> state, const Ed25519PublicKey& public_key)
    : state_(std::move(state)), public_key_(public_key) {}
Ed25519PrivateKey::Ed25519PrivateKey(Ed25519PrivateKey&&) noexcept = default;
Ed25519PrivateKey& Ed25519PrivateKey::operator=(Ed25519PrivateKey&&) noexcept = default;
Ed25519PrivateKey::~Ed25519PrivateKey() = default;

Result<Ed25519PrivateKey> Ed25519PrivateKey::generate(Random& random) { return from_seed(random.secret(32)); }

Result<Ed25519PrivateKey> Ed25519PrivateKey::from_seed(const SecretBytes& seed) {
  if (seed.size() != 32) {
    return Error(Code::malformed, "ed25519 private key: expected 32 bytes, found " + std::to_string(seed.size()));
  }
  auto state = std::make_unique<State>();
  state->key.reset(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, in(seed.reveal()), seed.size()));
  if (state->key == nullptr) return openssl_error("EVP_PKEY_new_raw_private_key");
  Ed25519PublicKey public_key;
  std::size_t size = Ed25519PublicKey::size;
  if (EVP_PKEY_get_raw_public_key(state->key.get(), reinterpret_cast<unsigned char*>(public_key.array().data()),
                                  &size) != 1 ||
      size != Ed25519PublicKey::size) {
    return openssl_error("EVP_PKEY_get_raw_public_key");
  }
  return Ed25519PrivateKey(std::move(state), public_key);
}

SecretBytes Ed25519PrivateKey::seed() const {
  SecretBytes seed(32);
  std::size_t size = seed.size();
  if (EVP_PKEY_get_raw_private_key(state_->key.get(), reinterpret_cast<unsigned char*>(seed.writable().data()), &size) !=
      1) {
    std::abort();
  }
  return seed;
}

Ed25519Signature Ed25519PrivateKey::sign(ByteView message) const {
  Ed25519Signature signature;
  std::size_t size = Ed25519Signature::size;
  const MdCtxPtr context(EVP_MD_CTX_new());
  if (context == nullptr || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, state_->key.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.array().data()), &size, in(message),
                     message.size()) != 1 ||
      size != Ed25519Signature::size) {
    std::abort();
  }
  return signature;
}

namespace {

// The encodings of points whose order divides 8, without the sign of x (RFC 8032 section 5.1.3; two of them are not reduced).
constexpr std::string_view kSmallOrder[] = {
    "0000000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};

// has_small_order: a signature of zeros fits every few messages under such a key, the key of zeros among them. Keys are public.
bool has_small_order(const Ed25519PublicKey& key) {
  auto bytes = key.array();
  bytes.back() &= std::byte{0x7f};
  const std::string text = hex_encode(bytes);
  return std::ranges::find(kSmallOrder, text) != std::end(kSmallOrder);
}

}  // namespace

Status verify(const Ed25519PublicKey& key, ByteView message, const Ed25519Signature& signature) {
  if (has_small_order(key)) return Error(Code::chain, "ed25519 key " + key.hex() + " is a point of small order: anyone can sign for it");
  const PkeyPtr pkey(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, in(key.view()), Ed25519PublicKey::size));
  const MdCtxPtr context(EVP_MD_CTX_new());
  if (pkey == nullptr || context == nullptr ||
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) != 1) {
    return openssl_error("EVP_DigestVerifyInit");
  }
  if (EVP_DigestVerify(context.get(), in(signature.view()), Ed25519Signature::size, in(message), message.size()) != 1) {
    clear_openssl_errors();
    return Error(Code::chain, "ed25519 signature is not by key " + key.hex());
  }
  return {};
}

}  // namespace redoubt::crypto
