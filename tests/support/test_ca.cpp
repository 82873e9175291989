#include "tests/support/test_ca.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "tests/support/rsa_key.h"

namespace redoubt::test {
namespace {

// die ends the test program: what is not made right must not be tested against.
[[noreturn]] void die(std::string_view what) {
  std::fprintf(stderr, "test_ca: %s\n", std::string(what).c_str());
  std::abort();
}

void require(bool ok, std::string_view what) {
  if (!ok) die(what);
}

template <class T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* object) const { Free(object); }
};
using X509Ptr = std::unique_ptr<X509, Deleter<X509, X509_free>>;
using ContextPtr = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX, EVP_MD_CTX_free>>;

const unsigned char* octets(ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* octets(Bytes& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

X509Ptr read(const Bytes& der) {
  const unsigned char* at = octets(der);
  X509Ptr out(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  require(out != nullptr, "reading an issuer");
  return out;
}

}  // namespace

TestKey::TestKey(evp_pkey_st* key) : key_(key, EVP_PKEY_free) { require(key != nullptr, "making a key"); }
TestKey TestKey::p256() { return TestKey(EVP_EC_gen("P-256")); }
TestKey TestKey::p384() { return TestKey(EVP_EC_gen("P-384")); }
TestKey TestKey::rsa() { return TestKey(rsa_key(2048)); }

Bytes TestKey::sign_cose(ByteView message) const {
  const ContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;
  require(EVP_DigestSignInit(context.get(), &options, EVP_sha384(), nullptr, get()) == 1, "signing");
  const bool rsa = EVP_PKEY_get_base_id(get()) == EVP_PKEY_RSA;
  if (rsa) {
    require(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1, "padding");
    require(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1, "salt");
  }
  std::size_t size = 0;
  require(EVP_DigestSign(context.get(), nullptr, &size, octets(message), message.size()) == 1, "signing");
  Bytes signature(size);
  require(EVP_DigestSign(context.get(), octets(signature), &size, octets(message), message.size()) == 1, "signing");
  signature.resize(size);
  if (rsa) return signature;
  const unsigned char* at = octets(signature);
  ECDSA_SIG* parts = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size));
  const int field = (EVP_PKEY_get_bits(get()) + 7) / 8;
  Bytes raw(static_cast<std::size_t>(field) * 2);
  require(parts != nullptr && BN_bn2binpad(ECDSA_SIG_get0_r(parts), octets(raw), field) == field &&
              BN_bn2binpad(ECDSA_SIG_get0_s(parts), octets(raw) + field, field) == field,
          "writing r and s");
  ECDSA_SIG_free(parts);
  return raw;
}

TestCertificate issue(const CertificateSpec& spec, const TestKey& key, const TestCertificate* issuer) {
  static std::atomic<long> serial{0x1000};
  const X509Ptr out(X509_new());
  require(X509_set_version(out.get(), X509_VERSION_3) == 1, "version");
  require(ASN1_INTEGER_set(X509_get_serialNumber(out.get()), ++serial) == 1, "serial");
  require(ASN1_TIME_adj(X509_getm_notBefore(out.get()), spec.validity.begin.unix_seconds(), 0, 0) != nullptr, "begin");
  require(ASN1_TIME_adj(X509_getm_notAfter(out.get()), spec.validity.end.unix_seconds(), 0, 0) != nullptr, "end");
  for (const auto& [name, value] : spec.subject) {
    require(X509_NAME_add_entry_by_txt(X509_get_subject_name(out.get()), name.c_str(), MBSTRING_UTF8, octets(as_bytes(value)),
                                       static_cast<int>(value.size()), -1, 0) == 1,
            "subject");
  }
  require(X509_set_pubkey(out.get(), key.get()) == 1, "key");
  const X509Ptr parent = issuer != nullptr ? read(issuer->der) : nullptr;
  X509* above = parent != nullptr ? parent.get() : out.get();
  require(X509_set_issuer_name(out.get(), X509_get_subject_name(above)) == 1, "issuer");
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, above, out.get(), nullptr, nullptr, 0);
  for (const auto& [name, value] : spec.extensions) {
    X509_EXTENSION* extension = X509V3_EXT_nconf(nullptr, &context, name.c_str(), value.c_str());
    require(extension != nullptr, "extension " + name + " = " + value);
    require(X509_add_ext(out.get(), extension, -1) == 1, "extension");
    X509_EXTENSION_free(extension);
  }
  const EVP_MD* digest = EVP_get_digestbyname(spec.digest.c_str());
  require(X509_sign(out.get(), issuer != nullptr ? issuer->key.get() : key.get(), digest) > 0, "signing a certificate");
  Bytes der(static_cast<std::size_t>(i2d_X509(out.get(), nullptr)));
  unsigned char* at = octets(der);
  require(i2d_X509(out.get(), &at) > 0, "encoding a certificate");
  return {std::move(der), key};
}

}  // namespace redoubt::test
