#include "common/crypto/tls_certificate.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/crypto/digest.h"
#include "common/crypto/openssl_error.h"
#include "common/crypto/openssl_handles.h"

namespace redoubt::crypto {
namespace {

void free_general_names(GENERAL_NAMES* names) { sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free); }
void free_usages(EXTENDED_KEY_USAGE* usages) { sk_ASN1_OBJECT_pop_free(usages, ASN1_OBJECT_free); }

using Asn1TimePtr = std::unique_ptr<ASN1_TIME, OpenSslFree<ASN1_TIME_free>>;
using Asn1IntegerPtr = std::unique_ptr<ASN1_INTEGER, OpenSslFree<ASN1_INTEGER_free>>;
using Asn1BitsPtr = std::unique_ptr<ASN1_BIT_STRING, OpenSslFree<ASN1_BIT_STRING_free>>;
using Asn1OctetsPtr = std::unique_ptr<ASN1_OCTET_STRING, OpenSslFree<ASN1_OCTET_STRING_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, OpenSslFree<BN_free>>;
using ConstraintsPtr = std::unique_ptr<BASIC_CONSTRAINTS, OpenSslFree<BASIC_CONSTRAINTS_free>>;
using GeneralNamePtr = std::unique_ptr<GENERAL_NAME, OpenSslFree<GENERAL_NAME_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, OpenSslFree<free_general_names>>;
using UsagesPtr = std::unique_ptr<EXTENDED_KEY_USAGE, OpenSslFree<free_usages>>;

constexpr std::size_t kMaxNames = 64;
constexpr Instant kLastInstant(253402300799);  // 9999-12-31T23:59:59Z, the last that GeneralizedTime can say

Error cannot_stand(std::string_view what, std::string_view found) {
  return Error(Code::usage, "certificate: " + std::string(what) + ", found '" + std::string(found) + "'");
}

bool is_label_character(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

// Preferred name syntax of RFC 1034 section 3.5 as relaxed by RFC 1123 section 2.1, in lower case.
Status check_dns_name(std::string_view name) {
  const Error refused = cannot_stand("expected a dns name in lower case", name.substr(0, 253));
  if (name.empty() || name.size() > 253) return refused;
  for (std::string_view rest = name;;) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        !std::ranges::all_of(label, is_label_character)) {
      return refused;
    }
    if (label.size() == rest.size()) return {};
    rest.remove_prefix(label.size() + 1);
  }
}

Status check_profile(const TlsCertificateProfile& profile) {
  const auto printable = [](char c) { return c >= 0x20 && c <= 0x7E; };
  if (profile.common_name.empty() || profile.common_name.size() > 64 ||
      !std::ranges::all_of(profile.common_name, printable)) {
    return cannot_stand("expected a common name of 1 to 64 printable characters", profile.common_name.substr(0, 64));
  }
  const std::size_t names = profile.dns_names.size() + profile.ip_addresses.size();
  if (names == 0 || names > kMaxNames) {
    return cannot_stand("expected 1 to 64 subject alternative names", std::to_string(names));
  }
  if (profile.validity.end <= profile.validity.begin || profile.validity.begin < Instant(0) ||
      kLastInstant < profile.validity.end) {
    return Error(Code::usage, "certificate: expected a validity that ends after it begins, in the years 1970 to 9999");
  }
  for (const std::string& name : profile.dns_names) REDOUBT_CHECK(check_dns_name(name));
  return {};
}

Result<GeneralNamePtr> dns_name(const std::string& name) {
  GeneralNamePtr out(GENERAL_NAME_new());
  ASN1_IA5STRING* text = ASN1_IA5STRING_new();
  if (out == nullptr || text == nullptr || ASN1_STRING_set(text, name.data(), static_cast<int>(name.size())) != 1) {
    ASN1_IA5STRING_free(text);
    return openssl_error("ASN1_STRING_set");
  }
  GENERAL_NAME_set0_value(out.get(), GEN_DNS, text);
  return out;
}

Result<GeneralNamePtr> ip_address(const std::string& address) {
  // a2i_IPADDRESS stops at a zero byte; such text is no address.
  ASN1_OCTET_STRING* bytes = address.find('\0') == std::string::npos ? a2i_IPADDRESS(address.c_str()) : nullptr;
  if (bytes == nullptr) {
    clear_openssl_errors();
    return cannot_stand("expected an ip address", address.substr(0, 64));
  }
  GeneralNamePtr out(GENERAL_NAME_new());
  if (out == nullptr) {
    ASN1_OCTET_STRING_free(bytes);
    return openssl_error("GENERAL_NAME_new");
  }
  GENERAL_NAME_set0_value(out.get(), GEN_IPADD, bytes);
  return out;
}

Result<GeneralNamesPtr> alternative_names(const TlsCertificateProfile& profile) {
  GeneralNamesPtr names(GENERAL_NAMES_new());
  if (names == nullptr) return openssl_error("GENERAL_NAMES_new");
  const auto push = [&](Result<GeneralNamePtr> name) -> Status {
    if (!name.ok()) return name.error();
    if (sk_GENERAL_NAME_push(names.get(), name->get()) <= 0) return openssl_error("sk_GENERAL_NAME_push");
    name->release();  // the list owns it now
    return {};
  };
  for (const std::string& name : profile.dns_names) REDOUBT_CHECK(push(dns_name(name)));
  for (const std::string& address : profile.ip_addresses) REDOUBT_CHECK(push(ip_address(address)));
  return names;
}

// 16 bytes, positive, always of the same length: the first bit clear, the second set (RFC 5280 section 4.1.2.2).
bool set_serial(X509* certificate, Random& random) {
  std::array<std::byte, 16> bytes;
  random.fill(bytes);
  bytes[0] = (bytes[0] & std::byte{0x7F}) | std::byte{0x40};
  const BignumPtr number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), 16, nullptr));
  const Asn1IntegerPtr serial(number == nullptr ? nullptr : BN_to_ASN1_INTEGER(number.get(), nullptr));
  return serial != nullptr && X509_set_serialNumber(certificate, serial.get()) == 1;
}

bool set_times(X509* certificate, const Interval& validity) {
  const Asn1TimePtr begin(ASN1_TIME_set(nullptr, static_cast<time_t>(validity.begin.unix_seconds())));
  const Asn1TimePtr end(ASN1_TIME_set(nullptr, static_cast<time_t>(validity.end.unix_seconds())));
  return begin != nullptr && end != nullptr && X509_set1_notBefore(certificate, begin.get()) == 1 &&
         X509_set1_notAfter(certificate, end.get()) == 1;
}

bool set_names(X509* certificate, const std::string& common_name) {
  X509_NAME* name = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1;
}

bool add_extension(X509* certificate, int nid, void* value, bool critical) {
  return value != nullptr && X509_add1_ext_i2d(certificate, nid, value, critical ? 1 : 0, X509V3_ADD_DEFAULT) == 1;
}

bool add_usages(X509* certificate) {
  const ConstraintsPtr constraints(BASIC_CONSTRAINTS_new());  // CA:FALSE
  const Asn1BitsPtr key_usage(ASN1_BIT_STRING_new());
  const UsagesPtr usages(EXTENDED_KEY_USAGE_new());
  if (key_usage == nullptr || usages == nullptr || ASN1_BIT_STRING_set_bit(key_usage.get(), 0, 1) != 1) return false;
  for (const int nid : {NID_server_auth, NID_client_auth}) {
    if (sk_ASN1_OBJECT_push(usages.get(), OBJ_nid2obj(nid)) <= 0) return false;  // static objects, nothing to free
  }
  return add_extension(certificate, NID_basic_constraints, constraints.get(), true) &&
         add_extension(certificate, NID_key_usage, key_usage.get(), true) &&
         add_extension(certificate, NID_ext_key_usage, usages.get(), false);
}

// The first 160 bits of SHA-256 over the public key's bit string (RFC 7093 section 2, method 1).
bool add_key_identifier(X509* certificate) {
  const ASN1_BIT_STRING* bits = X509_get0_pubkey_bitstr(certificate);
  if (bits == nullptr) return false;
  const Sha256Digest digest = sha256(
      std::as_bytes(std::span(ASN1_STRING_get0_data(bits), static_cast<std::size_t>(ASN1_STRING_length(bits)))));
  const Asn1OctetsPtr identifier(ASN1_OCTET_STRING_new());
  return identifier != nullptr &&
         ASN1_OCTET_STRING_set(identifier.get(), reinterpret_cast<const unsigned char*>(digest.view().data()), 20) == 1 &&
         add_extension(certificate, NID_subject_key_identifier, identifier.get(), false);
}

Result<TlsCertificate> encode(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return openssl_error("i2d_X509");
  TlsCertificate out;
  out.der = to_bytes(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
  OPENSSL_free(der);
  const BioPtr bio(BIO_new(BIO_s_mem()));
  char* text = nullptr;
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), certificate) != 1) return openssl_error("PEM_write_bio_X509");
  const long length = BIO_get_mem_data(bio.get(), &text);
  out.pem.assign(text, static_cast<std::size_t>(length));
  return out;
}

}  // namespace

Result<TlsCertificate> self_signed_certificate(const EcdsaP256PrivateKey& key, const TlsCertificateProfile& profile,
                                               Random& random) {
  REDOUBT_CHECK(check_profile(profile));
  REDOUBT_TRY(const GeneralNamesPtr names, alternative_names(profile));
  const SecretBytes pkcs8 = key.pkcs8();
  const auto* at = reinterpret_cast<const unsigned char*>(pkcs8.reveal().data());
  const PkeyPtr pkey(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(pkcs8.size())));
  const X509Ptr certificate(X509_new());
  if (pkey == nullptr || certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !set_serial(certificate.get(), random) || !set_times(certificate.get(), profile.validity) ||
      !set_names(certificate.get(), profile.common_name) || X509_set_pubkey(certificate.get(), pkey.get()) != 1 ||
      !add_usages(certificate.get()) || !add_extension(certificate.get(), NID_subject_alt_name, names.get(), false) ||
      !add_key_identifier(certificate.get()) || X509_sign(certificate.get(), pkey.get(), EVP_sha256()) <= 0) {
    return openssl_error("making a certificate");
  }
  return encode(certificate.get());
}

}  // namespace redoubt::crypto
