// Goal: quotes by RSA and ECDSA keys of every scheme, over every bank, are judged by the key's own scheme, and an attestation key with
// certificates of its own needs no enrolment, only a chain to a named root. Method: Evidence made in software under test roots, one
// thing changed at a time; certificates of real TPMs where the shared vectors are at hand.
#include <gtest/gtest.h>

#include "tests/support/evidence_tpm.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/stride.h"

namespace redoubt::tpm {
namespace {

using test::TpmSample;
using Ids = std::set<std::string>;

constexpr std::uint16_t kSchemes[] = {kAlgRsassa, kAlgRsapss, kAlgEcdsa};
constexpr std::uint16_t kHashes[] = {kAlgSha256, kAlgSha384, kAlgSha512};

TEST(TpmCertifiedKey, EverySchemeAndBankIsAcceptedAndGoesThroughItsWireForm) {
  for (const std::uint16_t scheme : kSchemes) {
    for (const std::uint16_t hash : kHashes) {
      for (const std::uint16_t bank : kHashes) {
        const TpmSample sample(scheme, hash, bank);
        EXPECT_EQ(sample.failures(), Ids{}) << algorithm_text(scheme) << " " << algorithm_text(hash) << " " << algorithm_text(bank);
        const Bytes wire = sample.raw.encode();
        EXPECT_EQ(OrDie(RawEvidence::decode(wire)).encode(), wire);
      }
    }
  }
}

TEST(TpmCertifiedKey, Sha1IsRefusedAsHashAndAsBank) {
  TpmSample sample;
  sample.raw.signature[3] = std::byte{kAlgSha1};
  EXPECT_EQ(sample.failures(), Ids{"parse"});
  EXPECT_ERROR(Signature::parse(sample.raw.signature), Code::malformed, "SHA-1");
  TpmSample key;
  key.hash = kAlgSha1;
  key.remake();
  key.raw.signature = TpmSample().raw.signature;  // any that can be read
  EXPECT_EQ(key.failures(), (Ids{"M3", "M5"}));
  TpmSample bank(kAlgRsassa, kAlgSha256, kAlgSha1);
  EXPECT_EQ(bank.failures(), Ids{"parse"});
}

TEST(TpmCertifiedKey, TheSchemeIsTheKeysAndNotTheSignatures) {
  for (const std::uint16_t scheme : {kAlgRsassa, kAlgRsapss}) {
    TpmSample sample(scheme);
    const std::uint16_t other = scheme == kAlgRsassa ? kAlgRsapss : kAlgRsassa;
    // The same key signs under the other scheme, and the blob says so truly: it is still not the key's scheme.
    const TpmSample elsewhere(other);
    sample.raw.signature = elsewhere.raw.signature;
    EXPECT_EQ(sample.failures(), Ids{"M3"});
    // The blob claims the key's scheme over octets of the other.
    sample.raw.signature[1] = static_cast<std::byte>(scheme);
    EXPECT_EQ(sample.failures(), Ids{"M3"});
    TpmSample none(scheme);
    none.scheme = kAlgNull;
    none.raw.ak_public = [&] {
      TpmSample copy = none;
      copy.remake();
      return copy.raw.ak_public;
    }();
    EXPECT_TRUE(none.failures().contains("M3"));
    EXPECT_TRUE(none.failures().contains("M5"));
  }
}

TEST(TpmCertifiedKey, EveryBitOfQuoteAndSignatureCounts) {
  for (const std::uint16_t scheme : kSchemes) {
    const TpmSample sample(scheme, kAlgSha384, kAlgSha384);
    for (Bytes RawEvidence::*const part : {&RawEvidence::attest, &RawEvidence::signature}) {
      const std::size_t count = (sample.raw.*part).size();
      for (std::size_t i = 0; i < count; i += test::stride(1)) {
        TpmSample changed = sample;
        (changed.raw.*part)[i] ^= static_cast<std::byte>(1U << (i % 8));
        const Ids ids = changed.failures();
        EXPECT_TRUE(ids.contains("parse") || ids.contains("M3")) << algorithm_text(scheme) << " byte " << i;
      }
    }
  }
}

TEST(TpmCertifiedKey, TheDigestIsOverTheValuesOfOneBankUnderTheHashOfTheScheme) {
  TpmSample sample(kAlgRsassa, kAlgSha512, kAlgSha384);
  sample.raw.wide_pcrs[3][0] ^= std::byte{1};
  EXPECT_EQ(sample.failures(), Ids{"M4"});
  TpmSample fewer(kAlgRsassa, kAlgSha512, kAlgSha384);
  fewer.raw.wide_pcrs.erase(5);
  EXPECT_EQ(fewer.failures(), Ids{"M4"});
  TpmSample demanding;
  demanding.required_pcrs = {0, 14};
  EXPECT_EQ(demanding.failures(), Ids{"M4"});
  TpmSample other;
  other.quote.digest = crypto::HashKind::sha384;  // not the scheme's
  other.remake();
  EXPECT_EQ(other.failures(), Ids{"M4"});
  TpmSample mislabelled;
  mislabelled.quote.bank = kAlgSha512;
  mislabelled.raw.attest = test::tpm_attest(mislabelled.quote);
  EXPECT_EQ(mislabelled.failures(), (Ids{"M3", "M4"}));
}

TEST(TpmCertifiedKey, EvidenceThatWasCopiedLooksAtItsCopyInEveryPart) {
  for (const std::uint16_t bank : {kAlgSha256, kAlgSha384, kAlgSha512}) {
    const TpmSample sample(kAlgEcdsa, kAlgSha256, bank);
    Bytes wire = sample.raw.encode();
    const Outcome outcome = authenticate(OrDie(parse(wire)), sample.inputs());
    ASSERT_TRUE(outcome.authentic) << algorithm_text(bank);
    std::ranges::fill(wire, std::byte{0xee});
    const TpmEvidence& evidence = **outcome.authentic;
    const auto looks_at_copy = [&](ByteView part) {
      const Bytes& kept = *evidence.kept;
      return part.data() >= kept.data() && part.data() + part.size() <= kept.data() + kept.size();
    };
    EXPECT_TRUE(equal(*evidence.kept, sample.raw.encode()));
    for (const ByteView part : {evidence.raw.attest, evidence.raw.signature, evidence.raw.ak_public, evidence.raw.ak_certificates[0],
                                evidence.raw.ak_certificates[1], evidence.raw.pcrs.bytes()}) {
      EXPECT_TRUE(looks_at_copy(part)) << algorithm_text(bank);
    }
    for (const ByteView part : {evidence.raw.ek_public, evidence.raw.ek_certificate, evidence.raw.event_log, evidence.raw.ima_log}) {
      EXPECT_TRUE(part.empty());
    }
    EXPECT_TRUE(equal(evidence.raw.ak_certificates[1], sample.raw.ak_certificates.at(1)));
    std::map<int, Bytes> values;
    for (const auto [pcr, value] : evidence.raw.pcrs) values.emplace(pcr, to_bytes(value));
    EXPECT_EQ(values, sample.quote.pcrs);
    EXPECT_EQ(evidence.raw.pcrs.size(), sample.quote.pcrs.size());
    EXPECT_TRUE(evidence.raw.pcrs.contains(7));
    EXPECT_FALSE(evidence.raw.pcrs.contains(8));
    EXPECT_EQ(evidence.pcrs(), PcrValues(sample.raw.pcrs));
    EXPECT_EQ(evidence.pcrs().empty(), bank != kAlgSha256);
  }
}

TEST(TpmCertifiedKey, ClockAndChallengeAreJudged) {
  TpmSample sample;
  sample.quote.safe = false;
  sample.remake();
  EXPECT_EQ(sample.failures(), Ids{"M1"});
  TpmSample other;
  other.expected_nonce = Bytes(32, std::byte{1});
  EXPECT_EQ(other.failures(), Ids{"M2"});
  TpmSample empty;
  empty.quote.nonce.clear();
  empty.expected_nonce.clear();
  empty.remake();
  EXPECT_EQ(empty.failures(), Ids{"M2"});
}

TEST(TpmCertifiedKey, TheKeyMustBeRestrictedAndTheCertificateItsOwn) {
  for (const std::uint32_t bit : {kFixedTpm, kFixedParent, kSensitiveDataOrigin, kRestricted, kSign}) {
    TpmSample sample;
    sample.attributes &= ~bit;
    sample.remake();
    EXPECT_EQ(sample.failures(), Ids{"M5"}) << attributes_text(bit);
  }
  TpmSample decrypts;
  decrypts.attributes |= kDecrypt;
  decrypts.remake();
  EXPECT_EQ(decrypts.failures(), Ids{"M5"});
  TpmSample exponent;
  exponent.exponent = 3;
  exponent.remake();
  EXPECT_EQ(exponent.failures(), (Ids{"M3", "M5"}));
  TpmSample other;
  other.raw.ak_certificates[0] = test::tpm_ak_certificate(other.leaf, test::test_signer(test::SignerKind::rsa2048, "another ak"));
  EXPECT_EQ(other.failures(), Ids{"M5"});
}

TEST(TpmCertifiedKey, TheChainLeadsToANamedRootForThisUsageAtThisTime) {
  const auto with = [](auto change) {
    TpmSample sample;
    change(sample);
    sample.remake();
    return sample.failures();
  };
  const Ids refused{"M6"};
  EXPECT_EQ(with([](TpmSample& s) { s.leaf.extensions.clear(); }), refused);
  EXPECT_EQ(with([](TpmSample& s) { s.leaf.extensions = {test::usage_extension(kEkUsage)}; }), refused);
  EXPECT_EQ(with([](TpmSample& s) { s.leaf.issuer = "somebody"; }), refused);
  EXPECT_EQ(with([](TpmSample& s) { s.leaf.end = s.now.plus_seconds(-1); }), refused);
  EXPECT_EQ(with([](TpmSample& s) { s.leaf.begin = s.now.plus_seconds(1); }), refused);
  EXPECT_EQ(with([](TpmSample& s) { s.roots.clear(); }), refused);
  EXPECT_EQ(with([](TpmSample& s) { s.leaf.ca = true; }), (Ids{"M5", "M6"}));  // keyCertSign, and no digitalSignature
  // A critical name of the TPM is taken; another critical extension is not.
  const Bytes general_names{std::byte{0x30}, std::byte{0x00}};
  EXPECT_EQ(with([&](TpmSample& s) { s.leaf.extensions.push_back({"2.5.29.17", general_names, true}); }), Ids{});
  EXPECT_EQ(with([&](TpmSample& s) { s.leaf.extensions.push_back({"2.5.29.9", general_names, true}); }), Ids{});
  EXPECT_EQ(with([&](TpmSample& s) { s.leaf.extensions.push_back({"1.2.3.4", general_names, true}); }), refused);

  TpmSample bare;
  bare.raw.ak_certificates.resize(1);
  EXPECT_EQ(bare.failures(), refused);
  TpmSample generous;
  generous.raw.ak_certificates.push_back(test::tpm_test_root());  // an anchor that comes along is none
  EXPECT_EQ(generous.failures(), Ids{});
  generous.roots.clear();
  EXPECT_EQ(generous.failures(), refused);
}

constexpr Interval kListWindow{Instant(1796000000), Instant(1797000000)};  // around TpmSample::now
constexpr long kSerial = 77;                                              // of every certificate made here

std::string found_of(const TpmSample& sample, attest::CheckId id) {
  const auto outcome = authenticate(OrDie(parse(sample.raw.encode())), sample.inputs());
  return std::ranges::find(outcome.checks, id, &attest::Check::id)->found;
}

TEST(TpmCertifiedKey, ACertificateInAListOfItsIssuerIsRefused) {
  TpmSample sample;
  EXPECT_NE(found_of(sample, attest::CheckId::m6).find("revocation not known: no valid list of CN=tpm test CA, CN=tpm test root"), std::string::npos);
  const Bytes of_leaf = test::tpm_crl(false, {kSerial}, kListWindow);
  const Bytes of_intermediate = test::tpm_crl(true, {kSerial}, kListWindow);
  const Bytes of_others = test::tpm_crl(false, {1, 78}, kListWindow);
  const Bytes empty_root = test::tpm_crl(true, {}, kListWindow);
  sample.lists = {of_others, empty_root};
  EXPECT_EQ(sample.failures(), Ids{});
  EXPECT_TRUE(found_of(sample, attest::CheckId::m6).ends_with(", not revoked"));
  sample.lists = {of_others, of_leaf};  // whatever another list says
  EXPECT_EQ(sample.failures(), Ids{"M6"});
  EXPECT_NE(found_of(sample, attest::CheckId::m6).find("certificate 4d of CN=an attestation key: revoked by the list of 2026-11-30"), std::string::npos)
      << found_of(sample, attest::CheckId::m6);
  sample.lists = {of_intermediate};
  EXPECT_EQ(sample.failures(), Ids{"M6"});
  // What was revoked stays so when the list has expired; a list of the future says nothing yet.
  sample.lists = {test::tpm_crl(false, {kSerial}, {Instant(1700000000), Instant(1700000001)})};
  EXPECT_EQ(sample.failures(), Ids{"M6"});
  sample.lists = {test::tpm_crl(false, {kSerial}, {sample.now.plus_seconds(10), sample.now.plus_seconds(20)})};
  EXPECT_EQ(sample.failures(), Ids{});
  // Lists of others, and lists that their issuer did not sign, revoke nothing.
  sample.lists = {test::signer_crl("tpm test CA", test::test_signer(test::SignerKind::rsa2048, "a liar"), {kSerial}, kListWindow),
                  test::signer_crl("somebody", test::test_signer(test::SignerKind::rsa2048, "a liar"), {kSerial}, kListWindow), Bytes(20, std::byte{1})};
  EXPECT_EQ(sample.failures(), Ids{});
  sample.lists.assign(Revocation::kMaxLists + 1, of_others);
  EXPECT_EQ(sample.failures(), Ids{"M6"});
}

TEST(TpmCertifiedKey, WhereListsAreRequiredEachCertificateNeedsOneThatIsValid) {
  TpmSample sample;
  sample.lists_required = true;
  EXPECT_EQ(sample.failures(), Ids{"M6"});
  const Bytes leaf = test::tpm_crl(false, {}, kListWindow);
  const Bytes intermediate = test::tpm_crl(true, {}, kListWindow);
  sample.lists = {leaf};
  EXPECT_EQ(sample.failures(), Ids{"M6"});
  EXPECT_NE(found_of(sample, attest::CheckId::m6).find("of CN=tpm test root, found none"), std::string::npos);
  sample.lists = {intermediate};
  EXPECT_EQ(sample.failures(), Ids{"M6"});
  sample.lists = {leaf, test::tpm_crl(true, {}, {Instant(1700000000), sample.now.plus_seconds(-1)})};
  EXPECT_EQ(sample.failures(), Ids{"M6"});
  sample.lists = {leaf, intermediate};
  EXPECT_EQ(sample.failures(), Ids{});
}

TEST(TpmCertifiedKey, ACertificateWithoutAnyUsageCountsOnlyUnderARootForWhichThatWillDo) {
  TpmSample sample;
  sample.leaf.extensions.clear();
  sample.remake();
  EXPECT_EQ(sample.failures(), Ids{"M6"});
  sample.roots_without_usage = {crypto::sha256(as_bytes("another root"))};
  EXPECT_EQ(sample.failures(), Ids{"M6"});
  sample.roots_without_usage = {crypto::sha256(test::tpm_test_root())};
  EXPECT_EQ(sample.failures(), Ids{});
  // The root must be an anchor besides; revocation, time and key usage are judged as for others.
  TpmSample unnamed = sample;
  unnamed.roots.clear();
  EXPECT_EQ(unnamed.failures(), Ids{"M6"});
  TpmSample revoked = sample;
  revoked.lists = {test::tpm_crl(false, {kSerial}, kListWindow)};
  EXPECT_EQ(revoked.failures(), Ids{"M6"});
  TpmSample bare = sample;
  bare.leaf.key_usage = false;
  bare.remake();
  EXPECT_EQ(bare.failures(), Ids{"M6"});
  TpmSample other = sample;
  other.leaf.extensions = {test::usage_extension(kEkUsage)};  // it names a usage, and not this one
  other.remake();
  EXPECT_EQ(other.failures(), Ids{"M6"});
}

TEST(TpmCertifiedKey, EveryByteOfTheCertificateCounts) {
  const TpmSample sample;
  for (std::size_t i = 0; i < sample.raw.ak_certificates[0].size(); ++i) {
    TpmSample changed = sample;
    changed.raw.ak_certificates[0][i] ^= std::byte{0x20};
    const Ids ids = changed.failures();
    EXPECT_TRUE(ids.contains("M6")) << "byte " << i;
  }
}

TEST(TpmCertifiedKey, JunkIsRefusedOrFailsAndNeverCrashes) {
  const TpmSample sample(kAlgRsapss, kAlgSha256, kAlgSha384);
  const Bytes wire = sample.raw.encode();
  for (std::size_t size = 0; size < wire.size(); size += test::stride(1)) {
    EXPECT_FALSE(RawEvidence::decode(ByteView(wire).first(size)).ok()) << size;
  }
  for (std::size_t i = 0; i < wire.size(); i += test::stride(1)) {
    Bytes changed = wire;
    changed[i] ^= std::byte{0x41};
    const auto parsed = parse(changed);
    if (!parsed.ok()) continue;
    EXPECT_FALSE(authenticate(*parsed, sample.inputs()).authentic) << "byte " << i;
  }
}

TEST(TpmNvCertificate, ItsLengthIsThatOfItsOuterSequenceAndOnlyPaddingMayFollow) {
  const Bytes certificate = test::tpm_test_root();
  for (const std::byte pad : {std::byte{0}, std::byte{0xff}}) {
    Bytes nv = certificate;
    nv.resize(certificate.size() + 300, pad);
    EXPECT_TRUE(equal(OrDie(unpad(nv)), certificate));
    nv.back() = std::byte{1};
    EXPECT_ERROR(unpad(nv), Code::malformed, "padding");
    nv.back() = ~pad;
    EXPECT_ERROR(unpad(nv), Code::malformed, "padding");
  }
  EXPECT_TRUE(equal(OrDie(unpad(certificate)), certificate));
  EXPECT_FALSE(unpad(ByteView(certificate).first(certificate.size() - 1)).ok());
  EXPECT_FALSE(unpad({}).ok());
  EXPECT_FALSE(unpad(Bytes(64, std::byte{0xff})).ok());
}

class TpmSharedCertificates : public testing::Test {
 protected:
  void SetUp() override {
    REDOUBT_REQUIRE_SHARED();
  }
  static Bytes read(const std::string& name) { return test::read_file(*test::shared_dir() / "vectors/tpm/ek-ak-certs" / name); }
};

TEST_F(TpmSharedCertificates, PaddingAndAnOddOrderInANameAreReadAndNothingElseIs) {
  const Bytes padded = read("odd/stm-ek-padded.der");
  const auto stm = OrDie(unpad(padded));
  EXPECT_LT(stm.size(), padded.size());
  EXPECT_FALSE(crypto::CertificateView::parse(padded).ok());
  EXPECT_TRUE(has_usage(OrDie(crypto::CertificateView::parse(stm)), kEkUsage));
  const Bytes nuvoton = read("odd/nuvoton-root-2110.der");
  const auto root = OrDie(crypto::CertificateView::parse(OrDie(unpad(nuvoton))));
  EXPECT_TRUE(root.self_issued());
  const auto key = OrDie(root.public_key());
  EXPECT_OK(key.verify(root.scheme, root.tbs, root.signature));
}

TEST_F(TpmSharedCertificates, AnAttestationKeyOfACloudLeadsToItsRoot) {
  const auto pem = [](const std::string& name) { return OrDie(crypto::pem_decode(as_text(read(name)), "CERTIFICATE", 1)).front(); };
  const std::vector<Bytes> between{pem("gcp/ak_intermediate.pem")};
  const Bytes root = pem("gcp/ak_root.pem");
  const std::vector<ByteView> roots{root};
  const Instant now = OrDie(Instant::parse("2026-01-01T00:00:00Z"));
  EXPECT_OK(verify_chain(pem("gcp/akcert.pem"), between, roots, now, nullptr));
  EXPECT_ERROR(verify_chain(pem("gcp/akcert.pem"), between, roots, now, &kAkUsage), Code::chain, "2.23.133.8.3");
  EXPECT_ERROR(verify_chain(pem("gcp/ekcert.pem"), between, roots, now, nullptr), Code::chain, "");
  // The genuine list of the root covers the intermediate while it is valid, and not the EK's own certificate.
  const std::vector<Bytes> lists{read("gcp/intermediate.crl")};
  const std::vector<Bytes> ek_between{pem("gcp/ek_intermediate.pem")};
  const Bytes ek_root = pem("gcp/ek_root.pem");
  const std::vector<ByteView> ek_roots{ek_root};
  const Instant then = OrDie(Instant::parse("2024-05-10T00:00:00Z"));
  const auto ek = OrDie(verify_chain(pem("gcp/ekcert.pem"), ek_between, ek_roots, then, nullptr, {lists}));
  const auto unlisted = OrDie(verify_chain(pem("gcp/ekcert.pem"), ek_between, ek_roots, then, nullptr));
  EXPECT_NE(unlisted.revocation.find("EK/AK CA Root"), std::string::npos) << unlisted.revocation;
  EXPECT_EQ(ek.revocation.find("EK/AK CA Root"), std::string::npos) << ek.revocation;
  EXPECT_TRUE(ek.revocation.ends_with("CN=EK/AK CA Intermediate")) << ek.revocation;
  EXPECT_ERROR(verify_chain(pem("gcp/ekcert.pem"), ek_between, ek_roots, then, nullptr, {lists, true}), Code::chain, "expected a revocation list");
  EXPECT_ERROR(verify_chain(pem("gcp/akcert.pem"), between, roots, Instant(0), nullptr), Code::freshness, "");
}

}  // namespace
}  // namespace redoubt::tpm
