// Genuine RA-TLS certificates of the shared test data. Goal: what cases.json lists comes out of each, and a certificate put together
// from two of them is refused. Report data are read at their place in an SGX quote of version 3: whether the quotes are authentic
// is judged elsewhere. Absent data: skipped.
#include <set>

#include "common/attest/evidence/cert/container.h"
#include "common/attest/evidence/cert/evidence_certificate.h"
#include "common/crypto/certificate_view.h"
#include "tests/support/evidence_token.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::cert {
namespace {

std::filesystem::path folder() { return *test::shared_dir() / "vectors" / "ra-tls"; }

const json::Value& at(const json::Value& value, std::string_view name) {
  static const json::Value null;
  if (value.object() == nullptr) return null;
  const auto found = value.object()->find(name);
  return found == value.object()->end() ? null : found->second;
}
std::string text_at(const json::Value& value, std::string_view name) { return *at(value, name).string(); }

ReportData report_data_in(ByteView quote) { return OrDie(ReportData::from(quote.subspan(368, 64), "report data")); }

struct Case {
  explicit Case(const json::Value& item)
      : id(text_at(item, "id")), expect(at(item, "expect")), spki_sha256(text_at(item, "spki_sha256")),
        der(OrDie(crypto::pem_decode(test::read_text(folder() / text_at(item, "cert")), "CERTIFICATE", 1, Container::kMaxSize)).at(0)),
        begin(OrDie(Instant::parse(*at(item, "window_certificate").array()->at(0).string()))),
        end(OrDie(Instant::parse(*at(item, "window_certificate").array()->at(1).string()))) {}
  std::string id;
  json::Value expect;
  std::string spki_sha256;
  Bytes der;
  Instant begin, end;
};

std::vector<Case> cases() {
  const json::Value list = OrDie(json::parse(test::read_text(folder() / "cases.json")));
  std::vector<Case> out;
  for (const json::Value& item : *list.array()) out.emplace_back(item);
  return out;
}

Outcome judge(ByteView der, Instant now, bool accept_pkcs1 = false) {
  const auto parsed = OrDie(parse(der));
  std::vector<JudgedQuote> judged;
  for (const ByteView bytes : unverified_quotes(parsed)) judged.push_back({bytes, report_data_in(bytes)});
  return authenticate(parsed, {.judged = judged, .accept_pkcs1_key_hash = accept_pkcs1, .now = now});
}

const Embedded* form(const EvidenceCertificate& certificate, Form wanted) {
  const auto found = std::ranges::find(certificate.embedded, wanted, &Embedded::form);
  return found == certificate.embedded.end() ? nullptr : &*found;
}

void expect_tagged(const json::Value& expect, const Container& container, const EvidenceCertificate& certificate) {
  const Embedded* embedded = form(certificate, Form::tagged);
  ASSERT_EQ(embedded != nullptr, !expect.is_null());
  if (embedded == nullptr) return;
  const TaggedEvidence& tagged = *embedded->tagged;
  EXPECT_EQ(text_at(expect, "cbor_tag"), "0xea60");
  EXPECT_EQ(at(expect, "claims_keys").array()->size(), 1 + tagged.others.size() + (tagged.nonce ? 1U : 0U));
  EXPECT_EQ(*at(expect, "pubkey_hash_alg").integer(), 1);
  EXPECT_EQ(tagged.key_hash.algorithm, crypto::HashKind::sha256);
  EXPECT_EQ(*at(expect, "pubkey_hash_matches_spki").boolean(),
            crypto::hash(tagged.key_hash.algorithm, container.spki) == tagged.key_hash.value);
  EXPECT_EQ(*at(expect, "report_data_is_sha256_of_claims").boolean(), report_data_in(tagged.quote) == claims_report_data(tagged.claims));
}

void expect_legacy(const json::Value& expect, const EvidenceCertificate& certificate, KeyBinding binding) {
  const Embedded* embedded = form(certificate, Form::legacy);
  ASSERT_EQ(embedded != nullptr, !expect.is_null());
  if (embedded == nullptr) return;
  EXPECT_EQ(report_data_in(embedded->quote).hex(), text_at(expect, "report_data"));
  EXPECT_EQ(*at(expect, "report_data_is_sha256_of_spki").boolean(), binding == KeyBinding::sha256_spki);
  EXPECT_EQ(*at(expect, "binding").array()->at(0).string(), binding_text(binding));
}

// What the floor above needs must be in the quotes that come out: the listed MRENCLAVE at its place.
void expect_enclave(const json::Value& expect, const Embedded* embedded) {
  if (embedded == nullptr) return;
  EXPECT_EQ(hex_encode(ByteView(embedded->quote).subspan(112, 32)), text_at(expect, "mrenclave"));
}

TEST(EvidenceCertificateVectors, GenuineCertificatesGiveWhatIsListed) {
  REDOUBT_REQUIRE_SHARED();
  const std::vector<Case> all = cases();
  ASSERT_FALSE(all.empty());
  for (const Case& one : all) {
    SCOPED_TRACE(one.id);
    const Container container = OrDie(Container::parse(one.der));
    EXPECT_EQ(crypto::sha256(container.spki).hex(), one.spki_sha256);
    EXPECT_EQ(container.validity.begin, one.begin);
    EXPECT_EQ(container.validity.end, one.end);
    const Outcome outcome = judge(one.der, one.begin.plus_seconds(86400), true);
    const bool* self_signed = at(one.expect, "self_signature").boolean();  // text where the algorithm is too weak to be checked
    EXPECT_EQ(outcome.signature_verified, self_signed != nullptr && *self_signed);
    EXPECT_EQ(outcome.checks[0].outcome, attest::Outcome::passed) << outcome.checks[0].found;
    ASSERT_EQ(outcome.authentic.has_value(), self_signed != nullptr) << outcome.checks[1].found;
    if (!outcome.authentic) {
      EXPECT_NE(outcome.checks[1].found.find("1.2.840.113549.1.1.5"), std::string::npos) << outcome.checks[1].found;
      ASSERT_EQ(outcome.bindings.size(), 1U);
      EXPECT_EQ(*at(at(one.expect, "legacy"), "binding").array()->at(0).string(), binding_text(outcome.bindings[0]));
      const ByteView quote = unverified_quotes(OrDie(parse(one.der))).at(0);
      EXPECT_EQ(quote.size(), 4728U);
      continue;
    }
    const EvidenceCertificate& certificate = **outcome.authentic;
    expect_tagged(at(one.expect, "tagged"), container, certificate);
    expect_legacy(at(one.expect, "legacy"), certificate, certificate.bindings.back());
    expect_enclave(at(one.expect, "tagged"), form(certificate, Form::tagged));
    expect_enclave(at(one.expect, "legacy"), form(certificate, Form::legacy));
    // Nothing here proves a session: a policy that asks for a channel must refuse.
    EXPECT_FALSE(*at(one.expect, "accept_under_strict_policy").boolean());
    EXPECT_EQ(outcome.checks[2].outcome, attest::Outcome::not_applicable);
  }
}

TEST(EvidenceCertificateVectors, AHashOfThePkcs1KeyAndAWeakSignatureAreRefusedByDefault) {
  REDOUBT_REQUIRE_SHARED();
  for (const Case& one : cases()) {
    SCOPED_TRACE(one.id);
    const Outcome outcome = judge(one.der, one.begin.plus_seconds(86400));
    EXPECT_EQ(outcome.authentic.has_value(), one.id == "gramine");
    EXPECT_EQ(outcome.checks[1].outcome == attest::Outcome::passed, one.id == "gramine");
    EXPECT_FALSE(judge(one.der, one.end.plus_seconds(1), true).authentic);
    EXPECT_FALSE(judge(one.der, one.begin.plus_seconds(-1), true).authentic);
  }
}

// The derived negatives that the folder's README asks for, with a key of the test's.
TEST(EvidenceCertificateVectors, GenuineEvidenceInAnotherCertificateIsRefused) {
  REDOUBT_REQUIRE_SHARED();
  const auto& key = test::test_signer(test::SignerKind::p384, "thief");
  for (const Case& one : cases()) {
    SCOPED_TRACE(one.id);
    const Container container = OrDie(Container::parse(one.der));
    std::vector<test::SignerExtension> evidence;
    for (const Extension& extension : container.extensions) {
      if (extension.value.size() > 1000) evidence.push_back({der::oid_text(extension.oid), to_bytes(extension.value)});
    }
    const Outcome outcome = judge(test::signer_certificate({.extensions = evidence}, key, key), Instant(1790000000), true);
    EXPECT_TRUE(outcome.signature_verified);
    EXPECT_EQ(outcome.checks[0].outcome, attest::Outcome::passed);
    EXPECT_EQ(outcome.checks[1].outcome, attest::Outcome::failed);
    EXPECT_EQ(outcome.checks[1].code, Code::binding);
    evidence.push_back(evidence.front());
    EXPECT_EQ(judge(test::signer_certificate({.extensions = evidence}, key, key), Instant(1790000000), true).checks[0].outcome,
              attest::Outcome::failed);
  }
}

}  // namespace
}  // namespace redoubt::cert
