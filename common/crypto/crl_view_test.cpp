// Goal: a revocation list is the whole list of its issuer, or is not read. Method: lists made with OpenSSL, sound and with one thing
// wrong each.
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "common/crypto/certificate_view.h"
#include "common/crypto/openssl_handles.h"
#include "tests/support/expect.h"

namespace redoubt::crypto {
namespace {

using CrlPtr = std::unique_ptr<X509_CRL, OpenSslFree<X509_CRL_free>>;

void must_build(bool ok) {
  if (!ok) std::abort();
}

struct CrlExtension {
  std::string oid;
  bool critical;
  std::string value;  // hexadecimal DER
};

struct CrlSpec {
  long version = 1;
  bool next_update = true;
  std::vector<std::int64_t> revoked{3, 200, 65536};
  std::vector<CrlExtension> extensions{{"2.5.29.20", false, "020200ff"}, {"2.5.29.35", false, "300480024141"}};
  std::vector<CrlExtension> entry_extensions;  // of the last entry
  const char* name = "ca";
};

EVP_PKEY* key() {
  static const PkeyPtr pair(EVP_EC_gen("P-384"));
  return pair.get();
}

X509_EXTENSION* make_crl_extension(const CrlExtension& extension) {
  const Bytes value = OrDie(hex_decode(extension.value));
  ASN1_OBJECT* oid = OBJ_txt2obj(extension.oid.c_str(), 1);
  ASN1_OCTET_STRING* content = ASN1_OCTET_STRING_new();
  must_build(ASN1_OCTET_STRING_set(content, reinterpret_cast<const unsigned char*>(value.data()), static_cast<int>(value.size())) == 1);
  X509_EXTENSION* made = X509_EXTENSION_create_by_OBJ(nullptr, oid, extension.critical ? 1 : 0, content);
  ASN1_OBJECT_free(oid);
  ASN1_OCTET_STRING_free(content);
  return made;
}

void set_time(X509_CRL* crl, int (*set)(X509_CRL*, const ASN1_TIME*), time_t seconds) {
  ASN1_TIME* time = ASN1_TIME_set(nullptr, seconds);
  must_build(set(crl, time) == 1);
  ASN1_TIME_free(time);
}

X509_NAME* name_of(const char* text) {
  X509_NAME* name = X509_NAME_new();
  must_build(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(text), -1, -1, 0) == 1);
  return name;
}

template <class T, class Encode>
Bytes crl_der(T* thing, Encode encode) {
  unsigned char* der = nullptr;
  const int size = encode(thing, &der);
  must_build(size > 0);
  const Bytes bytes = to_bytes(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
  OPENSSL_free(der);
  return bytes;
}

Bytes issue_crl(const CrlSpec& spec = {}) {
  const CrlPtr crl(X509_CRL_new());
  must_build(X509_CRL_set_version(crl.get(), spec.version) == 1);
  X509_NAME* name = name_of(spec.name);
  must_build(X509_CRL_set_issuer_name(crl.get(), name) == 1);
  X509_NAME_free(name);
  set_time(crl.get(), X509_CRL_set1_lastUpdate, 1'700'000'000);
  if (spec.next_update) set_time(crl.get(), X509_CRL_set1_nextUpdate, 1'800'000'000);
  for (std::size_t i = 0; i < spec.revoked.size(); ++i) {
    X509_REVOKED* revoked = X509_REVOKED_new();
    ASN1_INTEGER* serial = ASN1_INTEGER_new();
    ASN1_INTEGER_set_int64(serial, spec.revoked[i]);
    X509_REVOKED_set_serialNumber(revoked, serial);
    ASN1_INTEGER_free(serial);
    ASN1_TIME* time = ASN1_TIME_set(nullptr, 1'700'000'000);
    X509_REVOKED_set_revocationDate(revoked, time);
    ASN1_TIME_free(time);
    for (const CrlExtension& one : spec.entry_extensions) {
      if (i + 1 != spec.revoked.size()) continue;
      X509_EXTENSION* extension = make_crl_extension(one);
      must_build(X509_REVOKED_add_ext(revoked, extension, -1) == 1);
      X509_EXTENSION_free(extension);
    }
    must_build(X509_CRL_add0_revoked(crl.get(), revoked) == 1);
  }
  for (const CrlExtension& one : spec.extensions) {
    X509_EXTENSION* extension = make_crl_extension(one);
    must_build(X509_CRL_add_ext(crl.get(), extension, -1) == 1);
    X509_EXTENSION_free(extension);
  }
  must_build(X509_CRL_sign(crl.get(), key(), EVP_sha384()) > 0);
  return crl_der(crl.get(), i2d_X509_CRL);
}

// authority: the certificate of the key above, its key usage as given (hexadecimal DER).
Bytes authority(const char* name, const std::string& usage, const std::string& key_id = "04024141") {
  const X509Ptr x509(X509_new());
  X509_set_version(x509.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  X509_NAME* both = name_of(name);
  X509_set_subject_name(x509.get(), both);
  X509_set_issuer_name(x509.get(), both);
  X509_NAME_free(both);
  ASN1_TIME_set(X509_getm_notBefore(x509.get()), 1'700'000'000);
  ASN1_TIME_set(X509_getm_notAfter(x509.get()), 1'800'000'000);
  X509_set_pubkey(x509.get(), key());
  for (const CrlExtension& one : {CrlExtension{"2.5.29.19", true, "30030101ff"}, CrlExtension{"2.5.29.15", true, usage}, CrlExtension{"2.5.29.14", false, key_id}}) {
    X509_EXTENSION* extension = make_crl_extension(one);
    must_build(X509_add_ext(x509.get(), extension, -1) == 1);
    X509_EXTENSION_free(extension);
  }
  must_build(X509_sign(x509.get(), key(), EVP_sha384()) > 0);
  return crl_der(x509.get(), i2d_X509);
}

TEST(CrlView, TellsWhatItSays) {
  const Bytes der = issue_crl();
  const CrlView crl = OrDie(CrlView::parse(der));
  EXPECT_EQ(crl.this_update, Instant(1'700'000'000));
  EXPECT_EQ(crl.next_update, Instant(1'800'000'000));
  EXPECT_EQ(hex_encode(crl.number.value()), "ff");
  EXPECT_EQ(hex_encode(crl.authority_key_id.value()), "4141");
  EXPECT_EQ(crl.scheme, SignatureScheme::ecdsa_sha384);
  EXPECT_EQ(crl.revoked_count, 3U);
  for (const std::string_view serial : {"03", "c8", "010000", "0000c8"}) EXPECT_TRUE(crl.revokes(OrDie(hex_decode(serial)))) << serial;
  for (const std::string_view serial : {"", "00", "04", "c801", "0100"}) EXPECT_FALSE(crl.revokes(OrDie(hex_decode(serial)))) << serial;
  CrlSpec empty;
  empty.revoked.clear();
  empty.extensions.clear();
  const Bytes empty_der = issue_crl(empty);
  EXPECT_EQ(OrDie(CrlView::parse(empty_der)).revoked_count, 0U);
  EXPECT_FALSE(OrDie(CrlView::parse(empty_der)).revokes(OrDie(hex_decode("03"))));
}

TEST(CrlView, RefusesWhatIsNotTheWholeList) {
  const struct {
    CrlExtension extension;
    std::string_view why;
  } kCases[] = {{{"2.5.29.28", true, "30038101ff"}, "2.5.29.28 is not accepted"},   // issuing distribution point
                {{"2.5.29.28", false, "30038101ff"}, "2.5.29.28 is not accepted"},
                {{"2.5.29.27", true, "020101"}, "2.5.29.27 is not accepted"},        // delta
                {{"1.2.3.4", true, "0500"}, "1.2.3.4 is not accepted"},
                {{"2.5.29.20", false, "020101"}, "2.5.29.20 stands there twice"}};
  for (const auto& one : kCases) {
    CrlSpec spec;
    spec.extensions.push_back(one.extension);
    EXPECT_ERROR(CrlView::parse(issue_crl(spec)), Code::malformed, one.why);
  }
  CrlSpec spec;
  spec.extensions.push_back({"1.2.3.4", false, "0500"});
  EXPECT_OK(CrlView::parse(issue_crl(spec)));
  spec = CrlSpec();
  spec.entry_extensions = {{"2.5.29.21", false, "0a0101"}};  // reason: key compromise
  EXPECT_OK(CrlView::parse(issue_crl(spec)));
  spec.entry_extensions = {{"2.5.29.29", true, "3000"}};  // another issuer
  EXPECT_ERROR(CrlView::parse(issue_crl(spec)), Code::malformed, "2.5.29.29 is not accepted");
  spec.entry_extensions = {{"1.2.3.4", true, "0500"}};
  EXPECT_ERROR(CrlView::parse(issue_crl(spec)), Code::malformed, "1.2.3.4 is not accepted");
}

TEST(CrlView, RefusesEveryOtherForm) {
  CrlSpec spec;
  spec.next_update = false;
  EXPECT_ERROR(CrlView::parse(issue_crl(spec)), Code::malformed, "no next update");
  spec = CrlSpec();
  spec.version = 0;
  spec.extensions.clear();
  EXPECT_ERROR(CrlView::parse(issue_crl(spec)), Code::malformed, "");
  spec = CrlSpec();
  spec.revoked = {-5};
  EXPECT_ERROR(CrlView::parse(issue_crl(spec)), Code::malformed, "negative");
  spec = CrlSpec();
  spec.extensions[0].value = "0201ff";
  EXPECT_ERROR(CrlView::parse(issue_crl(spec)), Code::malformed, "negative");
  const Bytes der = issue_crl();
  for (std::size_t size = 0; size < der.size(); ++size) EXPECT_FALSE(CrlView::parse(ByteView(der).first(size)).ok());
  Bytes longer = der;
  longer.push_back(std::byte{0});
  EXPECT_ERROR(CrlView::parse(longer), Code::malformed, "1 trailing bytes");
  EXPECT_ERROR(CrlView::parse(Bytes(CrlView::kMaxSize + 1)), Code::malformed, "found 4194305");
  const CrlView original = OrDie(CrlView::parse(der));
  for (std::size_t i = 0; i < der.size() * 8; ++i) {
    Bytes changed = der;
    changed[i / 8] ^= static_cast<std::byte>(1U << i % 8);
    const auto read = CrlView::parse(changed);
    EXPECT_FALSE(read.ok() && equal(read->tbs, original.tbs) && equal(read->signature, original.signature)) << i;
  }
}

TEST(CrlView, IsIssuedByWhoeverMaySignLists) {
  const std::string both = "03020106", certificates_only = "03020204", lists_only = "03020102";
  Bytes der = issue_crl();
  const auto check = [&](const char* name, const std::string& usage, const std::string& key_id = "04024141") {
    const Bytes issuer_der = authority(name, usage, key_id);
    const CertificateView issuer = OrDie(CertificateView::parse(issuer_der));
    return check_crl_issued(OrDie(CrlView::parse(der)), issuer, OrDie(issuer.public_key()));
  };
  EXPECT_OK(check("ca", both));
  EXPECT_OK(check("ca", lists_only));
  EXPECT_ERROR(check("ca", certificates_only), Code::chain, "lacks the key usage cRLSign");
  EXPECT_ERROR(check("another", both), Code::chain, "its issuer is not the subject");
  EXPECT_ERROR(check("ca", both, "04024142"), Code::chain, "authority key identifier");
  der.back() ^= std::byte{1};
  EXPECT_ERROR(check("ca", both), Code::chain, "does not verify");
}

TEST(Pem, TakesBlocksInLines) {
  const std::string block = "-----BEGIN X-----\nAAEC\nAwQ=\n-----END X-----\n";
  EXPECT_EQ(hex_encode(OrDie(pem_decode(block, "X", 1)).at(0)), "0001020304");
  EXPECT_EQ(OrDie(pem_decode(block + " \r\n\t" + block, "X", 2)).size(), 2U);
  EXPECT_OK(pem_decode("-----BEGIN X-----\r\nAAEC\r\n-----END X-----\r\n", "X", 1));
  EXPECT_OK(pem_decode("-----BEGIN X-----\nAAEC\n-----END X-----", "X", 1));
  EXPECT_OK(pem_decode(block + std::string(1, '\0'), "X", 1));
  // Two blocks without a line feed between them, as quotes of old platforms hold their chain.
  const std::string bare = block.substr(0, block.size() - 1);
  EXPECT_EQ(OrDie(pem_decode(bare + bare + block, "X", 3)).size(), 3U);
  EXPECT_ERROR(pem_decode(bare + bare, "X", 1), Code::malformed, "more than 1 blocks");
  EXPECT_ERROR(pem_decode(bare + "-----BEGIN X-----", "X", 2), Code::malformed, "pem");
  EXPECT_ERROR(pem_decode(bare + "-----BEGIN Y-----\nAAEC\n-----END Y-----", "X", 2), Code::malformed, "pem");
  EXPECT_ERROR(pem_decode(block + std::string(2, '\0'), "X", 1), Code::malformed, "expected the line");
  EXPECT_ERROR(pem_decode(block + block, "X", 1), Code::malformed, "more than 1 blocks");
  EXPECT_ERROR(pem_decode(block, "Y", 1), Code::malformed, "-----BEGIN Y-----");
  EXPECT_ERROR(pem_decode("", "X", 1), Code::malformed, "no block");
  EXPECT_ERROR(pem_decode("text\n" + block, "X", 1), Code::malformed, "expected the line");
  EXPECT_ERROR(pem_decode(block + "text", "X", 1), Code::malformed, "expected the line");
  EXPECT_ERROR(pem_decode(block, "X", 1, 4), Code::malformed, "a block above 4 bytes");
  for (const std::string_view body : {"", "\n", "AAEC\n\nAAEC\n", "AAE\n", "AA!C\n", " AAEC\n", "AAEC \n", "AwQ=\nAAEC\n", "AAEC"}) {
    EXPECT_ERROR(pem_decode("-----BEGIN X-----\n" + std::string(body) + "-----END X-----\n", "X", 1), Code::malformed, "pem") << body;
  }
  EXPECT_ERROR(pem_decode("-----BEGIN X-----\n" + std::string(80, 'A') + "\n-----END X-----\n", "X", 1), Code::malformed, "76 characters");
  for (std::size_t size = 0; size + 1 < block.size(); ++size) EXPECT_FALSE(pem_decode(block.substr(0, size), "X", 1).ok()) << size;
  EXPECT_ERROR(pem_decode("-----BEGIN X-----\n" + std::string(20, '\n'), "X", 1), Code::malformed, "1 to 76");
}

}  // namespace
}  // namespace redoubt::crypto
