// Goal: the certificate says exactly what the profile says, and a profile that cannot be said is refused. Method: the DER
// read back with OpenSSL's parser (version, serial, names, times, key, extensions, signature), then each field of the
// profile spoilt in turn.
#include "common/crypto/tls_certificate.h"

#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "common/crypto/openssl_handles.h"
#include "tests/support/expect.h"
#include "tests/support/fixed_random.h"

namespace redoubt::crypto {
namespace {

TlsCertificateProfile profile() {
  return {"redoubt hub", {"localhost", "hub.example"}, {"127.0.0.1", "::1"},
          {Instant(1767225600), Instant(4102444800)}};  // 2026-01-01 (UTCTime) to 2100-01-01 (GeneralizedTime)
}

X509Ptr parse(const Bytes& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  EXPECT_EQ(at, reinterpret_cast<const unsigned char*>(der.data()) + der.size());
  return certificate;
}

class TlsCertificateTest : public testing::Test {
 protected:
  test::FixedRandom random_{1};
  EcdsaP256PrivateKey key_ = OrDie(EcdsaP256PrivateKey::generate());

  void expect_usage(const TlsCertificateProfile& bad, std::string_view part) {
    EXPECT_ERROR(self_signed_certificate(key_, bad, random_), Code::usage, part);
  }
};

TEST_F(TlsCertificateTest, SaysWhatTheProfileSays) {
  const TlsCertificate made = OrDie(self_signed_certificate(key_, profile(), random_));
  const X509Ptr certificate = parse(made.der);
  ASSERT_NE(certificate, nullptr);
  EXPECT_EQ(X509_get_version(certificate.get()), X509_VERSION_3);
  EXPECT_EQ(X509_get_signature_nid(certificate.get()), NID_ecdsa_with_SHA256);
  EXPECT_EQ(X509_verify(certificate.get(), X509_get0_pubkey(certificate.get())), 1);
  EXPECT_EQ(X509_NAME_cmp(X509_get_subject_name(certificate.get()), X509_get_issuer_name(certificate.get())), 0);
  EXPECT_EQ(ASN1_STRING_length(X509_get0_serialNumber(certificate.get())), 16);
  time_t at = 1767225600;
  EXPECT_EQ(ASN1_TIME_cmp_time_t(X509_get0_notBefore(certificate.get()), at), 0);
  at = 4102444800;
  EXPECT_EQ(ASN1_TIME_cmp_time_t(X509_get0_notAfter(certificate.get()), at), 0);
  EXPECT_EQ(ASN1_STRING_type(X509_get0_notAfter(certificate.get())), V_ASN1_GENERALIZEDTIME);
  char name[80] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name, sizeof name);
  EXPECT_STREQ(name, "redoubt hub");
}

TEST_F(TlsCertificateTest, ServesItsNamesAndBothEndsOfTlsOnly) {
  const X509Ptr certificate = parse(OrDie(self_signed_certificate(key_, profile(), random_)).der);
  EXPECT_EQ(X509_check_host(certificate.get(), "localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(certificate.get(), "hub.example", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(certificate.get(), "other.example", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "::1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "127.0.0.2", 0), 0);
  EXPECT_EQ(X509_check_ca(certificate.get()), 0);
  EXPECT_EQ(X509_get_key_usage(certificate.get()), static_cast<std::uint32_t>(KU_DIGITAL_SIGNATURE));
  EXPECT_EQ(X509_get_extended_key_usage(certificate.get()), static_cast<std::uint32_t>(XKU_SSL_SERVER | XKU_SSL_CLIENT));
  EXPECT_NE(X509_get0_subject_key_id(certificate.get()), nullptr);
}

TEST_F(TlsCertificateTest, HoldsTheKeyItWasMadeFor) {
  const X509Ptr certificate = parse(OrDie(self_signed_certificate(key_, profile(), random_)).der);
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(X509_get0_pubkey(certificate.get()), &der);
  ASSERT_GT(size, 0);
  EXPECT_EQ(to_bytes(std::as_bytes(std::span(der, static_cast<std::size_t>(size)))), key_.public_key().spki());
  OPENSSL_free(der);
}

TEST_F(TlsCertificateTest, WritesTheSameCertificateAsPem) {
  const TlsCertificate made = OrDie(self_signed_certificate(key_, profile(), random_));
  const std::string_view head = "-----BEGIN CERTIFICATE-----\n";
  const std::string_view tail = "-----END CERTIFICATE-----\n";
  ASSERT_TRUE(made.pem.starts_with(head));
  ASSERT_TRUE(made.pem.ends_with(tail));
  std::string text = made.pem.substr(head.size(), made.pem.size() - head.size() - tail.size());
  std::erase(text, '\n');
  EXPECT_EQ(OrDie(base64_decode(text)), made.der);
}

TEST_F(TlsCertificateTest, TakesSerialNumbersFromTheGivenRandomness) {
  for (const int fill : {0x00, 0x7F, 0x80, 0xFF}) {
    test::FixedRandom random(Bytes(16, static_cast<std::byte>(fill)));
    const X509Ptr certificate = parse(OrDie(self_signed_certificate(key_, profile(), random)).der);
    const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate.get());
    EXPECT_EQ(ASN1_STRING_type(serial), V_ASN1_INTEGER);  // not V_ASN1_NEG_INTEGER
    ASSERT_EQ(ASN1_STRING_length(serial), 16);
    EXPECT_EQ(ASN1_STRING_get0_data(serial)[0], (fill & 0x7F) | 0x40);
    EXPECT_EQ(ASN1_STRING_get0_data(serial)[15], fill);
  }
}

TEST_F(TlsCertificateTest, RefusesProfilesThatCannotBeSaid) {
  for (const std::string& name : {std::string(), std::string(65, 'x'), std::string("a\nb"), std::string("a\0b", 3)}) {
    TlsCertificateProfile bad = profile();
    bad.common_name = name;
    expect_usage(bad, "common name");
  }
  for (const std::string& name : {std::string(), std::string("*.example"), std::string("Hub"), std::string("a..b"),
                                 std::string(".a"), std::string("a."), std::string("-a"), std::string("a-"),
                                 std::string(64, 'a'), std::string("a_b"), std::string("a\0b", 3),
                                 std::string("a,IP:10.0.0.1")}) {
    TlsCertificateProfile bad = profile();
    bad.dns_names = {"localhost", name};
    expect_usage(bad, "dns name");
  }
  for (const std::string& address : {std::string(), std::string("localhost"), std::string("256.0.0.1"),
                                    std::string("1.2.3"), std::string("::1::"), std::string("127.0.0.1\0x", 11)}) {
    TlsCertificateProfile bad = profile();
    bad.ip_addresses = {address};
    expect_usage(bad, "ip address");
  }
  TlsCertificateProfile nameless = profile();
  nameless.dns_names.clear();
  nameless.ip_addresses.clear();
  expect_usage(nameless, "1 to 64 subject alternative names");
}

TEST_F(TlsCertificateTest, RefusesTimesThatCannotBe) {
  for (const Interval validity : {Interval{Instant(10), Instant(10)}, Interval{Instant(10), Instant(9)},
                                  Interval{Instant(-1), Instant(9)}, Interval{Instant(0), Instant(253402300800)}}) {
    TlsCertificateProfile bad = profile();
    bad.validity = validity;
    expect_usage(bad, "validity");
  }
}

}  // namespace
}  // namespace redoubt::crypto
