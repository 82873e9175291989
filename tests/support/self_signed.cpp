#include "tests/support/self_signed.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>

namespace redoubt::test {
namespace {

void require(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "self-signed certificate: %s\n", what);
  std::abort();
}

std::string text_of(BIO* bio) {
  std::string out(BIO_ctrl_pending(bio), '\0');
  require(BIO_read(bio, out.data(), static_cast<int>(out.size())) == static_cast<int>(out.size()), "reading");
  return out;
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "extension");
  X509_EXTENSION_free(extension);
}

}  // namespace

SelfSigned self_signed(const std::vector<std::string>& names, int days) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
  require(key && certificate, "making a key");
  X509* const x = certificate.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -2L * 365 * 86400);
  X509_gmtime_adj(X509_getm_notAfter(x), 86400L * days);
  X509_NAME* const name = X509_get_subject_name(x);
  const unsigned char common_name[] = "redoubt test";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
  X509_set_issuer_name(x, name);
  X509_set_pubkey(x, key.get());
  std::string alternatives;
  for (const std::string& item : names) {
    const bool address = item.find_first_not_of("0123456789.") == std::string::npos || item.find(':') != std::string::npos;
    alternatives += (alternatives.empty() ? "" : ",") + std::string(address ? "IP:" : "DNS:") + item;
  }
  if (!alternatives.empty()) add_extension(x, NID_subject_alt_name, alternatives);
  add_extension(x, NID_basic_constraints, "critical,CA:FALSE");
  require(X509_sign(x, key.get(), EVP_sha256()) > 0, "signing");

  const std::unique_ptr<BIO, decltype(&BIO_free_all)> certificate_bio(BIO_new(BIO_s_mem()), &BIO_free_all);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> key_bio(BIO_new(BIO_s_mem()), &BIO_free_all);
  require(PEM_write_bio_X509(certificate_bio.get(), x) == 1, "writing");
  require(PEM_write_bio_PKCS8PrivateKey(key_bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1, "writing");
  return {text_of(certificate_bio.get()), text_of(key_bio.get())};
}

}  // namespace redoubt::test
