#include "tests/support/evidence_token.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "common/base/encoding.h"
#include "tests/support/rsa_key.h"

namespace redoubt::test {
namespace {

template <class T>
T* must(T* pointer) {
  if (pointer == nullptr) std::abort();
  return pointer;
}
void must(bool ok) {
  if (!ok) std::abort();
}

template <class T, void (*F)(T*)>
struct Freed {
  void operator()(T* pointer) const { F(pointer); }
};
template <class T, void (*F)(T*)>
using Owned = std::unique_ptr<T, Freed<T, F>>;

Bytes number(const BIGNUM* value, std::size_t size) {
  Bytes out(size);
  must(BN_bn2binpad(value, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(size)) == static_cast<int>(size));
  return out;
}

Bytes parameter(const Signer& key, const char* name, std::size_t size) {
  BIGNUM* value = nullptr;
  must(EVP_PKEY_get_bn_param(key.get(), name, &value) == 1);
  const Owned<BIGNUM, BN_free> owned(value);
  return number(value, size == 0 ? static_cast<std::size_t>(BN_num_bytes(value)) : size);
}

template <class F>
Bytes encode(F i2d) {
  unsigned char* out = nullptr;
  const int size = i2d(&out);
  must(size > 0);
  Bytes bytes(reinterpret_cast<std::byte*>(out), reinterpret_cast<std::byte*>(out) + size);
  OPENSSL_free(out);
  return bytes;
}

std::size_t field_size(SignerKind kind) { return kind == SignerKind::p384 ? 48 : 32; }

void name(X509_NAME* out, const std::string& text) {
  must(X509_NAME_add_entry_by_txt(out, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0) == 1);
}

void extend(X509* certificate, int nid, const char* value) {
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(must(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value)));
  must(X509_add_ext(certificate, extension.get(), -1) == 1);
}

void extend(X509* certificate, const SignerExtension& wanted) {
  const Owned<ASN1_OBJECT, ASN1_OBJECT_free> oid(must(OBJ_txt2obj(wanted.oid.c_str(), 1)));
  const Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> value(must(ASN1_OCTET_STRING_new()));
  must(ASN1_OCTET_STRING_set(value.get(), reinterpret_cast<const unsigned char*>(wanted.value.data()),
                             static_cast<int>(wanted.value.size())) == 1);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
      must(X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), wanted.critical ? 1 : 0, value.get())));
  must(X509_add_ext(certificate, extension.get(), -1) == 1);
}

}  // namespace

Signer::Signer(SignerKind kind) : kind_(kind) {
  EVP_PKEY* key = kind == SignerKind::rsa2048 ? rsa_key(2048) : EVP_EC_gen(kind == SignerKind::p256 ? "P-256" : "P-384");
  key_ = std::shared_ptr<EVP_PKEY>(must(key), EVP_PKEY_free);
}

Bytes Signer::spki() const {
  return encode([&](unsigned char** out) { return i2d_PUBKEY(key_.get(), out); });
}

Bytes Signer::modulus() const { return parameter(*this, OSSL_PKEY_PARAM_RSA_N, 0); }

std::pair<Bytes, Bytes> Signer::point() const {
  return {parameter(*this, OSSL_PKEY_PARAM_EC_PUB_X, field_size(kind_)), parameter(*this, OSSL_PKEY_PARAM_EC_PUB_Y, field_size(kind_))};
}

Bytes Signer::sign(std::string_view algorithm, std::string_view text) const {
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(must(EVP_MD_CTX_new()));
  EVP_PKEY_CTX* parameters = nullptr;
  const EVP_MD* digest = algorithm.ends_with("512") ? EVP_sha512() : algorithm.ends_with("384") ? EVP_sha384() : EVP_sha256();
  must(EVP_DigestSignInit(context.get(), &parameters, digest, nullptr, key_.get()) == 1);
  if (algorithm.starts_with("PS")) {
    must(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
    must(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  std::size_t size = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  must(EVP_DigestSign(context.get(), nullptr, &size, data, text.size()) == 1);
  Bytes out(size);
  must(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, data, text.size()) == 1);
  out.resize(size);
  if (!algorithm.starts_with("ES")) return out;
  const auto* der = reinterpret_cast<const unsigned char*>(out.data());
  const Owned<ECDSA_SIG, ECDSA_SIG_free> signature(must(d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(size))));
  Bytes raw = number(ECDSA_SIG_get0_r(signature.get()), field_size(kind_));
  append(raw, number(ECDSA_SIG_get0_s(signature.get()), field_size(kind_)));
  return raw;
}

const Signer& test_signer(SignerKind kind, const std::string& name) {
  static std::map<std::pair<SignerKind, std::string>, Signer> keys;
  return keys.try_emplace({kind, name}, kind).first->second;
}

Bytes signer_certificate(const SignerCertificate& profile, const Signer& subject_key, const Signer& issuer_key) {
  const Owned<X509, X509_free> certificate(must(X509_new()));
  X509* const x = certificate.get();
  must(X509_set_version(x, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), 77) == 1);
  name(X509_get_subject_name(x), profile.subject);
  name(X509_get_issuer_name(x), profile.issuer);
  must(ASN1_TIME_set(X509_getm_notBefore(x), profile.begin.unix_seconds()) != nullptr);
  must(ASN1_TIME_set(X509_getm_notAfter(x), profile.end.unix_seconds()) != nullptr);
  must(X509_set_pubkey(x, subject_key.get()) == 1);
  extend(x, NID_basic_constraints, profile.ca ? "critical,CA:TRUE" : "CA:FALSE");
  if (profile.key_usage) extend(x, NID_key_usage, profile.ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  for (const SignerExtension& extension : profile.extensions) extend(x, extension);
  must(X509_sign(x, issuer_key.get(), must(EVP_get_digestbyname(profile.digest.c_str()))) > 0);
  return encode([&](unsigned char** out) { return i2d_X509(x, out); });
}

Bytes signer_crl(const std::string& issuer, const Signer& key, const std::vector<long>& revoked, Interval window) {
  const Owned<X509_CRL, X509_CRL_free> list(must(X509_CRL_new()));
  X509_CRL* const x = list.get();
  must(X509_CRL_set_version(x, X509_CRL_VERSION_2) == 1);
  const Owned<X509_NAME, X509_NAME_free> by(must(X509_NAME_new()));
  name(by.get(), issuer);
  must(X509_CRL_set_issuer_name(x, by.get()) == 1);
  const Owned<ASN1_TIME, ASN1_TIME_free> begin(must(ASN1_TIME_set(nullptr, window.begin.unix_seconds())));
  const Owned<ASN1_TIME, ASN1_TIME_free> end(must(ASN1_TIME_set(nullptr, window.end.unix_seconds())));
  must(X509_CRL_set1_lastUpdate(x, begin.get()) == 1 && X509_CRL_set1_nextUpdate(x, end.get()) == 1);
  for (const long serial : revoked) {
    X509_REVOKED* const entry = must(X509_REVOKED_new());
    const Owned<ASN1_INTEGER, ASN1_INTEGER_free> number(must(ASN1_INTEGER_new()));
    must(ASN1_INTEGER_set(number.get(), serial) == 1 && X509_REVOKED_set_serialNumber(entry, number.get()) == 1);
    must(X509_REVOKED_set_revocationDate(entry, begin.get()) == 1 && X509_CRL_add0_revoked(x, entry) == 1);
  }
  must(X509_CRL_sign(x, key.get(), EVP_sha256()) > 0);
  return encode([&](unsigned char** out) { return i2d_X509_CRL(x, out); });
}

std::string make_token(std::string_view header, std::string_view payload, std::string_view algorithm, const Signer& key) {
  const std::string text = base64url_encode(as_bytes(header)) + "." + base64url_encode(as_bytes(payload));
  return text + "." + base64url_encode(key.sign(algorithm, text));
}

std::string unsigned_token(std::string_view header, std::string_view payload) {
  return base64url_encode(as_bytes(header)) + "." + base64url_encode(as_bytes(payload)) + ".";
}

std::string x5c(const std::vector<Bytes>& certificates) {
  std::string text;
  for (const Bytes& der : certificates) text += (text.empty() ? "\"" : ",\"") + base64_encode(der) + "\"";
  return "[" + text + "]";
}

std::string jwk_set(const Signer& key, std::string_view key_id, std::string_view algorithm) {
  std::string text = R"({"keys":[{"kid":")" + std::string(key_id) + R"(","alg":")" + std::string(algorithm) + R"(","use":"sig",)";
  if (key.kind() == SignerKind::rsa2048) {
    text += R"("kty":"RSA","e":"AQAB","n":")" + base64url_encode(key.modulus()) + '"';
  } else {
    const auto [x, y] = key.point();
    text += std::string(R"("kty":"EC","crv":")") + (key.kind() == SignerKind::p256 ? "P-256" : "P-384") + R"(","x":")" +
            base64url_encode(x) + R"(","y":")" + base64url_encode(y) + '"';
  }
  return text + "}]}";
}

std::string confidential_space_payload() {
  return R"({"aud":"https://verifier.example","exp":1790003600,"iat":1790000000,"nbf":1790000000,)"
         R"("iss":"https://confidentialcomputing.googleapis.com","sub":"https://www.googleapis.com/compute/v1/projects/p/zones/z/instances/i",)"
         R"("eat_nonce":["first nonce of the sample","second nonce of the sample"],"eat_profile":"https://profile.example","secboot":true,)"
         R"("oemid":11129,"hwmodel":"GCP_INTEL_TDX","swname":"CONFIDENTIAL_SPACE","swversion":["250301"],"dbgstat":"disabled-since-boot",)"
         R"("attester_tcb":["INTEL"],"tdx":{"gcp_attester_tcb_status":"UpToDate","gcp_attester_tcb_date":"2026-02-13T00:00:00Z"},)"
         R"("google_service_accounts":["w@p.iam.example"],"ratio":0.5,"submods":{"confidential_space":{"support_attributes":["LATEST",)"
         R"("STABLE","USABLE"],"monitoring_enabled":{"memory":true}},"nvidia_gpu":{"cc_mode":"ON"},"container":{)"
         R"("image_reference":"registry.example/a:latest","image_digest":"sha256:)" + std::string(64, 'a') + R"(",)"
         R"("image_id":"sha256:)" + std::string(64, 'b') + R"(","restart_policy":"Never","args":["/run","--fast"],)"
         R"("cmd_override":["--slow"],"env":{"PATH":"/bin","MODE":"x"},"env_override":{"MODE":"x"},"image_signatures":[)"
         R"({"key_id":"k","signature":"c2ln","signature_algorithm":"ECDSA_P256_SHA256"}]},"gce":{"zone":"z-a","project_id":"p",)"
         R"("project_number":"12","instance_name":"i","instance_id":"34"}}})";
}

std::string edited(std::string text, std::string_view first, std::string_view second) {
  const std::size_t at = text.find(first);
  if (at == std::string::npos) {
    std::fprintf(stderr, "the sample does not hold %s\n", std::string(first).c_str());
    std::abort();
  }
  return text.replace(at, first.size(), second);
}

}  // namespace redoubt::test
