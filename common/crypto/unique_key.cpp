// The deprecated calls on EC_KEY and RSA are used on purpose, and in this file alone: under OpenSSL 3.0 EVP_PKEY_verify needs a
// fresh context a call, with look-ups and locks that cost 3 to 17 % of a verification (bench/public_key shows both in one run).
// EVP_PKEY_CTX may not be shared between threads; EC_POINT and RSA that nobody changes may. What is changed stands once in each thread
// (Workspace).
#include "common/crypto/unique_key.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>

#include <cstdlib>

#include "common/base/der.h"
#include "common/crypto/digest_parts.h"
#include "common/crypto/key_algorithm.h"
#include "common/crypto/openssl_error.h"
#include "common/crypto/openssl_handles.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace redoubt::crypto {
namespace {

using BnPtr = std::unique_ptr<BIGNUM, OpenSslFree<BN_free>>;
using BnCtxPtr = std::unique_ptr<BN_CTX, OpenSslFree<BN_CTX_free>>;
struct FreeEcKey {
  void operator()(EC_KEY* key) const { EC_KEY_free(key); }
};
using EcKeyPtr = std::unique_ptr<EC_KEY, FreeEcKey>;
using EcdsaSigPtr = std::unique_ptr<ECDSA_SIG, OpenSslFree<ECDSA_SIG_free>>;

constexpr unsigned kMinModulusBits = 2048;
constexpr unsigned kMaxModulusBits = 8192;
constexpr unsigned long kRsaExponent = 65537;
constexpr std::size_t kMaxHash = 64;
constexpr std::size_t kMaxCoordinate = 48;
constexpr std::size_t kMaxSpki = 2048;  // RSA of 8192 bits has 1062

// Orders of the curves, SEC 2 sections 2.4.2 and 2.5.1.
constexpr auto kP256Order = octets("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
constexpr auto kP384Order =
    octets("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973");

// The groups and digests are made once and never freed: OpenSSL's own clean-up at exit would otherwise come first.
EC_GROUP* make_group(int curve) {
  EC_GROUP* group = EC_GROUP_new_by_curve_name(curve);
  if (group == nullptr) std::abort();
  return group;
}
const EC_GROUP* group_of(KeyKind curve) {
  static const EC_GROUP* const p256 = make_group(NID_X9_62_prime256v1);
  static const EC_GROUP* const p384 = make_group(NID_secp384r1);
  return curve == KeyKind::p256 ? p256 : p384;
}

// Workspace: what OpenSSL works in, for one curve and one thread. An EC_KEY has a group of its own: to make one copies the curve with all
// its numbers, which costs more than to read a point and see that it lies on the curve. So a key is its point alone, and this thread's
// EC_KEY is given that point for each verification, and its ECDSA_SIG the numbers of the signature. It holds public values only.
struct Workspace {
  explicit Workspace(KeyKind curve) : verifier(EC_KEY_new()), numbers(BN_CTX_new()), signature(ECDSA_SIG_new()), r(BN_new()), s(BN_new()) {
    const bool made = verifier != nullptr && numbers != nullptr && signature != nullptr && r != nullptr && s != nullptr &&
                      EC_KEY_set_group(verifier.get(), group_of(curve)) == 1 && ECDSA_SIG_set0(signature.get(), r, s) == 1;
    if (!made) std::abort();
  }
  EcKeyPtr verifier;
  BnCtxPtr numbers;
  EcdsaSigPtr signature;
  BIGNUM* r;  // both are the signature's
  BIGNUM* s;
};
// The TLS model is one that asks the loader for nothing at run time: with another, programs name the loader as a library that they need,
// and what is measured of them changes. It takes some hundred bytes of what a process has for libraries that are loaded late.
Workspace& workspace_of(KeyKind curve) {
  if (curve == KeyKind::p256) {
    [[gnu::tls_model("initial-exec")]] thread_local Workspace p256(KeyKind::p256);
    return p256;
  }
  [[gnu::tls_model("initial-exec")]] thread_local Workspace p384(KeyKind::p384);
  return p384;
}

EVP_MD* fetch(const char* name) {
  EVP_MD* algorithm = EVP_MD_fetch(nullptr, name, nullptr);
  if (algorithm == nullptr) std::abort();
  return algorithm;
}
const EVP_MD* algorithm_of(HashKind kind) {
  static const EVP_MD* const algorithms[] = {fetch("SHA2-256"), fetch("SHA2-384"), fetch("SHA2-512")};
  return algorithms[static_cast<std::size_t>(kind)];
}

std::size_t size_of(HashKind kind) { return kind == HashKind::sha256 ? 32 : kind == HashKind::sha384 ? 48 : 64; }
std::size_t field_size(KeyKind curve) { return curve == KeyKind::p256 ? 32 : 48; }
ByteView order_of(KeyKind curve) { return curve == KeyKind::p256 ? ByteView(kP256Order) : ByteView(kP384Order); }
std::string_view kind_text(KeyKind kind) { return kind == KeyKind::p256 ? "p-256" : kind == KeyKind::p384 ? "p-384" : "rsa"; }

void hash_into(HashKind kind, UniqueKey::Message parts, std::byte* digest) {
  const auto put = [&](const auto& taken) { std::ranges::copy(taken.view(), digest); };
  switch (kind) {
    case HashKind::sha256: return put(sha256(parts));
    case HashKind::sha384: return put(sha384(parts));
    case HashKind::sha512: return put(sha512(parts));
  }
  std::abort();
}

bool is_ecdsa(SignatureScheme scheme) { return scheme <= SignatureScheme::ecdsa_sha512; }
bool is_pss(SignatureScheme scheme) { return scheme >= SignatureScheme::rsa_pss_sha256; }

bool is_zero(ByteView number) {
  return std::ranges::all_of(number, [](std::byte b) { return b == std::byte{0}; });
}

// in_range: 1 <= number < order; `number` is big-endian, of any length.
bool in_range(ByteView number, ByteView order) {
  if (number.size() > order.size() || is_zero(number)) return false;
  return number.size() < order.size() || std::ranges::lexicographical_compare(number, order);
}

Error refused_signature(SignatureScheme scheme, KeyKind kind, std::string_view why) {
  return Error(Code::chain, std::string(scheme_text(scheme)) + " signature does not verify under the given " +
                                std::string(kind_text(kind)) + " key: " + std::string(why));
}

}  // namespace

void UniqueKey::Free::operator()(ec_point_st* point) const { EC_POINT_free(point); }
void UniqueKey::Free::operator()(rsa_st* key) const { RSA_free(key); }

// `point` is uncompressed, 04 || x || y. Reading it checks the ranges and the curve equation; the cofactor of both curves is
// one, so that no check of the subgroup is needed.
Result<UniqueKey> UniqueKey::make_ec(KeyKind curve, ByteView point) {
  const std::string_view name = kind_text(curve);
  if (point.size() != 1 + 2 * field_size(curve) || point[0] != std::byte{4}) {
    return Error(Code::malformed, std::string(name) + " key: expected an uncompressed point of " +
                                      std::to_string(1 + 2 * field_size(curve)) + " bytes, found " +
                                      std::to_string(point.size()) + " bytes");
  }
  const EC_GROUP* const group = group_of(curve);
  Point key(EC_POINT_new(group));
  if (key == nullptr) return openssl_error("EC_POINT_new");
  if (EC_POINT_oct2point(group, key.get(), in(point), point.size(), workspace_of(curve).numbers.get()) != 1) {
    clear_openssl_errors();
    return Error(Code::malformed, std::string(name) + " key: the point is not on the curve");
  }
  return UniqueKey(curve, curve == KeyKind::p256 ? 256 : 384, std::move(key), nullptr);
}

Result<UniqueKey> UniqueKey::from_point(KeyKind curve, ByteView x, ByteView y) {
  if (curve == KeyKind::rsa) return Error(Code::usage, "public key: a point on no curve");
  const std::size_t size = field_size(curve);
  if (x.size() != size || y.size() != size) {
    return Error(Code::malformed, std::string(kind_text(curve)) + " key: expected coordinates of " + std::to_string(size) +
                                      " bytes, found " + std::to_string(x.size()) + " and " + std::to_string(y.size()));
  }
  std::array<std::byte, 1 + 2 * kMaxCoordinate> point{std::byte{4}};
  std::ranges::copy(y, std::ranges::copy(x, point.begin() + 1).out);
  return make_ec(curve, ByteView(point).first(1 + 2 * size));
}

Result<UniqueKey> UniqueKey::from_rsa(ByteView modulus) {
  if (modulus.empty() || modulus[0] == std::byte{0} || modulus.size() > kMaxModulusBits / 8) {
    return Error(Code::malformed, "rsa key: expected a modulus of 2048 to 8192 bits without leading zeros, found " +
                                      std::to_string(modulus.size()) + " bytes");
  }
  BnPtr n(BN_bin2bn(in(modulus), static_cast<int>(modulus.size()), nullptr));
  BnPtr e(BN_new());
  Rsa key(RSA_new());
  if (n == nullptr || e == nullptr || key == nullptr || BN_set_word(e.get(), kRsaExponent) != 1) return openssl_error("RSA_new");
  const auto bits = static_cast<unsigned>(BN_num_bits(n.get()));
  if (bits < kMinModulusBits || BN_is_odd(n.get()) == 0) {
    return Error(Code::malformed, "rsa key: expected an odd modulus of 2048 to 8192 bits, found " +
                                      std::string(BN_is_odd(n.get()) == 0 ? "an even one of " : "") + std::to_string(bits));
  }
  if (RSA_set0_key(key.get(), n.get(), e.get(), nullptr) != 1) return openssl_error("RSA_set0_key");
  (void)n.release();  // both belong to the key now
  (void)e.release();
  return UniqueKey(KeyKind::rsa, bits, nullptr, std::move(key));
}

Result<UniqueKey> UniqueKey::from_spki(ByteView der) {
  if (der.size() > kMaxSpki) {
    return Error(Code::malformed, "public key: expected at most 2048 bytes, found " + std::to_string(der.size()));
  }
  der::Reader outer(der, "public key");
  der::Reader info = outer.enter(der::Tag::sequence, "public key");
  const ByteView algorithm = info.element(der::Tag::sequence).whole;
  const ByteView key = info.bits();
  REDOUBT_CHECK(info.finish());
  REDOUBT_CHECK(outer.finish());
  if (equal(algorithm, kP256Algorithm) || equal(algorithm, kP384Algorithm)) {
    return make_ec(equal(algorithm, kP256Algorithm) ? KeyKind::p256 : KeyKind::p384, key);
  }
  if (!equal(algorithm, kRsaAlgorithm)) {
    return Error(Code::malformed, "public key: expected an algorithm of p-256, p-384 or rsa, found another");
  }
  der::Reader rsa_outer(key, "rsa key");
  der::Reader rsa = rsa_outer.enter(der::Tag::sequence, "rsa key");
  const ByteView modulus = rsa.unsigned_integer();
  const std::uint64_t exponent = rsa.small(std::uint64_t{1} << 62U);
  REDOUBT_CHECK(rsa.finish());
  REDOUBT_CHECK(rsa_outer.finish());
  if (exponent != kRsaExponent) {
    return Error(Code::malformed, "rsa key: expected the exponent 65537, found " + std::to_string(exponent));
  }
  return from_rsa(modulus);
}

bool UniqueKey::verify_ecdsa(ByteView digest, ByteView r, ByteView s) const {
  Workspace& work = workspace_of(kind_);
  // What could not be given this key or these numbers holds those before: it must not be asked.
  return BN_bin2bn(in(r), static_cast<int>(r.size()), work.r) != nullptr && BN_bin2bn(in(s), static_cast<int>(s.size()), work.s) != nullptr &&
         EC_KEY_set_public_key(work.verifier.get(), point_.get()) == 1 &&
         ECDSA_do_verify(in(digest), static_cast<int>(digest.size()), work.signature.get(), work.verifier.get()) == 1;
}

bool UniqueKey::verify_rsa(SignatureScheme scheme, ByteView digest, ByteView signature) const {
  const HashKind hash_kind = hash_of(scheme);
  const EVP_MD* const algorithm = algorithm_of(hash_kind);
  if (!is_pss(scheme)) {
    return RSA_verify(EVP_MD_get_type(algorithm), in(digest), static_cast<unsigned>(digest.size()), in(signature),
                      static_cast<unsigned>(signature.size()), rsa_.get()) == 1;
  }
  std::array<std::byte, kMaxModulusBits / 8> encoded;
  // RFC 8017 section 8.1.2: the encoded message first (OpenSSL refuses a signature not below the modulus), then EMSA-PSS.
  const int size = RSA_public_decrypt(static_cast<int>(signature.size()), in(signature), out(encoded.data()), rsa_.get(), RSA_NO_PADDING);
  return size == static_cast<int>(signature.size()) &&
         RSA_verify_PKCS1_PSS_mgf1(rsa_.get(), in(digest), algorithm, algorithm, out(encoded.data()),
                                   static_cast<int>(size_of(hash_kind))) == 1;
}

Status UniqueKey::verify(SignatureScheme scheme, Message message, ByteView signature) const {
  std::array<std::byte, kMaxHash> digest;
  hash_into(hash_of(scheme), message, digest.data());
  return verify_digest(scheme, ByteView(digest).first(size_of(hash_of(scheme))), signature);
}

Status UniqueKey::verify_raw(SignatureScheme scheme, Message message, ByteView signature) const {
  if (!is_ecdsa(scheme) || kind_ == KeyKind::rsa) return refused_signature(scheme, kind_, "the scheme and the key do not fit");
  const std::size_t size = field_size(kind_);
  if (signature.size() != 2 * size) {
    return refused_signature(scheme, kind_, "expected " + std::to_string(2 * size) + " bytes, found " + std::to_string(signature.size()));
  }
  const ByteView r = signature.first(size);
  const ByteView s = signature.last(size);
  if (!in_range(r, order_of(kind_)) || !in_range(s, order_of(kind_))) return refused_signature(scheme, kind_, "r or s is out of range");
  std::array<std::byte, kMaxHash> digest;
  hash_into(hash_of(scheme), message, digest.data());
  if (verify_ecdsa(ByteView(digest).first(size_of(hash_of(scheme))), r, s)) return {};
  clear_openssl_errors();
  return refused_signature(scheme, kind_, "another key, message or signature");
}

Status UniqueKey::verify_digest(SignatureScheme scheme, ByteView digest, ByteView signature) const {
  if (is_ecdsa(scheme) == (kind_ == KeyKind::rsa)) return refused_signature(scheme, kind_, "the scheme and the key do not fit");
  if (digest.size() != size_of(hash_of(scheme))) {
    return refused_signature(scheme, kind_, "a digest of " + std::to_string(digest.size()) + " bytes");
  }
  bool verified = false;
  if (kind_ == KeyKind::rsa) {
    if (signature.size() != (bits_ + 7) / 8) {
      return refused_signature(scheme, kind_, "expected " + std::to_string((bits_ + 7) / 8) + " bytes, found " + std::to_string(signature.size()));
    }
    verified = verify_rsa(scheme, digest, signature);
  } else {
    der::Reader outer(signature, "signature");
    der::Reader pair = outer.enter(der::Tag::sequence, "signature");
    const ByteView r = pair.unsigned_integer();
    const ByteView s = pair.unsigned_integer();
    if (!pair.finish().ok() || !outer.finish().ok()) return refused_signature(scheme, kind_, "not the DER of two integers");
    if (!in_range(r, order_of(kind_)) || !in_range(s, order_of(kind_))) return refused_signature(scheme, kind_, "r or s is out of range");
    verified = verify_ecdsa(digest, r, s);
  }
  if (verified) return {};
  clear_openssl_errors();
  return refused_signature(scheme, kind_, "another key, message or signature");
}

}  // namespace redoubt::crypto

#pragma GCC diagnostic pop
