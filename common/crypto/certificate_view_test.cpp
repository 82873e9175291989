// Goal: every genuine certificate and revocation list is read, and each field is what OpenSSL reads in the same bytes. Method: all
// certificates among the shared test data; the two that break a rule are named with the rule.
#include "common/crypto/certificate_view.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "common/crypto/openssl_handles.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/stride.h"

namespace redoubt::crypto {
namespace {

using CrlPtr = std::unique_ptr<X509_CRL, OpenSslFree<X509_CRL_free>>;
using ConstraintsPtr = std::unique_ptr<BASIC_CONSTRAINTS, OpenSslFree<BASIC_CONSTRAINTS_free>>;
using AuthorityPtr = std::unique_ptr<AUTHORITY_KEYID, OpenSslFree<AUTHORITY_KEYID_free>>;
using IntegerPtr = std::unique_ptr<ASN1_INTEGER, OpenSslFree<ASN1_INTEGER_free>>;
using BnPtr = std::unique_ptr<BIGNUM, OpenSslFree<BN_free>>;
using TimePtr = std::unique_ptr<ASN1_TIME, OpenSslFree<ASN1_TIME_free>>;

ByteView view(const unsigned char* bytes, int size) { return std::as_bytes(std::span(bytes, static_cast<std::size_t>(size))); }
std::string hex(const ByteView& bytes) { return hex_encode(bytes); }
std::string hex(const Bytes& bytes) { return hex_encode(bytes); }
std::string hex(const ASN1_STRING* string) {
  return string == nullptr ? "none" : hex(view(ASN1_STRING_get0_data(string), ASN1_STRING_length(string)));
}
std::string hex(const std::optional<ByteView>& bytes) { return bytes ? hex(*bytes) : "none"; }

// encoded: what an i2d function of OpenSSL writes.
template <class Encode>
std::string encoded(Encode encode) {
  unsigned char* bytes = nullptr;
  const int size = encode(&bytes);
  if (size <= 0) return "not encoded";
  const std::string text = hex(view(bytes, size));
  OPENSSL_free(bytes);
  return text;
}
std::string encoded_name(const X509_NAME* name) {
  return encoded([&](unsigned char** to) { return i2d_X509_NAME(name, to); });
}

std::string magnitude(const ASN1_INTEGER* integer) {
  const BnPtr number(ASN1_INTEGER_to_BN(integer, nullptr));
  Bytes bytes(static_cast<std::size_t>(std::max(1, BN_num_bytes(number.get()))));
  if (BN_is_negative(number.get())) return "negative";
  BN_bn2binpad(number.get(), reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  return hex(bytes);
}

std::int64_t seconds(const ASN1_TIME* time) {
  const TimePtr epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int rest = 0;
  if (ASN1_TIME_diff(&days, &rest, epoch.get(), time) != 1) return -1;
  return std::int64_t{days} * 86400 + rest;
}

void expect_same_extension(const ExtensionView& ours, X509_EXTENSION* theirs) {
  char oid[128];
  const int size = OBJ_obj2txt(oid, sizeof oid, X509_EXTENSION_get_object(theirs), 1);
  EXPECT_EQ(der::oid_text(ours.oid), std::string(oid, static_cast<std::size_t>(size)));
  EXPECT_EQ(ours.critical, X509_EXTENSION_get_critical(theirs) == 1);
  EXPECT_EQ(hex(ours.value), hex(X509_EXTENSION_get_data(theirs)));
}

int nid_of(SignatureScheme scheme) {
  constexpr int kNids[] = {NID_ecdsa_with_SHA256,       NID_ecdsa_with_SHA384,       NID_ecdsa_with_SHA512,
                           NID_sha256WithRSAEncryption, NID_sha384WithRSAEncryption, NID_sha512WithRSAEncryption,
                           NID_rsassaPss,               NID_rsassaPss,               NID_rsassaPss};
  return kNids[static_cast<std::size_t>(scheme)];
}

void expect_same(const CertificateView& ours, X509* theirs) {
  EXPECT_EQ(hex(ours.serial), magnitude(X509_get0_serialNumber(theirs)));
  EXPECT_EQ(hex(ours.issuer), encoded_name(X509_get_issuer_name(theirs)));
  EXPECT_EQ(hex(ours.subject), encoded_name(X509_get_subject_name(theirs)));
  EXPECT_EQ(ours.validity.begin.unix_seconds(), seconds(X509_get0_notBefore(theirs)));
  EXPECT_EQ(ours.validity.end.unix_seconds(), seconds(X509_get0_notAfter(theirs)));
  EXPECT_EQ(hex(ours.spki), encoded([&](unsigned char** to) { return i2d_X509_PUBKEY(X509_get_X509_PUBKEY(theirs), to); }));
  EXPECT_EQ(hex(ours.tbs), encoded([&](unsigned char** to) { return i2d_re_X509_tbs(theirs, to); }));
  const ASN1_BIT_STRING* signature = nullptr;
  X509_get0_signature(&signature, nullptr, theirs);
  EXPECT_EQ(hex(ours.signature), hex(signature));
  EXPECT_EQ(nid_of(ours.scheme), X509_get_signature_nid(theirs));
  int digest = NID_undef;
  ASSERT_EQ(X509_get_signature_info(theirs, &digest, nullptr, nullptr, nullptr), 1);
  constexpr int kDigests[] = {NID_sha256, NID_sha384, NID_sha512};
  EXPECT_EQ(kDigests[static_cast<std::size_t>(hash_of(ours.scheme))], digest);

  ASSERT_EQ(static_cast<int>(ours.extensions.size()), std::max(0, X509_get_ext_count(theirs)));
  for (std::size_t i = 0; i < ours.extensions.size(); ++i) {
    expect_same_extension(ours.extensions[i], X509_get_ext(theirs, static_cast<int>(i)));
  }

  const ConstraintsPtr constraints(
      static_cast<BASIC_CONSTRAINTS*>(X509_get_ext_d2i(theirs, NID_basic_constraints, nullptr, nullptr)));
  ASSERT_EQ(ours.is_ca.has_value(), constraints != nullptr);
  EXPECT_EQ(ours.is_ca.value_or(false), constraints != nullptr && constraints->ca != 0);
  const long path_length = constraints == nullptr || constraints->pathlen == nullptr ? -1 : ASN1_INTEGER_get(constraints->pathlen);
  EXPECT_EQ(ours.path_length ? static_cast<long>(*ours.path_length) : -1, path_length);

  ASSERT_EQ(ours.key_usage.has_value(), X509_get_ext_by_NID(theirs, NID_key_usage, -1) >= 0);
  const std::uint32_t usage = ours.key_usage.value_or(0);  // OpenSSL has the first byte below the second
  EXPECT_EQ(usage >> 8U | (usage & 0xffU) << 8U, ours.key_usage ? X509_get_key_usage(theirs) : 0);
  EXPECT_EQ(hex(ours.subject_key_id), hex(X509_get0_subject_key_id(theirs)));
  EXPECT_EQ(hex(ours.authority_key_id), hex(X509_get0_authority_key_id(theirs)));
  EXPECT_EQ(ours.self_issued(), X509_NAME_cmp(X509_get_issuer_name(theirs), X509_get_subject_name(theirs)) == 0);

  const X509_NAME* const subject = X509_get_subject_name(theirs);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0 && X509_NAME_get_index_by_NID(subject, NID_commonName, at) < 0) {
    EXPECT_EQ(hex(as_bytes(common_name(ours.subject))), hex(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  } else {
    EXPECT_EQ(common_name(ours.subject), "");
  }
}

bool is_certificate(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const bool other = name.ends_with(".spki.der") || name == "ak.pem" || name.ends_with("Crl.der") || path.parent_path().filename() == "crl";
  return !other && (path.extension() == ".der" || path.extension() == ".pem");
}

template <class Visit>
void for_each_file(Visit visit) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*test::shared_dir() / "vectors")) {
    if (!entry.is_regular_file()) continue;
    SCOPED_TRACE(entry.path().string());
    visit(entry.path());
  }
}

TEST(CertificateView, ReadsEveryGenuineCertificateAsOpenSslDoes) {
  REDOUBT_REQUIRE_SHARED();
  int count = 0;
  for_each_file([&](const std::filesystem::path& path) {
    if (!is_certificate(path)) return;
    Bytes file = test::read_file(path);
    if (path.filename() == "rats-tls-legacy-sha1.pem") {
      const Bytes der = OrDie(pem_decode(as_text(file), "CERTIFICATE", 1)).at(0);
      EXPECT_ERROR(CertificateView::parse(der), Code::malformed, "not accepted, or its parameters: 1.2.840.113549.1.1.5");
      return;
    }
    if (path.filename() == "stm-ek-padded.der") {
      // The whole non-volatile area of a TPM: whoever reads one cuts the certificate out.
      EXPECT_ERROR(CertificateView::parse(file), Code::malformed, "trailing bytes");
      der::Reader reader(file, "area");
      file = to_bytes(reader.element(der::Tag::sequence).whole);
    }
    const std::vector<Bytes> ders =
        path.extension() == ".pem" ? OrDie(pem_decode(as_text(file), "CERTIFICATE", 8)) : std::vector<Bytes>{file};
    for (const Bytes& der : ders) {
      const auto ours = CertificateView::parse(der);
      ASSERT_TRUE(ours.ok()) << ours.error().message();
      const unsigned char* at = reinterpret_cast<const unsigned char*>(der.data());
      const X509Ptr theirs(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
      ASSERT_NE(theirs, nullptr);
      expect_same(*ours, theirs.get());
      EXPECT_OK(ours->public_key());
      ++count;
    }
  });
  EXPECT_GE(count, 80);
}

TEST(CertificateView, IsRefusedWhenCutAndNeverHarmsWhenChanged) {
  REDOUBT_REQUIRE_SHARED();
  for (const std::string_view name : {"amd-snp/certs/leaf-milan-v3-microsoft.der", "tpm-swtpm-qemu/good/ek_cert.der"}) {
    const Bytes der = test::read_file(*test::shared_dir() / "vectors" / name);
    for (std::size_t size = 0; size < der.size(); size += test::stride(1)) EXPECT_FALSE(CertificateView::parse(ByteView(der).first(size)).ok());
    // What still parses after a change differs in the signed bytes, in the signature or nowhere: nothing is unread.
    const auto original = OrDie(CertificateView::parse(der));
    for (std::size_t i = 0; i < der.size() * 8; i += test::stride(1)) {
      Bytes changed = der;
      changed[i / 8] ^= static_cast<std::byte>(1U << i % 8);
      const auto read = CertificateView::parse(changed);
      EXPECT_FALSE(read.ok() && equal(read->tbs, original.tbs) && equal(read->signature, original.signature)) << i;
    }
  }
}

void expect_same(const CrlView& ours, X509_CRL* theirs) {
  EXPECT_EQ(hex(ours.issuer), encoded_name(X509_CRL_get_issuer(theirs)));
  EXPECT_EQ(ours.this_update.unix_seconds(), seconds(X509_CRL_get0_lastUpdate(theirs)));
  EXPECT_EQ(ours.next_update.unix_seconds(), seconds(X509_CRL_get0_nextUpdate(theirs)));
  EXPECT_EQ(hex(ours.tbs), encoded([&](unsigned char** to) { return i2d_re_X509_CRL_tbs(theirs, to); }));
  const ASN1_BIT_STRING* signature = nullptr;
  X509_CRL_get0_signature(theirs, &signature, nullptr);
  EXPECT_EQ(hex(ours.signature), hex(signature));
  EXPECT_EQ(nid_of(ours.scheme), X509_CRL_get_signature_nid(theirs));
  const IntegerPtr number(static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(theirs, NID_crl_number, nullptr, nullptr)));
  EXPECT_EQ(hex(ours.number), number == nullptr ? "none" : magnitude(number.get()));
  const AuthorityPtr authority(
      static_cast<AUTHORITY_KEYID*>(X509_CRL_get_ext_d2i(theirs, NID_authority_key_identifier, nullptr, nullptr)));
  EXPECT_EQ(hex(ours.authority_key_id), hex(authority == nullptr ? nullptr : authority->keyid));

  STACK_OF(X509_REVOKED)* const revoked = X509_CRL_get_REVOKED(theirs);
  ASSERT_EQ(static_cast<int>(ours.revoked_count), std::max(0, sk_X509_REVOKED_num(revoked)));
  for (int i = 0; i < sk_X509_REVOKED_num(revoked); ++i) {
    Bytes serial = OrDie(hex_decode(magnitude(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(revoked, i)))));
    EXPECT_TRUE(ours.revokes(serial));
    serial.insert(serial.begin(), std::byte{0});
    EXPECT_TRUE(ours.revokes(serial));  // the same number
    serial.back() ^= std::byte{0x55};
    serial.push_back(std::byte{1});
    EXPECT_FALSE(ours.revokes(serial));
  }
  EXPECT_FALSE(ours.revokes(as_bytes("not revoked")));
}

TEST(CrlView, ReadsEveryGenuineListAsOpenSslDoes) {
  REDOUBT_REQUIRE_SHARED();
  int count = 0;
  for_each_file([&](const std::filesystem::path& path) {
    if (path.extension() != ".der" || (path.parent_path().filename() != "crl" && !path.filename().string().ends_with("Crl.der"))) return;
    const Bytes der = test::read_file(path);
    const unsigned char* at = reinterpret_cast<const unsigned char*>(der.data());
    const CrlPtr theirs(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
    ASSERT_NE(theirs, nullptr);
    const auto ours = CrlView::parse(der);
    ASSERT_TRUE(ours.ok()) << ours.error().message();
    expect_same(*ours, theirs.get());
    for (std::size_t size = 0; size < der.size(); ++size) EXPECT_FALSE(CrlView::parse(ByteView(der).first(size)).ok());
    ++count;
  });
  EXPECT_GE(count, 20);
}

// Chains as the vendors issue them; times in which all of their certificates are valid.
TEST(CertificatePath, AcceptsTheVendorsChains) {
  REDOUBT_REQUIRE_SHARED();
  const struct {
    std::vector<std::string_view> files;
    std::string_view now;
  } kChains[] = {
      {{"amd-snp/certs/leaf-milan-v3-microsoft.der", "amd-snp/certs/milan-ask.pem", "amd-snp/certs/milan-ark.pem"}, "2026-06-01"},
      {{"amd-snp/certs/leaf-milan-vlek-coco-aws.der", "amd-snp/certs/milan-asvk.pem", "amd-snp/certs/milan-ark.pem"}, "2025-06-01"},
      {{"amd-snp/certs/leaf-genoa-v5-oak.der", "amd-snp/certs/genoa-ask.pem", "amd-snp/certs/genoa-ark.pem"}, "2026-06-01"},
      {{"amd-snp/certs/leaf-turin-v5-microsoft.der", "amd-snp/certs/turin-ask.pem", "amd-snp/certs/turin-ark.pem"}, "2026-06-01"},
      {{"intel-dcap/collateral/certs/pck-platform-ca.pem", "intel-dcap/collateral/certs/intel-sgx-root-ca.pem"}, "2026-06-01"},
      {{"intel-dcap/collateral/certs/tcb-signing-2025.pem", "intel-dcap/collateral/certs/intel-sgx-root-ca.pem"}, "2026-06-01"},
      {{"azure-cvm/tdx-full-ak-chain/ak-certificate.pem", "azure-cvm/tdx-full-ak-chain/ak-intermediate-0.pem",
        "azure-cvm/tdx-full-ak-chain/ak-intermediate-1.pem", "azure-cvm/tdx-full-ak-chain/azure-virtual-tpm-root-2023.pem"},
       "2026-06-15"},
      {{"tpm/ek-ak-certs/gcp/akcert.pem", "tpm/ek-ak-certs/gcp/ak_intermediate.pem", "tpm/ek-ak-certs/gcp/ak_root.pem"}, "2025-06-01"},
      {{"nvidia-gpu/hopper-590.chain.pem"}, "2026-06-01"},
      {{"nvidia-gpu/switch-ls10.chain.pem"}, "2026-06-01"},
      {{"aws-nitro/aws-nitro-root-g1.pem"}, "2026-06-01"},
  };
  for (const auto& one : kChains) {
    SCOPED_TRACE(one.files.front());
    std::vector<Bytes> ders;
    for (const std::string_view name : one.files) {
      const Bytes file = test::read_file(*test::shared_dir() / "vectors" / name);
      if (name.ends_with(".der")) {
        ders.push_back(file);
      } else {
        for (Bytes& der : OrDie(pem_decode(as_text(file), "CERTIFICATE", 8))) ders.push_back(std::move(der));
      }
    }
    std::vector<CertificateView> chain;
    for (const Bytes& der : ders) chain.push_back(OrDie(CertificateView::parse(der)));
    const Instant now = OrDie(Instant::parse(std::string(one.now) + "T00:00:00Z"));
    const auto common = check_path(chain, now);
    ASSERT_TRUE(common.ok()) << common.error().message();
    EXPECT_TRUE(common->contains(now));
    EXPECT_ERROR(check_path(chain, common->end.plus_seconds(1)), Code::freshness, "expired at");
    EXPECT_ERROR(check_path(chain, common->begin.plus_seconds(-1)), Code::freshness, "not valid before");
    if (chain.size() == 1) continue;
    std::swap(chain[0], chain[1]);
    EXPECT_ERROR(check_path(chain, now), Code::chain, "checking certificate");
  }
}

// STMicroelectronics' root is issued by GlobalSign's: as the end of a path it would have to be issued by itself.
TEST(CertificatePath, AcceptsALinkToAnIssuerThatIsNotSelfSigned) {
  REDOUBT_REQUIRE_SHARED();
  const auto read = [](std::string_view name) {
    return OrDie(pem_decode(test::read_text(*test::shared_dir() / "vectors/tpm/ek-ak-certs/vendor" / name), "CERTIFICATE", 1)).at(0);
  };
  const Bytes child_der = read("STM_RSA_05I.pem");
  const Bytes issuer_der = read("STM_RSA_RT.pem");
  const CertificateView child = OrDie(CertificateView::parse(child_der));
  const CertificateView issuer = OrDie(CertificateView::parse(issuer_der));
  EXPECT_OK(check_issued(child, issuer, OrDie(issuer.public_key())));
  EXPECT_ERROR(check_path(std::vector{issuer}, issuer.validity.begin), Code::chain, "its issuer is not the subject");
}

TEST(CertificatePath, AcceptsTheVendorsRevocationLists) {
  REDOUBT_REQUIRE_SHARED();
  const auto folder = *test::shared_dir() / "vectors/intel-dcap/collateral";
  const auto issuer_of = [&](std::string_view list) { return list.starts_with("root") ? "intel-sgx-root-ca.pem" : "pck-platform-ca.pem"; };
  for (const std::string_view name : {"root-20260226T1304.der", "platform-20260630T0756.der", "platform-20230608T0727.der"}) {
    SCOPED_TRACE(name);
    const Bytes der = OrDie(pem_decode(test::read_text(folder / "certs" / issuer_of(name)), "CERTIFICATE", 1)).at(0);
    const CertificateView issuer = OrDie(CertificateView::parse(der));
    const PublicKey key = OrDie(issuer.public_key());
    Bytes list = test::read_file(folder / "crl" / name);
    EXPECT_OK(check_crl_issued(OrDie(CrlView::parse(list)), issuer, key));
    list.back() ^= std::byte{1};
    EXPECT_ERROR(check_crl_issued(OrDie(CrlView::parse(list)), issuer, key), Code::chain, "does not verify");
  }
}

}  // namespace
}  // namespace redoubt::crypto
