// Goal: a path holds only when each of its links does. Method: a CA of the test's own, made with OpenSSL; next to a sound path of
// four certificates, one for each single thing that can be wrong; where OpenSSL looks at the same thing, it must refuse as well.
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "common/crypto/certificate_view.h"
#include "common/crypto/openssl_handles.h"
#include "tests/support/expect.h"

namespace redoubt::crypto {
namespace {

using CrlPtr = std::unique_ptr<X509_CRL, OpenSslFree<X509_CRL_free>>;
void free_stack(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using StackPtr = std::unique_ptr<STACK_OF(X509), OpenSslFree<free_stack>>;

constexpr Instant kBegin(1'700'000'000);
constexpr Instant kNow(1'750'000'000);
constexpr Instant kEnd(1'800'000'000);

void must(bool ok) {
  if (!ok) std::abort();
}

struct Extension {
  std::string oid;
  bool critical;
  std::string value;  // hexadecimal DER
};

const Extension kCa{"2.5.29.19", true, "30030101ff"};
const Extension kCaUsage{"2.5.29.15", true, "03020106"};  // keyCertSign, cRLSign
const Extension kLeafUsage{"2.5.29.15", true, "03020780"};

Extension path_length(int count) { return {"2.5.29.19", true, "30060101ff02010" + std::to_string(count)}; }

struct Spec {
  std::string name;
  std::string issuer;
  std::vector<Extension> extensions;
  Instant begin = kBegin;
  Instant end = kEnd;
  long version = 2;
  const char* digest = "SHA256";
};

PkeyPtr new_key() { return PkeyPtr(EVP_EC_gen("P-256")); }

X509_NAME* set_name(X509_NAME* name, const std::string& text) {
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0) == 1);
  return name;
}

template <class T, class Encode>
Bytes encoded(T* thing, Encode encode) {
  unsigned char* der = nullptr;
  const int size = encode(thing, &der);
  must(size > 0);
  const Bytes bytes = to_bytes(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
  OPENSSL_free(der);
  return bytes;
}

X509_EXTENSION* make_extension(const Extension& extension) {
  const Bytes value = OrDie(hex_decode(extension.value));
  ASN1_OBJECT* oid = OBJ_txt2obj(extension.oid.c_str(), 1);
  ASN1_OCTET_STRING* content = ASN1_OCTET_STRING_new();
  must(ASN1_OCTET_STRING_set(content, reinterpret_cast<const unsigned char*>(value.data()), static_cast<int>(value.size())) == 1);
  X509_EXTENSION* made = X509_EXTENSION_create_by_OBJ(nullptr, oid, extension.critical ? 1 : 0, content);
  ASN1_OBJECT_free(oid);
  ASN1_OCTET_STRING_free(content);
  return made;
}

Bytes issue(const Spec& spec, EVP_PKEY* key, EVP_PKEY* signer) {
  const X509Ptr x509(X509_new());
  must(X509_set_version(x509.get(), spec.version) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 7);
  set_name(X509_get_subject_name(x509.get()), spec.name);
  set_name(X509_get_issuer_name(x509.get()), spec.issuer);
  ASN1_TIME_set(X509_getm_notBefore(x509.get()), static_cast<time_t>(spec.begin.unix_seconds()));
  ASN1_TIME_set(X509_getm_notAfter(x509.get()), static_cast<time_t>(spec.end.unix_seconds()));
  must(X509_set_pubkey(x509.get(), key) == 1);
  for (const Extension& extension : spec.extensions) {
    X509_EXTENSION* made = make_extension(extension);
    must(X509_add_ext(x509.get(), made, -1) == 1);
    X509_EXTENSION_free(made);
  }
  must(X509_sign(x509.get(), signer, EVP_get_digestbyname(spec.digest)) > 0);
  return encoded(x509.get(), i2d_X509);
}

// Path: leaf, issuer, authority, root; each may be changed before it is issued.
struct Path {
  Spec root{"root", "root", {kCa, kCaUsage}};
  Spec authority{"authority", "root", {path_length(1), kCaUsage}};
  Spec issuer{"issuer", "authority", {path_length(0), kCaUsage}};
  Spec leaf{"leaf", "issuer", {kLeafUsage}};
  PkeyPtr root_key = new_key(), authority_key = new_key(), issuer_key = new_key(), leaf_key = new_key();
  EVP_PKEY* leaf_signer = nullptr;  // instead of the issuer

  std::vector<Bytes> ders() const {
    return {issue(leaf, leaf_key.get(), leaf_signer == nullptr ? issuer_key.get() : leaf_signer),
            issue(issuer, issuer_key.get(), authority_key.get()), issue(authority, authority_key.get(), root_key.get()),
            issue(root, root_key.get(), root_key.get())};
  }
};

Result<Interval> check(const std::vector<Bytes>& ders, const PathProfile& profile = {}, Instant now = kNow) {
  std::vector<CertificateView> chain;
  for (const Bytes& der : ders) {
    REDOUBT_TRY(CertificateView view, CertificateView::parse(der));
    chain.push_back(std::move(view));
  }
  return check_path(chain, now, profile);
}

// openssl_accepts: X509_verify_cert, with the last certificate as its only anchor.
bool openssl_accepts(const std::vector<Bytes>& ders, Instant now = kNow) {
  std::vector<X509Ptr> owned;
  const StackPtr between(sk_X509_new_null());
  const X509StorePtr store(X509_STORE_new());
  for (const Bytes& der : ders) {
    const unsigned char* at = reinterpret_cast<const unsigned char*>(der.data());
    owned.emplace_back(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    if (owned.back() == nullptr) return false;
    sk_X509_push(between.get(), owned.back().get());
  }
  must(X509_STORE_add_cert(store.get(), owned.back().get()) == 1);
  const X509StoreCtxPtr context(X509_STORE_CTX_new());
  must(X509_STORE_CTX_init(context.get(), store.get(), owned.front().get(), between.get()) == 1);
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), static_cast<time_t>(now.unix_seconds()));
  return X509_verify_cert(context.get()) == 1;
}

void expect_both_refuse(const Path& path, Code code, std::string_view why, Instant now = kNow) {
  const std::vector<Bytes> ders = path.ders();
  EXPECT_ERROR(check(ders, {}, now), code, why);
  EXPECT_FALSE(openssl_accepts(ders, now)) << why;
}

TEST(CertificatePath, AcceptsASoundPath) {
  Path path;
  path.issuer.end = kEnd.plus_seconds(-5);
  path.leaf.begin = kBegin.plus_seconds(5);
  const auto common = OrDie(check(path.ders()));
  EXPECT_EQ(common.begin, kBegin.plus_seconds(5));
  EXPECT_EQ(common.end, kEnd.plus_seconds(-5));
  EXPECT_TRUE(openssl_accepts(path.ders()));
  EXPECT_OK(check({path.ders().back()}));
}

TEST(CertificatePath, RefusesAnotherIssuer) {
  Path path;
  path.leaf.issuer = "issuer of another name";
  expect_both_refuse(path, Code::chain, "1 of 4: its issuer is not the subject");
  path = Path();
  path.leaf_signer = path.authority_key.get();
  expect_both_refuse(path, Code::chain, "1 of 4: ecdsa-sha256 signature does not verify");
  path = Path();
  path.root.issuer = "someone";
  EXPECT_ERROR(check(path.ders()), Code::chain, "4 of 4: its issuer is not the subject");
  path = Path();
  const Extension subject{"2.5.29.14", false, "04024141"};
  path.issuer.extensions.push_back(subject);
  path.leaf.extensions.push_back({"2.5.29.35", false, "300480024142"});
  expect_both_refuse(path, Code::chain, "authority key identifier");
  path.leaf.extensions.back().value = "300480024141";
  EXPECT_OK(check(path.ders()));
}

TEST(CertificatePath, RefusesAnIssuerThatMayNotIssue) {
  Path path;
  path.issuer.extensions = {kCaUsage};
  expect_both_refuse(path, Code::chain, "1 of 4: the issuing certificate is not a CA's");
  path.issuer.extensions = {{"2.5.29.19", true, "3000"}, kCaUsage};
  expect_both_refuse(path, Code::chain, "not a CA's");
  path.issuer.extensions = {kCa, {"2.5.29.15", true, "03020102"}};  // cRLSign alone
  expect_both_refuse(path, Code::chain, "lacks the key usage keyCertSign");
  path.issuer.extensions = {kCa};
  EXPECT_ERROR(check(path.ders()), Code::chain, "lacks the key usage keyCertSign");  // stricter than OpenSSL
}

TEST(CertificatePath, RefusesMoreAuthoritiesThanAPathLengthAllows) {
  Path path;
  path.authority.extensions = {path_length(0), kCaUsage};
  expect_both_refuse(path, Code::chain, "3 of 4: path length 0, found 1 CAs below it");
  path = Path();
  path.root.extensions = {path_length(1), kCaUsage};
  expect_both_refuse(path, Code::chain, "4 of 4: path length 1, found 2 CAs below it");
  // A CA at the end of the path is nobody's issuer: it does not count.
  path = Path();
  path.leaf.extensions = {kCa, kCaUsage};
  EXPECT_OK(check(path.ders()));
  EXPECT_TRUE(openssl_accepts(path.ders()));
  // Nor does one that was issued under its own name.
  path = Path();
  path.root.name = path.root.issuer = path.authority.issuer = path.authority.name = path.issuer.issuer = "same";
  path.root.extensions = {path_length(1), kCaUsage};
  EXPECT_OK(check(path.ders()));
}

TEST(CertificatePath, RefusesEachCertificateOutsideItsTime) {
  for (Spec Path::*one : {&Path::root, &Path::authority, &Path::issuer, &Path::leaf}) {
    Path path;
    (path.*one).end = kNow;
    EXPECT_OK(check(path.ders()));
    expect_both_refuse(path, Code::freshness, "expired at", kNow.plus_seconds(1));
    EXPECT_OK(check(path.ders(), {{}, false}, kNow.plus_seconds(1)));
    path = Path();
    (path.*one).begin = kNow;
    EXPECT_OK(check(path.ders()));
    expect_both_refuse(path, Code::freshness, "not valid before", kNow.plus_seconds(-1));
  }
  // What is wrong besides comes first: freshness says that the time alone is.
  Path path;
  path.leaf_signer = path.authority_key.get();
  EXPECT_ERROR(check(path.ders(), {}, kEnd.plus_seconds(1)), Code::chain, "does not verify");
}

TEST(CertificatePath, RefusesUnknownCriticalExtensions) {
  const Extension unknown{"1.2.3.4.5", true, "0500"};
  for (Spec Path::*one : {&Path::authority, &Path::issuer, &Path::leaf}) {
    Path path;
    (path.*one).extensions.push_back(unknown);
    expect_both_refuse(path, Code::chain, "unknown critical extension 1.2.3.4.5");
    (path.*one).extensions.back().critical = false;
    EXPECT_OK(check(path.ders()));
  }
  constexpr der::Oid kKnown[] = {der::oid("1.2.3.4.5")};
  Path path;
  path.leaf.extensions.push_back(unknown);
  EXPECT_OK(check(path.ders(), {kKnown, true}));
  path.issuer.extensions.push_back(unknown);
  EXPECT_ERROR(check(path.ders(), {kKnown, true}), Code::chain, "2 of 4: unknown critical extension");
  // Policies of a CA are known, those of the leaf and name constraints are not.
  const Extension policies{"2.5.29.32", true, "300630040602" "2a03"};
  path = Path();
  path.issuer.extensions.push_back(policies);
  EXPECT_OK(check(path.ders()));
  path.leaf.extensions.push_back(policies);
  EXPECT_ERROR(check(path.ders()), Code::chain, "1 of 4: unknown critical extension 2.5.29.32");
  path = Path();
  path.issuer.extensions.push_back({"2.5.29.30", true, "3000"});
  EXPECT_ERROR(check(path.ders()), Code::chain, "unknown critical extension 2.5.29.30");
}

TEST(CertificatePath, RefusesCertificatesInAnotherOrderOrNumber) {
  const std::vector<Bytes> ders = Path().ders();
  for (std::size_t i = 0; i + 1 < ders.size(); ++i) {
    std::vector<Bytes> swapped = ders;
    std::swap(swapped[i], swapped[i + 1]);
    EXPECT_ERROR(check(swapped), Code::chain, "");
    std::vector<Bytes> shorter = ders;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    EXPECT_ERROR(check(shorter), Code::chain, "its issuer is not the subject");
  }
  EXPECT_ERROR(check({}), Code::chain, "found 0");
  EXPECT_ERROR(check(std::vector<Bytes>(9, ders.back())), Code::chain, "found 9");
  EXPECT_OK(check(std::vector<Bytes>(8, ders.back())));
}

TEST(CertificatePath, RefusesAKeyThatIsNotTheIssuers) {
  const std::vector<Bytes> ders = Path().ders();
  const auto leaf = OrDie(CertificateView::parse(ders[0]));
  const auto issuer = OrDie(CertificateView::parse(ders[1]));
  EXPECT_OK(check_issued(leaf, issuer, OrDie(issuer.public_key())));
  EXPECT_ERROR(check_issued(leaf, issuer, OrDie(leaf.public_key())), Code::chain, "the given key is not");
}

// swap_bytes: the only place of `from` in `der` becomes `to`, of the same length.
Bytes swap_bytes(Bytes der, std::string_view from, std::string_view to, bool last = false) {
  const Bytes old = OrDie(hex_decode(from));
  const Bytes fresh = OrDie(hex_decode(to));
  const auto at = last ? std::find_end(der.begin(), der.end(), old.begin(), old.end())
                       : std::search(der.begin(), der.end(), old.begin(), old.end());
  must(at != der.end() && old.size() == fresh.size());
  std::ranges::copy(fresh, at);
  return der;
}

TEST(CertificateView, RefusesEveryOtherForm) {
  Path path;
  const Bytes leaf = path.ders().front();
  EXPECT_OK(CertificateView::parse(leaf));
  Bytes longer = leaf;
  longer.push_back(std::byte{0});
  EXPECT_ERROR(CertificateView::parse(longer), Code::malformed, "1 trailing bytes");
  EXPECT_ERROR(CertificateView::parse({}), Code::malformed, "expected 1 to 16384 bytes");
  EXPECT_ERROR(CertificateView::parse(Bytes(CertificateView::kMaxSize + 1)), Code::malformed, "expected 1 to 16384 bytes");
  // ecdsa-with-SHA256 becomes -SHA384 inside, then outside.
  EXPECT_ERROR(CertificateView::parse(swap_bytes(leaf, "2a8648ce3d040302", "2a8648ce3d040303")), Code::malformed, "another signature algorithm");
  EXPECT_ERROR(CertificateView::parse(swap_bytes(leaf, "2a8648ce3d040302", "2a8648ce3d040303", true)), Code::malformed,
               "another signature algorithm");
  EXPECT_ERROR(CertificateView::parse(swap_bytes(leaf, "a003020102020107", "a003020102020187")), Code::malformed, "negative");
  EXPECT_ERROR(CertificateView::parse(swap_bytes(leaf, "a003020102", "a003020101")), Code::malformed, "expected version 3");

  path.leaf.version = 0;
  path.leaf.extensions.clear();
  EXPECT_ERROR(CertificateView::parse(path.ders().front()), Code::malformed, "found version 1");
  path = Path();
  path.leaf.extensions = {kLeafUsage, kLeafUsage};
  EXPECT_ERROR(CertificateView::parse(path.ders().front()), Code::malformed, "2.5.29.15 stands there twice");
  path.leaf.digest = "SHA1";
  path.leaf.extensions = {kLeafUsage};
  EXPECT_ERROR(CertificateView::parse(path.ders().front()), Code::malformed, "1.2.840.10045.4.1");
  path = Path();
  for (int i = 0; i < 32; ++i) path.leaf.extensions.push_back({"1.2.3." + std::to_string(i), false, "0500"});
  EXPECT_ERROR(CertificateView::parse(path.ders().front()), Code::malformed, "more than 32");
  path.leaf.extensions.pop_back();
  EXPECT_OK(CertificateView::parse(path.ders().front()));
}

TEST(CertificateView, RefusesExtensionsThatAreNotWhatTheyMustBe) {
  const struct {
    Extension extension;
    std::string_view why;
  } kCases[] = {{{"2.5.29.19", true, "3003010100"}, "written out"},
                {{"2.5.29.19", true, "3003020100"}, "a path length without a CA"},
                {{"2.5.29.19", true, "30070101ff02020100"}, "above 255"},
                {{"2.5.29.19", true, "30030101ff00"}, "trailing bytes"},
                {{"2.5.29.19", true, "0500"}, "expected tag 0x30"},
                {{"2.5.29.15", true, "0302078000"}, "trailing bytes"},
                {{"2.5.29.15", true, "03020781"}, "not zero"},
                {{"2.5.29.14", false, "0500"}, "expected tag 0x04"},
                {{"2.5.29.35", false, "3004810241aa"}, "trailing bytes"}};
  for (const auto& one : kCases) {
    Path path;
    path.leaf.extensions = {one.extension};
    EXPECT_ERROR(CertificateView::parse(path.ders().front()), Code::malformed, one.why);
  }
}

TEST(CertificateView, NamesAreShownAndNeverTaken) {
  Path path;
  path.leaf.name = "a, b=c\\d\x01";
  const Bytes der = path.ders().front();
  const auto leaf = OrDie(CertificateView::parse(der));
  EXPECT_EQ(name_text(leaf.subject), "CN=a\\, b\\=c\\\\d?");
  EXPECT_EQ(common_name(leaf.subject), "a, b=c\\d\x01");
  EXPECT_EQ(name_text(leaf.issuer), "CN=issuer");
  EXPECT_EQ(name_text(as_bytes("junk")), "?");
  EXPECT_EQ(common_name(as_bytes("junk")), "");
  const Bytes two = OrDie(hex_decode("3018310a300806035504030c0141310a300806035504030c0142"));
  EXPECT_EQ(name_text(two), "CN=A, CN=B");
  EXPECT_EQ(common_name(two), "");
  EXPECT_EQ(name_text(OrDie(hex_decode("3010310e300c06032a030404050102030405"))), "1.2.3.4=#0102030405");
  EXPECT_EQ(name_text(OrDie(hex_decode("300c310a300806035504030c01ff"))), "CN=#ff");
}

}  // namespace
}  // namespace redoubt::crypto
