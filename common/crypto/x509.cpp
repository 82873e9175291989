#include "common/crypto/x509.h"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "common/crypto/openssl_error.h"
#include "common/crypto/openssl_handles.h"

namespace redoubt::crypto {
namespace {

// Leaf, four intermediates and the root; OpenSSL counts the intermediates.
constexpr int kMaxIntermediates = 4;
// OpenSSL's security level 2: 112 bits, that is RSA of 2048 bits, no SHA-1.
constexpr int kSecurityLevel = 2;

using TimePtr = std::unique_ptr<ASN1_TIME, OpenSslFree<ASN1_TIME_free>>;

void free_objects(ASN1_OBJECT* object) { ASN1_OBJECT_free(object); }
void free_usage(EXTENDED_KEY_USAGE* usage) { sk_ASN1_OBJECT_pop_free(usage, free_objects); }
void free_borrowed_stack(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using UsagePtr = std::unique_ptr<EXTENDED_KEY_USAGE, OpenSslFree<free_usage>>;
using StackPtr = std::unique_ptr<STACK_OF(X509), OpenSslFree<free_borrowed_stack>>;

ByteView span_of(const unsigned char* bytes, std::size_t size) { return std::as_bytes(std::span(bytes, size)); }

Result<Instant> instant_of(const ASN1_TIME* time) {
  const TimePtr epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (epoch == nullptr || time == nullptr || ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) {
    clear_openssl_errors();
    return Error(Code::malformed, "certificate: validity is not a time");
  }
  return Instant(std::int64_t{days} * 86400 + seconds);
}

std::string name_text(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) {
    clear_openssl_errors();
    return "";
  }
  const char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size <= 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
}

std::vector<std::string> usages_of(const X509* certificate) {
  const UsagePtr usages(static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr)));
  std::vector<std::string> oids;
  for (int i = 0; usages != nullptr && i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    char text[128];
    const int size = OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(usages.get(), i), 1);
    if (size > 0 && static_cast<std::size_t>(size) < sizeof text) oids.emplace_back(text, static_cast<std::size_t>(size));
  }
  clear_openssl_errors();
  return oids;
}

}  // namespace

struct Certificate::State {
  X509Ptr x509;
  Bytes der;
  Sha256Digest digest;
  Bytes spki;
  std::string subject;
  Interval validity;
  std::vector<std::string> usages;
  bool is_ca = false;
};

Result<Certificate> Certificate::parse_der(ByteView der) {
  if (der.empty() || der.size() > kMaxSize) {
    return Error(Code::malformed, "certificate: expected 1 to 16384 bytes, found " + std::to_string(der.size()));
  }
  auto state = std::make_shared<State>();
  const unsigned char* at = in(der);
  state->x509.reset(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  clear_openssl_errors();
  if (state->x509 == nullptr) return Error(Code::malformed, "certificate: not a DER X.509 certificate");
  if (at != in(der) + der.size()) {
    return Error(Code::malformed, "certificate: " + std::to_string(in(der) + der.size() - at) + " trailing bytes");
  }
  X509* const x509 = state->x509.get();
  const std::uint32_t flags = X509_get_extension_flags(x509);
  unsigned char* spki = nullptr;
  const int spki_size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &spki);
  if (spki_size > 0) state->spki = to_bytes(span_of(spki, static_cast<std::size_t>(spki_size)));
  OPENSSL_free(spki);
  clear_openssl_errors();
  if ((flags & EXFLAG_INVALID) != 0) return Error(Code::malformed, "certificate: an extension is not what it must be");
  if (state->spki.empty()) return Error(Code::malformed, "certificate: no public key");
  REDOUBT_TRY(state->validity.begin, instant_of(X509_get0_notBefore(x509)));
  REDOUBT_TRY(state->validity.end, instant_of(X509_get0_notAfter(x509)));
  state->der = to_bytes(der);
  state->digest = sha256(der);
  state->subject = name_text(X509_get_subject_name(x509));
  state->usages = usages_of(x509);
  state->is_ca = (flags & EXFLAG_CA) != 0;
  return Certificate(std::move(state));
}

Result<std::vector<Certificate>> Certificate::parse_pem_bundle(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kCertificate = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::vector<Certificate> certificates;
  for (std::size_t at = text.find(kBegin); at != std::string_view::npos; at = text.find(kBegin, at)) {
    if (!text.substr(at).starts_with(kCertificate)) return Error(Code::malformed, "pem bundle: a block that is no certificate");
    if (certificates.size() == kMaxBundle) return Error(Code::malformed, "pem bundle: more than 16 certificates");
    at += kCertificate.size();
    const std::size_t end = text.find(kEnd, at);
    if (end == std::string_view::npos) return Error(Code::malformed, "pem bundle: a certificate without its end line");
    std::string base64;
    for (const char c : text.substr(at, end - at)) {
      if (c != '\n' && c != '\r') base64.push_back(c);
    }
    REDOUBT_TRY(const Bytes der, base64_decode(base64).context("pem bundle"));
    REDOUBT_TRY(Certificate certificate, parse_der(der).context("pem bundle"));
    certificates.push_back(std::move(certificate));
    at = end + kEnd.size();
  }
  if (certificates.empty()) return Error(Code::malformed, "pem bundle: no certificate");
  return certificates;
}

ByteView Certificate::der() const { return state_->der; }
const Sha256Digest& Certificate::digest() const { return state_->digest; }
ByteView Certificate::spki() const { return state_->spki; }
const std::string& Certificate::subject() const { return state_->subject; }
const Interval& Certificate::validity() const { return state_->validity; }
bool Certificate::is_ca() const { return state_->is_ca; }

bool Certificate::has_extended_usage(std::string_view oid) const {
  return std::ranges::find(state_->usages, oid) != state_->usages.end();
}

Result<ChainResult> verify_chain(const Certificate& leaf, std::span<const Certificate> intermediates,
                                 std::span<const Certificate> roots, Instant now) {
  const X509StorePtr store(X509_STORE_new());
  const X509StoreCtxPtr context(X509_STORE_CTX_new());
  const StackPtr untrusted(sk_X509_new_null());
  if (store == nullptr || context == nullptr || untrusted == nullptr) return openssl_error("X509_STORE_CTX_new");
  for (const Certificate& root : roots) {
    if (X509_STORE_add_cert(store.get(), root.state_->x509.get()) != 1) return openssl_error("X509_STORE_add_cert");
  }
  for (const Certificate& certificate : intermediates) {
    if (sk_X509_push(untrusted.get(), certificate.state_->x509.get()) <= 0) return openssl_error("sk_X509_push");
  }
  if (X509_STORE_CTX_init(context.get(), store.get(), leaf.state_->x509.get(), untrusted.get()) != 1) {
    return openssl_error("X509_STORE_CTX_init");
  }
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_depth(parameters, kMaxIntermediates);
  X509_VERIFY_PARAM_set_auth_level(parameters, kSecurityLevel);
  // Times are compared below: notAfter is the last second of validity (RFC 5280 section 4.1.2.5), which OpenSSL takes as the first after.
  if (X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT | X509_V_FLAG_NO_CHECK_TIME) != 1) return openssl_error("X509_VERIFY_PARAM_set_flags");

  const int accepted = X509_verify_cert(context.get());
  const int reason = X509_STORE_CTX_get_error(context.get());
  clear_openssl_errors();
  if (accepted != 1 || reason != X509_V_OK) {
    return Error(Code::chain, "certificate chain of " + leaf.subject() + ": " + X509_verify_cert_error_string(reason) +
                                  " at depth " + std::to_string(X509_STORE_CTX_get_error_depth(context.get())));
  }

  const STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(context.get());
  ChainResult result{leaf.validity(), {}};
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const X509* const certificate = sk_X509_value(chain, i);
    REDOUBT_TRY(const Instant begin, instant_of(X509_get0_notBefore(certificate)));
    REDOUBT_TRY(const Instant end, instant_of(X509_get0_notAfter(certificate)));
    if (now < begin || end < now) {
      return Error(Code::chain, "certificate chain of " + leaf.subject() + ": certificate " +
                                    (now < begin ? "is not yet valid" : "has expired") + " at depth " + std::to_string(i));
    }
    result.validity = result.validity.intersect({begin, end});
  }
  // The chain ends in one of our roots: OpenSSL takes anchors from the store alone.
  const X509* const last = sk_X509_value(chain, sk_X509_num(chain) - 1);
  const auto anchor = std::ranges::find_if(
      roots, [&](const Certificate& root) { return X509_cmp(root.state_->x509.get(), last) == 0; });
  if (anchor == roots.end()) return Error(Code::chain, "certificate chain of " + leaf.subject() + ": no named root at its end");
  result.anchor = anchor->digest();
  return result;
}

}  // namespace redoubt::crypto
