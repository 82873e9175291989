#include "common/crypto/ecdsa_p256.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "common/crypto/openssl_error.h"
#include "common/crypto/openssl_handles.h"

namespace redoubt::crypto {
namespace {

constexpr std::size_t kCoordinate = 32;

using EcdsaSigPtr = std::unique_ptr<ECDSA_SIG, OpenSslFree<ECDSA_SIG_free>>;


bool is_p256(EVP_PKEY* key) {
  char group[32] = {};
  std::size_t size = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
         std::string_view(group, size) == SN_X9_62_prime256v1;
}

}  // namespace

Result<EcdsaP256Signature> EcdsaP256Signature::from_bytes(ByteView bytes) {
  if (bytes.size() != 2 * kCoordinate) {
    return Error(Code::malformed, "ecdsa signature: expected 64 bytes, found " + std::to_string(bytes.size()));
  }
  EcdsaP256Signature signature;
  std::ranges::copy(bytes.first(kCoordinate), signature.r.array().begin());
  std::ranges::copy(bytes.last(kCoordinate), signature.s.array().begin());
  return signature;
}

struct EcdsaP256PublicKey::State {
  PkeyPtr key;
};

EcdsaP256PublicKey::EcdsaP256PublicKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
EcdsaP256PublicKey::EcdsaP256PublicKey(EcdsaP256PublicKey&&) noexcept = default;
EcdsaP256PublicKey& EcdsaP256PublicKey::operator=(EcdsaP256PublicKey&&) noexcept = default;
EcdsaP256PublicKey::~EcdsaP256PublicKey() = default;

Result<EcdsaP256PublicKey> EcdsaP256PublicKey::from_point(ByteView x, ByteView y) {
  if (x.size() != kCoordinate || y.size() != kCoordinate) {
    return Error(Code::malformed, "p-256 point: expected coordinates of 32 and 32 bytes, found " +
                                      std::to_string(x.size()) + " and " + std::to_string(y.size()));
  }
  Bytes point{std::byte{4}};  // uncompressed, SEC 1 section 2.3.3
  append(point, x);
  append(point, y);
  char group[] = SN_X9_62_prime256v1;
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                         OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
                         OSSL_PARAM_construct_end()};
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1) return openssl_error("EVP_PKEY_fromdata_init");
  EVP_PKEY* key = nullptr;
  const int made = EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params);
  auto state = std::make_unique<State>();
  state->key.reset(key);
  if (made != 1) {
    clear_openssl_errors();
    return Error(Code::malformed, "p-256 point: not on the curve");
  }
  return EcdsaP256PublicKey(std::move(state));
}

Result<EcdsaP256PublicKey> EcdsaP256PublicKey::from_spki(ByteView der) {
  const unsigned char* at = in(der);
  auto state = std::make_unique<State>();
  state->key.reset(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  if (state->key == nullptr) {
    clear_openssl_errors();
    return Error(Code::malformed, "public key: not a DER SubjectPublicKeyInfo");
  }
  if (at != in(der) + der.size()) return Error(Code::malformed, "public key: trailing bytes");
  if (!is_p256(state->key.get())) return Error(Code::malformed, "public key: expected an EC key on P-256");
  EcdsaP256PublicKey key(std::move(state));
  // One spelling: a re-encoding differs when the input used another point form or non-minimal DER.
  if (!equal(key.spki(), der)) return Error(Code::malformed, "public key: not in the usual DER form");
  return key;
}

Bytes EcdsaP256PublicKey::spki() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(state_->key.get(), &der);
  if (size <= 0) std::abort();
  const Bytes out = to_bytes(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
  OPENSSL_free(der);
  return out;
}

Status EcdsaP256PublicKey::verify_digest(const Sha256Digest& digest, ByteView r, ByteView s) const {
  const Error refused(Code::chain, "ecdsa signature does not verify under the given p-256 key");
  if (r.size() > kCoordinate || s.size() > kCoordinate) return refused;
  const EcdsaSigPtr signature(ECDSA_SIG_new());
  BIGNUM* r_number = BN_bin2bn(in(r), static_cast<int>(r.size()), nullptr);
  BIGNUM* s_number = BN_bin2bn(in(s), static_cast<int>(s.size()), nullptr);
  if (signature == nullptr || r_number == nullptr || s_number == nullptr ||
      ECDSA_SIG_set0(signature.get(), r_number, s_number) != 1) {
    BN_free(r_number);
    BN_free(s_number);
    return openssl_error("ECDSA_SIG_set0");
  }
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  if (size <= 0) return openssl_error("i2d_ECDSA_SIG");
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, state_->key.get(), nullptr));
  const bool ok = context != nullptr && EVP_PKEY_verify_init(context.get()) == 1 &&
                  EVP_PKEY_verify(context.get(), der, static_cast<std::size_t>(size), in(digest.view()),
                                  Sha256Digest::size) == 1;
  OPENSSL_free(der);
  if (!ok) {
    clear_openssl_errors();
    return refused;
  }
  return {};
}

}  // namespace redoubt::crypto
