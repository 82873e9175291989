#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdlib>

#include "common/crypto/ecdsa_p256.h"
#include "common/crypto/openssl_error.h"
#include "common/crypto/openssl_handles.h"

namespace redoubt::crypto {
namespace {

using EcdsaSigPtr = std::unique_ptr<ECDSA_SIG, OpenSslFree<ECDSA_SIG_free>>;
using Pkcs8Ptr = std::unique_ptr<PKCS8_PRIV_KEY_INFO, OpenSslFree<PKCS8_PRIV_KEY_INFO_free>>;

unsigned char* writable(std::span<std::byte> bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

// The one form we read: PrivateKeyInfo of RFC 5208 around ECPrivateKey of RFC 5915, everything fixed but the two keys.
//   [0]   36  version 0, id-ecPublicKey, prime256v1, OCTET STRING, version 1, OCTET STRING of 32
//   [36]  32  private key
//   [68]   5  [1], BIT STRING of 66 without unused bits
//   [73]  65  public key, uncompressed
constexpr std::string_view kHead(
    "\x30\x81\x87\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
    "\x04\x6d\x30\x6b\x02\x01\x01\x04\x20",
    36);
constexpr std::string_view kMiddle("\xa1\x44\x03\x42\x00\x04", 6);
constexpr std::size_t kPkcs8Size = 138;

bool has_our_form(ByteView der) {
  return der.size() == kPkcs8Size && equal(der.first(36), as_bytes(kHead)) &&
         equal(der.subspan(68, 6), as_bytes(kMiddle));
}

// The private key is in 1..n-1, the point is on the curve and is its multiple.
bool is_consistent(EVP_PKEY* key) {
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context != nullptr && EVP_PKEY_check(context.get()) == 1;
}

}  // namespace

struct EcdsaP256PrivateKey::State {
  PkeyPtr key;
};

EcdsaP256PrivateKey::EcdsaP256PrivateKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
EcdsaP256PrivateKey::EcdsaP256PrivateKey(EcdsaP256PrivateKey&&) noexcept = default;
EcdsaP256PrivateKey& EcdsaP256PrivateKey::operator=(EcdsaP256PrivateKey&&) noexcept = default;
EcdsaP256PrivateKey::~EcdsaP256PrivateKey() = default;

Result<EcdsaP256PrivateKey> EcdsaP256PrivateKey::generate() {
  auto state = std::make_unique<State>();
  state->key.reset(EVP_EC_gen(SN_X9_62_prime256v1));
  if (state->key == nullptr) return openssl_error("EVP_EC_gen");
  return EcdsaP256PrivateKey(std::move(state));
}

Result<EcdsaP256PrivateKey> EcdsaP256PrivateKey::from_pkcs8(const SecretBytes& der) {
  if (!has_our_form(der.reveal())) {
    return Error(Code::malformed, "private key: expected the 138-byte PKCS#8 form of a P-256 key with its public key");
  }
  const unsigned char* at = in(der.reveal());
  const Pkcs8Ptr info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  auto state = std::make_unique<State>();
  if (info != nullptr) state->key.reset(EVP_PKCS82PKEY(info.get()));
  if (state->key == nullptr || !is_consistent(state->key.get())) {
    clear_openssl_errors();
    return Error(Code::malformed, "private key: private and public part do not belong together");
  }
  return EcdsaP256PrivateKey(std::move(state));
}

SecretBytes EcdsaP256PrivateKey::pkcs8() const {
  const Pkcs8Ptr info(EVP_PKEY2PKCS8(state_->key.get()));
  unsigned char* der = nullptr;
  const int size = info == nullptr ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info.get(), &der);
  if (size <= 0) std::abort();
  SecretBytes bytes = SecretBytes::copy_of(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
  OPENSSL_clear_free(der, static_cast<std::size_t>(size));
  return bytes;
}

EcdsaP256PublicKey EcdsaP256PrivateKey::public_key() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(state_->key.get(), &der);
  if (size <= 0) std::abort();
  auto key = EcdsaP256PublicKey::from_spki(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
  OPENSSL_free(der);
  return std::move(key).value();
}

EcdsaP256Signature EcdsaP256PrivateKey::sign_digest(const Sha256Digest& digest) const {
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, state_->key.get(), nullptr));
  std::array<unsigned char, 80> der{};  // a P-256 signature has at most 72 bytes
  std::size_t size = der.size();
  if (context == nullptr || EVP_PKEY_sign_init(context.get()) != 1 ||
      EVP_PKEY_sign(context.get(), der.data(), &size, in(digest.view()), Sha256Digest::size) != 1) {
    std::abort();
  }
  const unsigned char* at = der.data();
  const EcdsaSigPtr numbers(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  EcdsaP256Signature signature;
  if (numbers == nullptr || BN_bn2binpad(ECDSA_SIG_get0_r(numbers.get()), writable(signature.r.array()), 32) != 32 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(numbers.get()), writable(signature.s.array()), 32) != 32) {
    std::abort();
  }
  return signature;
}

}  // namespace redoubt::crypto
