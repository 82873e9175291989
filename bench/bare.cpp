#include "bench/bare.h"

#include <openssl/x509.h>

#include <cstdio>
#include <cstdlib>

#include "common/crypto/certificate_view.h"
#include "tests/support/intel_certificates.h"

namespace redoubt::bench {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

const unsigned char* in(ByteView view) { return reinterpret_cast<const unsigned char*>(view.data()); }

const EVP_MD* digest_of(crypto::HashKind hash) {
  return hash == crypto::HashKind::sha256 ? EVP_sha256() : hash == crypto::HashKind::sha384 ? EVP_sha384() : EVP_sha512();
}

EVP_PKEY* parse(ByteView spki) {
  const unsigned char* at = in(spki);
  return d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size()));
}

template <class T>
T or_exit(Result<T> result) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "bench_attest: %s\n", result.error().message().c_str());
  std::exit(1);
}

}  // namespace

void Bare::add(Key key, ByteView spki, crypto::HashKind hash, ByteView message, ByteView signature) {
  std::size_t at = 0;
  while (at < keys_.size() && !equal(keys_[at].spki, spki)) ++at;
  if (at == keys_.size()) keys_.push_back({to_bytes(spki), key, std::shared_ptr<EVP_PKEY>(parse(spki), Free())});
  signatures_.push_back({at, digest_of(hash), to_bytes(message), to_bytes(signature)});
}

void Bare::add_raw(Key key, ByteView spki, crypto::HashKind hash, ByteView message, ByteView signature) {
  const std::size_t half = signature.size() / 2;
  add(key, spki, hash, message, test::der_sequence({test::der_integer(signature.first(half)), test::der_integer(signature.last(half))}));
}

void Bare::add_chain(std::span<const Bytes> der, std::size_t known) {
  for (std::size_t i = 0; i + 1 < der.size(); ++i) {
    const auto child = or_exit(crypto::CertificateView::parse(der[i]));
    const auto issuer = or_exit(crypto::CertificateView::parse(der[i + 1]));
    add(i + 1 + known >= der.size() ? Key::known : Key::arrives, issuer.spki, crypto::hash_of(child.scheme), child.tbs, child.signature);
  }
}

void Bare::add_crl(Key key, ByteView spki, ByteView der) {
  const auto list = or_exit(crypto::CrlView::parse(der));
  add(key, spki, crypto::hash_of(list.scheme), list.tbs, list.signature);
}

bool Bare::verify(bool parse_keys) const {
  std::vector<std::unique_ptr<EVP_PKEY, Free>> parsed(keys_.size());
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  for (const Signature& one : signatures_) {
    const PublicKey& key = keys_[one.key];
    if (parse_keys && key.key == Key::arrives && parsed[one.key] == nullptr) parsed[one.key].reset(parse(key.spki));
    EVP_PKEY* const used = parsed[one.key] != nullptr ? parsed[one.key].get() : key.parsed.get();
    if (EVP_MD_CTX_reset(context.get()) != 1 ||  // else it keeps the key before
        EVP_DigestVerifyInit(context.get(), nullptr, one.digest, nullptr, used) != 1 ||
        EVP_DigestVerify(context.get(), in(one.signature), one.signature.size(), in(one.message), one.message.size()) != 1) {
      return false;
    }
  }
  return true;
}

}  // namespace redoubt::bench
