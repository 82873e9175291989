#include "common/crypto/rsa_oaep.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <cstring>

#include "common/crypto/openssl_error.h"
#include "common/crypto/openssl_handles.h"

namespace redoubt::crypto {
namespace {

constexpr int kMinBits = 2048;
constexpr int kMaxBits = 4096;
constexpr std::size_t kOaepOverhead = 2 * 32 + 2;

using BignumPtr = std::unique_ptr<BIGNUM, OpenSslFree<BN_free>>;
using ParamBuildPtr = std::unique_ptr<OSSL_PARAM_BLD, OpenSslFree<OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, OpenSslFree<OSSL_PARAM_free>>;


BignumPtr number_of(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  return BignumPtr(number);
}

}  // namespace

struct RsaPublicKey::State {
  PkeyPtr key;
  Bytes modulus;
  std::uint64_t exponent = 0;
};

RsaPublicKey::RsaPublicKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
RsaPublicKey::RsaPublicKey(RsaPublicKey&&) noexcept = default;
RsaPublicKey& RsaPublicKey::operator=(RsaPublicKey&&) noexcept = default;
RsaPublicKey::~RsaPublicKey() = default;

Result<RsaPublicKey> RsaPublicKey::checked(std::unique_ptr<State> state) {
  EVP_PKEY* const key = state->key.get();
  if (EVP_PKEY_is_a(key, "RSA") != 1) return Error(Code::malformed, "rsa key: expected a key for rsaEncryption");
  const BignumPtr modulus = number_of(key, OSSL_PKEY_PARAM_RSA_N);
  const BignumPtr exponent = number_of(key, OSSL_PKEY_PARAM_RSA_E);
  clear_openssl_errors();
  if (modulus == nullptr || exponent == nullptr) return Error(Code::malformed, "rsa key: no modulus or exponent");
  const int bits = BN_num_bits(modulus.get());
  if (bits < kMinBits || bits > kMaxBits || BN_is_odd(modulus.get()) == 0) {
    return Error(Code::malformed, "rsa key: expected an odd modulus of 2048 to 4096 bits, found " + std::to_string(bits) + " bits");
  }
  if (BN_num_bits(exponent.get()) < 17 || BN_num_bits(exponent.get()) > 64 || BN_is_odd(exponent.get()) == 0) {
    return Error(Code::malformed, "rsa key: expected an odd exponent above 2^16");
  }
  state->modulus.resize(static_cast<std::size_t>(BN_num_bytes(modulus.get())));
  BN_bn2bin(modulus.get(), reinterpret_cast<unsigned char*>(state->modulus.data()));
  state->exponent = BN_get_word(exponent.get());
  return RsaPublicKey(std::move(state));
}

Result<RsaPublicKey> RsaPublicKey::from_spki(ByteView der) {
  const unsigned char* at = in(der);
  auto state = std::make_unique<State>();
  state->key.reset(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  clear_openssl_errors();
  if (state->key == nullptr) return Error(Code::malformed, "rsa key: not a DER SubjectPublicKeyInfo");
  if (at != in(der) + der.size()) return Error(Code::malformed, "rsa key: trailing bytes");
  return checked(std::move(state));
}

Result<RsaPublicKey> RsaPublicKey::from_numbers(ByteView modulus, std::uint64_t exponent) {
  if (modulus.size() > kMaxBits / 8) return Error(Code::malformed, "rsa key: modulus of more than 512 bytes");
  const BignumPtr n(BN_bin2bn(in(modulus), static_cast<int>(modulus.size()), nullptr));
  const BignumPtr e(BN_new());
  const ParamBuildPtr build(OSSL_PARAM_BLD_new());
  if (n == nullptr || e == nullptr || build == nullptr || BN_set_word(e.get(), exponent) != 1 ||
      OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return openssl_error("OSSL_PARAM_BLD_push_BN");
  }
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(build.get()));
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1) {
    return openssl_error("EVP_PKEY_fromdata_init");
  }
  const int made = EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get());
  auto state = std::make_unique<State>();
  state->key.reset(key);
  clear_openssl_errors();
  if (made != 1) return Error(Code::malformed, "rsa key: not a modulus and an exponent");
  return checked(std::move(state));
}

const Bytes& RsaPublicKey::modulus() const { return state_->modulus; }
std::uint64_t RsaPublicKey::exponent() const { return state_->exponent; }

Result<Bytes> RsaPublicKey::encrypt_oaep(ByteView label, const SecretBytes& message) const {
  if (message.size() + kOaepOverhead > state_->modulus.size()) {
    return Error(Code::usage, "rsa-oaep: a message of " + std::to_string(message.size()) + " bytes does not fit");
  }
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, state_->key.get(), nullptr));
  if (context == nullptr || EVP_PKEY_encrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) != 1) {
    return openssl_error("EVP_PKEY_encrypt_init");
  }
  if (!label.empty()) {
    // set0: the context takes the copy, and frees it, once the call has succeeded.
    void* const copy = OPENSSL_memdup(label.data(), label.size());
    if (copy == nullptr || EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), copy, static_cast<int>(label.size())) != 1) {
      OPENSSL_free(copy);
      return openssl_error("EVP_PKEY_CTX_set0_rsa_oaep_label");
    }
  }
  Bytes out(state_->modulus.size());
  std::size_t size = out.size();
  if (EVP_PKEY_encrypt(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, in(message.reveal()),
                       message.size()) != 1 ||
      size != out.size()) {
    return openssl_error("EVP_PKEY_encrypt");
  }
  return out;
}

}  // namespace redoubt::crypto
