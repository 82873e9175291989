#include "common/crypto/public_key.h"

#include <cstdlib>

#include "common/crypto/key_algorithm.h"
#include "common/crypto/unique_key.h"

namespace redoubt::crypto {
namespace {

constexpr unsigned kMinRsaBits = 2048;
constexpr unsigned kMaxRsaBits = 8192;

}  // namespace

HashKind hash_of(SignatureScheme scheme) { return static_cast<HashKind>(static_cast<unsigned>(scheme) % 3); }

std::string_view scheme_text(SignatureScheme scheme) {
  switch (scheme) {
    case SignatureScheme::ecdsa_sha256: return "ecdsa-sha256";
    case SignatureScheme::ecdsa_sha384: return "ecdsa-sha384";
    case SignatureScheme::ecdsa_sha512: return "ecdsa-sha512";
    case SignatureScheme::rsa_pkcs1_sha256: return "rsa-pkcs1-sha256";
    case SignatureScheme::rsa_pkcs1_sha384: return "rsa-pkcs1-sha384";
    case SignatureScheme::rsa_pkcs1_sha512: return "rsa-pkcs1-sha512";
    case SignatureScheme::rsa_pss_sha256: return "rsa-pss-sha256";
    case SignatureScheme::rsa_pss_sha384: return "rsa-pss-sha384";
    case SignatureScheme::rsa_pss_sha512: return "rsa-pss-sha512";
  }
  std::abort();
}

Bytes hash(HashKind kind, ByteView bytes) {
  switch (kind) {
    case HashKind::sha256: return to_bytes(sha256(bytes).view());
    case HashKind::sha384: return to_bytes(sha384(bytes).view());
    case HashKind::sha512: return to_bytes(sha512(bytes).view());
  }
  std::abort();
}

struct PublicKey::State {
  UniqueKey key;
  Bytes spki;
};

Result<PublicKey> PublicKey::from_spki(ByteView der) {
  REDOUBT_TRY(UniqueKey key, UniqueKey::from_spki(der));
  return PublicKey(std::make_shared<const State>(State{std::move(key), to_bytes(der)}));
}

Result<PublicKey> PublicKey::from_point(KeyKind curve, ByteView x, ByteView y) {
  REDOUBT_TRY(UniqueKey key, UniqueKey::from_point(curve, x, y));
  const ByteView algorithm = curve == KeyKind::p256 ? ByteView(kP256Algorithm) : ByteView(kP384Algorithm);
  const std::size_t bits = 2 + x.size() + y.size();  // unused bits, 04, x, y
  Bytes spki;
  spki.reserve(4 + algorithm.size() + bits);
  for (const std::size_t octet : {std::size_t{0x30}, algorithm.size() + 2 + bits}) spki.push_back(static_cast<std::byte>(octet));
  append(spki, algorithm);
  for (const std::size_t octet : {std::size_t{3}, bits, std::size_t{0}, std::size_t{4}}) spki.push_back(static_cast<std::byte>(octet));
  append(spki, x);
  append(spki, y);
  return PublicKey(std::make_shared<const State>(State{std::move(key), std::move(spki)}));
}

Result<PublicKey> PublicKey::from_rsa(ByteView modulus) {
  if (modulus.size() < kMinRsaBits / 8 || modulus.size() > kMaxRsaBits / 8) {
    return Error(Code::malformed, "rsa key: expected a modulus of 2048 to 8192 bits, found " + std::to_string(modulus.size()) + " bytes");
  }
  REDOUBT_TRY(UniqueKey key, UniqueKey::from_rsa(modulus));
  // Everything here is 256 to 65535 bytes long, so that every length but the exponent's has the two-octet form.
  Bytes der;
  const auto element = [](Bytes content, unsigned tag) {
    const auto size = static_cast<unsigned>(content.size());
    Bytes whole;
    for (const unsigned octet : {tag, 0x82U, size >> 8U, size & 0xffU}) whole.push_back(static_cast<std::byte>(octet));
    append(whole, content);
    return whole;
  };
  Bytes number;
  if ((modulus[0] & std::byte{0x80}) != std::byte{0}) number.push_back(std::byte{0});
  append(number, modulus);
  der = element(std::move(number), 0x02);
  append(der, octets("0203010001"));
  der = element(std::move(der), 0x30);
  der.insert(der.begin(), std::byte{0});
  der = element(std::move(der), 0x03);
  der.insert(der.begin(), kRsaAlgorithm.begin(), kRsaAlgorithm.end());
  der = element(std::move(der), 0x30);
  return PublicKey(std::make_shared<const State>(State{std::move(key), std::move(der)}));
}

KeyKind PublicKey::kind() const { return state_->key.kind(); }
unsigned PublicKey::bits() const { return state_->key.bits(); }
ByteView PublicKey::spki() const { return state_->spki; }

Status PublicKey::verify(SignatureScheme scheme, ByteView message, ByteView signature) const {
  return state_->key.verify(scheme, {message}, signature);
}

Status PublicKey::verify_raw(SignatureScheme scheme, ByteView message, ByteView signature) const {
  return state_->key.verify_raw(scheme, {message}, signature);
}

Status PublicKey::verify_digest(SignatureScheme scheme, ByteView digest, ByteView signature) const {
  return state_->key.verify_digest(scheme, digest, signature);
}

}  // namespace redoubt::crypto
