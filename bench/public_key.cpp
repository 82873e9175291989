// What PublicKey and CertificateView cost beyond the bare primitive of OpenSSL, in one run on one machine.
//
//   build/release/bench/bench_public_key
//
// Of each key: `bare` is the least that OpenSSL needs (digest taken, signature in its own form, key and context prepared where its
// interface lets one keep them), `evp` is EVP_PKEY_verify with a context a call, as threads would have to use it, `ours` is
// PublicKey::verify_digest with a DER signature.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <benchmark/benchmark.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>

#include "common/crypto/certificate_view.h"

namespace {

using namespace redoubt;
using crypto::PublicKey;
using crypto::SignatureScheme;

const unsigned char* in(ByteView view) { return reinterpret_cast<const unsigned char*>(view.data()); }
unsigned char* out(Bytes& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

void must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "bench_public_key: %s\n", what);
  std::exit(1);
}

struct Case {
  const char* name;
  SignatureScheme scheme;
  EVP_PKEY* pair;
  Bytes digest;
  Bytes signature;
  Bytes spki;

  Case(const char* given, SignatureScheme given_scheme, EVP_PKEY* made) : name(given), scheme(given_scheme), pair(made) {
    must(pair != nullptr, "no key");
    digest = hash(hash_of(scheme), as_bytes("the message"));
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(pair, nullptr);
    must(EVP_PKEY_sign_init(context) == 1, "no signer");
    prepare(context);
    signature.resize(2048);
    std::size_t size = signature.size();
    must(EVP_PKEY_sign(context, out(signature), &size, in(digest), digest.size()) == 1, "no signature");
    signature.resize(size);
    EVP_PKEY_CTX_free(context);
    unsigned char* der = nullptr;
    const int spki_size = i2d_PUBKEY(pair, &der);
    must(spki_size > 0, "no public key");
    spki = to_bytes(std::as_bytes(std::span(der, static_cast<std::size_t>(spki_size))));
    OPENSSL_free(der);
  }
  void prepare(EVP_PKEY_CTX* context) const {
    const char* kNames[] = {"SHA256", "SHA384", "SHA512"};
    must(EVP_PKEY_CTX_set_signature_md(context, EVP_get_digestbyname(kNames[static_cast<int>(hash_of(scheme))])) == 1, "no digest");
    if (scheme < SignatureScheme::rsa_pss_sha256) return;
    must(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1,
         "no padding");
  }
};

void bare_ecdsa(benchmark::State& state, const Case& one) {
  EC_KEY* key = EVP_PKEY_get1_EC_KEY(one.pair);
  const unsigned char* at = in(one.signature);
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(one.signature.size()));
  for (auto _ : state) {
    must(ECDSA_do_verify(in(one.digest), static_cast<int>(one.digest.size()), signature, key) == 1, one.name);
  }
}

void bare_rsa(benchmark::State& state, const Case& one) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(one.pair, nullptr);
  must(EVP_PKEY_verify_init(context) == 1, "no verifier");
  one.prepare(context);
  for (auto _ : state) {
    must(EVP_PKEY_verify(context, in(one.signature), one.signature.size(), in(one.digest), one.digest.size()) == 1, one.name);
  }
}

void evp(benchmark::State& state, const Case& one) {
  for (auto _ : state) {
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(one.pair, nullptr);
    must(EVP_PKEY_verify_init(context) == 1, "no verifier");
    one.prepare(context);
    must(EVP_PKEY_verify(context, in(one.signature), one.signature.size(), in(one.digest), one.digest.size()) == 1, one.name);
    EVP_PKEY_CTX_free(context);
  }
}

void ours(benchmark::State& state, const Case& one) {
  const auto key = PublicKey::from_spki(one.spki).value();
  for (auto _ : state) must(key.verify_digest(one.scheme, one.digest, one.signature).ok(), one.name);
}

void from_spki(benchmark::State& state, const Case& one) {
  for (auto _ : state) must(PublicKey::from_spki(one.spki).ok(), one.name);
}

// A certificate like Intel's PCK leaves: a name of five attributes and seven extensions, one of them long.
Bytes certificate(const Case& issuer) {
  X509* x509 = X509_new();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), 0x1234567890abcdefU);
  for (const char* field : {"CN", "O", "L", "ST", "C"}) {
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), field, MBSTRING_ASC, reinterpret_cast<const unsigned char*>("US"), -1, -1, 0);
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(x509), field, MBSTRING_ASC, reinterpret_cast<const unsigned char*>("US"), -1, -1, 0);
  }
  ASN1_TIME_set(X509_getm_notBefore(x509), 1'700'000'000);
  ASN1_TIME_set(X509_getm_notAfter(x509), 1'800'000'000);
  X509_set_pubkey(x509, issuer.pair);
  const struct {
    const char* oid;
    std::size_t zeros;
    const char* value;
  } kExtensions[] = {{"2.5.29.35", 20, "30168014"}, {"2.5.29.31", 100, "0464"}, {"2.5.29.14", 20, "0414"}, {"2.5.29.15", 0, "030206c0"},
                     {"2.5.29.19", 0, "3000"},      {"1.2.840.113741.1.13.1", 512, "04820200"}};
  for (const auto& one : kExtensions) {
    Bytes value = hex_decode(one.value).value();
    value.resize(value.size() + one.zeros);
    ASN1_OBJECT* oid = OBJ_txt2obj(one.oid, 1);
    ASN1_OCTET_STRING* content = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(content, in(value), static_cast<int>(value.size()));
    X509_EXTENSION* extension = X509_EXTENSION_create_by_OBJ(nullptr, oid, 0, content);
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(content);
    ASN1_OBJECT_free(oid);
  }
  must(X509_sign(x509, issuer.pair, EVP_sha256()) > 0, "no certificate");
  unsigned char* der = nullptr;
  const int size = i2d_X509(x509, &der);
  must(size > 0, "no certificate");
  Bytes bytes = to_bytes(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
  OPENSSL_free(der);
  X509_free(x509);
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const std::vector<Case> cases = {{"p256", SignatureScheme::ecdsa_sha256, EVP_EC_gen("P-256")},
                                   {"p384", SignatureScheme::ecdsa_sha384, EVP_EC_gen("P-384")},
                                   {"rsa2048_pkcs1", SignatureScheme::rsa_pkcs1_sha256, EVP_RSA_gen(2048)},
                                   {"rsa4096_pss", SignatureScheme::rsa_pss_sha384, EVP_RSA_gen(4096)}};
  for (const Case& one : cases) {
    const std::string name = one.name;
    const bool rsa = one.scheme >= SignatureScheme::rsa_pkcs1_sha256;
    benchmark::RegisterBenchmark((name + "/bare").c_str(), [&, rsa](benchmark::State& state) { (rsa ? bare_rsa : bare_ecdsa)(state, one); });
    benchmark::RegisterBenchmark((name + "/evp").c_str(), [&](benchmark::State& state) { evp(state, one); });
    benchmark::RegisterBenchmark((name + "/ours").c_str(), [&](benchmark::State& state) { ours(state, one); });
    benchmark::RegisterBenchmark((name + "/from_spki").c_str(), [&](benchmark::State& state) { from_spki(state, one); });
  }
  const Bytes der = certificate(cases.front());
  benchmark::RegisterBenchmark("certificate/parse", [&](benchmark::State& state) {
    for (auto _ : state) must(crypto::CertificateView::parse(der).ok(), "no certificate");
  });
  benchmark::RegisterBenchmark("certificate/openssl", [&](benchmark::State& state) {
    for (auto _ : state) {
      const unsigned char* at = in(der);
      X509* x509 = d2i_X509(nullptr, &at, static_cast<long>(der.size()));
      must(x509 != nullptr, "no certificate");
      X509_free(x509);
    }
  });
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
