// RA-TLS certificates made in the test: the key and the Evidence belong together only in the real one; each single change fails its
// own check. The quotes are made-up bytes of the right shape: whether a quote is authentic is judged elsewhere, and these tests
// answer for that room. The genuine certificates of the shared test data are in vectors_test.cpp.
#include "common/attest/evidence/cert/evidence_certificate.h"

#include <set>

#include "tests/support/evidence_token.h"
#include "tests/support/expect.h"

namespace redoubt::cert {
namespace {

using test::Signer;
using test::SignerCertificate;
using test::SignerKind;
using Failed = std::set<std::string>;

constexpr const char* kTagged = "2.23.133.5.4.9";
constexpr const char* kLegacy = "1.2.840.113741.1337.6";
constexpr const char* kGramine = "0.6.9.42.840.113741.1337.6";
constexpr const char* kIntel = "1.2.840.113741.1.13.1";
constexpr const char* kDstack = "1.3.6.1.4.1.62397.1.1";
constexpr Instant kNow{1790000000};

const Signer& key() { return test::test_signer(SignerKind::p256, "enclave"); }
const Signer& other() { return test::test_signer(SignerKind::p256, "other"); }

// A quote of version 3 whose report data, at 368, are these.
Bytes quote(const ReportData& data, std::byte enclave = std::byte{1}) {
  Bytes bytes(1000, enclave);
  bytes[0] = std::byte{3};
  bytes[1] = std::byte{0};
  std::ranges::copy(data.view(), bytes.begin() + 368);
  return bytes;
}
ReportData data_of(ByteView quote) { return OrDie(ReportData::from(quote.subspan(368, 64), "report data")); }
ReportData padded(ByteView digest) {
  ReportData out;
  std::ranges::copy(digest, out.array().begin());
  return out;
}
Bytes octets(ByteView value) {  // a DER OCTET STRING of 256 to 65535 bytes
  Bytes out = {std::byte{4}, std::byte{0x82}, static_cast<std::byte>(value.size() >> 8U), static_cast<std::byte>(value.size() & 0xffU)};
  append(out, value);
  return out;
}

Bytes claims() { return encode_claims(key().spki()); }
Bytes tagged_quote() { return quote(claims_report_data(claims())); }
Bytes legacy_quote() { return quote(padded(crypto::sha256(key().spki()).view())); }
Bytes tagged() { return encode_tagged(tagged_quote(), claims()); }

Bytes certificate(std::vector<test::SignerExtension> extensions) {
  return test::signer_certificate({.extensions = std::move(extensions)}, key(), key());
}

// judge: the checks when every quote in the certificate is authentic.
Outcome judge(ByteView der, const Inputs& with = {.now = kNow}) {
  const auto parsed = OrDie(parse(der));
  std::vector<JudgedQuote> judged;
  for (const ByteView bytes : unverified_quotes(parsed)) judged.push_back({bytes, data_of(bytes)});
  Inputs inputs = with;
  inputs.judged = judged;
  return authenticate(parsed, inputs);
}

// The ids of the failed checks, or "parse". Ends the test when verdict and checks contradict each other.
Failed failures(const Outcome& outcome) {
  Failed ids;
  for (const attest::Check& check : outcome.checks) {
    if (check.outcome == attest::Outcome::failed) ids.emplace(attest::id_text(check.id));
  }
  if (outcome.checks.size() != 3 || ids.empty() != outcome.authentic.has_value()) std::abort();
  return ids;
}
Failed failures(ByteView der, const Inputs& with = {.now = kNow}) {
  return parse(der).ok() ? failures(judge(der, with)) : Failed{"parse"};
}

TEST(EvidenceCertificate, WithTaggedEvidenceBindsItsKey) {
  const Outcome outcome = judge(certificate({{kTagged, tagged()}}));
  ASSERT_TRUE(outcome.authentic) << outcome.checks[0].found << "; " << outcome.checks[1].found;
  EXPECT_EQ((*outcome.authentic)->spki, key().spki());
  EXPECT_EQ((*outcome.authentic)->bindings, std::vector{KeyBinding::claims});
  EXPECT_EQ((*outcome.authentic)->embedded.at(0).quote, tagged_quote());
  EXPECT_TRUE(outcome.signature_verified);
  EXPECT_EQ(outcome.checks[2].id, attest::CheckId::r3);
  EXPECT_EQ(outcome.checks[2].outcome, attest::Outcome::not_applicable);
  EXPECT_EQ(outcome.validity.end, Instant(1900000000));
}

TEST(EvidenceCertificate, WithALegacyQuoteBindsItsKey) {
  for (const char* oid : {kLegacy, kGramine, kIntel}) {
    const Outcome outcome = judge(certificate({{oid, legacy_quote()}}));
    ASSERT_TRUE(outcome.authentic) << oid << outcome.checks[1].found;
    EXPECT_EQ((*outcome.authentic)->bindings, std::vector{KeyBinding::sha256_spki});
  }
}

TEST(EvidenceCertificate, OfDstackBindsItsKeyAndBringsItsEventLog) {
  Bytes text = to_bytes("ratls-cert:");
  append(text, key().spki());
  const Bytes bound = quote(padded(crypto::sha512(text).view()));
  const Bytes log(300, std::byte{'x'});
  const Outcome outcome = judge(certificate({{kDstack, octets(bound)}, {"1.3.6.1.4.1.62397.1.2", octets(log)}}));
  ASSERT_TRUE(outcome.authentic) << outcome.checks[0].found << outcome.checks[1].found;
  EXPECT_EQ((*outcome.authentic)->bindings, std::vector{KeyBinding::dstack});
  EXPECT_EQ((*outcome.authentic)->event_log, log);
  EXPECT_EQ(failures(certificate({{kDstack, octets(legacy_quote())}})), Failed{"R2"});
  EXPECT_EQ(failures(certificate({{kDstack, bound}})), (Failed{"R1", "R2"}));
  EXPECT_EQ(failures(certificate({{kDstack, octets(bound)}, {"1.3.6.1.4.1.62397.1.6", octets(log)}})), (Failed{"R1", "R2"}));
}

TEST(EvidenceCertificate, OfGramineCarriesTheSameEnclaveInBothForms) {
  const Outcome outcome = judge(certificate({{kGramine, legacy_quote()}, {kTagged, tagged()}}));
  ASSERT_TRUE(outcome.authentic) << outcome.checks[0].found;
  EXPECT_EQ((*outcome.authentic)->bindings, (std::vector{KeyBinding::claims, KeyBinding::sha256_spki}));
  // Both must bind the key, and both must be of one enclave.
  const Bytes unbound = quote(padded(crypto::sha256(other().spki()).view()));
  EXPECT_EQ(failures(certificate({{kGramine, unbound}, {kTagged, tagged()}})), Failed{"R2"});
  const Bytes elsewhere = quote(padded(crypto::sha256(key().spki()).view()), std::byte{2});
  EXPECT_EQ(failures(certificate({{kGramine, elsewhere}, {kTagged, tagged()}})), (Failed{"R1", "R2"}));
}

TEST(EvidenceCertificate, WithNoneOrMoreThanOnePieceOfEvidenceFailsR1) {
  const Failed both{"R1", "R2"};
  EXPECT_EQ(failures(certificate({})), both);
  EXPECT_EQ(failures(certificate({{kTagged, tagged()}, {kTagged, tagged()}})), both);
  EXPECT_EQ(failures(certificate({{kLegacy, legacy_quote()}, {kLegacy, legacy_quote()}})), both);
  EXPECT_EQ(failures(certificate({{kLegacy, legacy_quote()}, {kGramine, legacy_quote()}})), both);
  EXPECT_EQ(failures(certificate({{kLegacy, legacy_quote()}, {kGramine, legacy_quote()}, {kTagged, tagged()}})), both);
  EXPECT_EQ(failures(certificate({{kDstack, octets(legacy_quote())}, {kTagged, tagged()}})), both);
}

TEST(EvidenceCertificate, WhoseQuoteHasNoQuotesFormFailsR1) {
  const Failed both{"R1", "R2"};
  EXPECT_EQ(failures(certificate({{kLegacy, Bytes(100, std::byte{3})}})), both);
  EXPECT_EQ(failures(certificate({{kLegacy, Bytes(1000, std::byte{0x30})}})), both);  // a PCK certificate's SGX extension
  EXPECT_EQ(failures(certificate({{kTagged, legacy_quote()}})), both);
}

TEST(EvidenceCertificate, WithAnotherKeyOrOthersEvidenceFailsR2) {
  // Another key, the Evidence kept, signed again.
  EXPECT_EQ(failures(test::signer_certificate({.extensions = {{kTagged, tagged()}}}, other(), other())), Failed{"R2"});
  EXPECT_EQ(failures(test::signer_certificate({.extensions = {{kLegacy, legacy_quote()}}}, other(), other())), Failed{"R2"});
  // Claims edited to the other key: the quote no longer speaks of them.
  const Bytes edited = encode_tagged(tagged_quote(), encode_claims(other().spki()));
  EXPECT_EQ(failures(test::signer_certificate({.extensions = {{kTagged, edited}}}, other(), other())), Failed{"R2"});
  // Report data that are right in the first half only.
  Bytes tail = legacy_quote();
  tail[431] = std::byte{1};
  EXPECT_EQ(failures(certificate({{kLegacy, tail}})), Failed{"R2"});
  tail = tagged_quote();
  tail[400] = std::byte{1};
  EXPECT_EQ(failures(certificate({{kTagged, encode_tagged(tail, claims())}})), Failed{"R2"});
}

TEST(EvidenceCertificate, WhoseQuoteWasNotJudgedFailsR2) {
  const auto parsed = OrDie(parse(certificate({{kTagged, tagged()}})));
  EXPECT_EQ(failures(authenticate(parsed, {.now = kNow})), Failed{"R2"});
  const Bytes another = quote(claims_report_data(claims()), std::byte{7});  // authentic, but not the one in the certificate
  const JudgedQuote judged{another, data_of(another)};
  EXPECT_EQ(failures(authenticate(parsed, {.judged = {&judged, 1}, .now = kNow})), Failed{"R2"});
}

TEST(EvidenceCertificate, ThatIsNotSignedWellOrNotValidFailsR2) {
  const std::vector<test::SignerExtension> evidence = {{kTagged, tagged()}};
  EXPECT_EQ(failures(test::signer_certificate({.extensions = evidence}, key(), other())), Failed{"R2"});
  EXPECT_EQ(failures(test::signer_certificate({.digest = "SHA1", .extensions = evidence}, key(), key())), Failed{"R2"});
  EXPECT_EQ(failures(test::signer_certificate({.digest = "SHA512", .extensions = evidence}, key(), key())), Failed{});
  EXPECT_EQ(failures(certificate({evidence}), {.now = Instant(1699999999)}), Failed{"R2"});
  EXPECT_EQ(failures(certificate({evidence}), {.now = Instant(1900000001)}), Failed{"R2"});
  EXPECT_EQ(failures(certificate({evidence}), {.now = Instant(1900000000)}), Failed{});
}

TEST(EvidenceCertificate, OfAnotherIssuerNeedsThatIssuersKey) {
  const Bytes der = test::signer_certificate({.issuer = "authority", .extensions = {{kTagged, tagged()}}}, key(), other());
  EXPECT_EQ(failures(der), Failed{"R2"});
  const auto issuer = OrDie(crypto::PublicKey::from_spki(other().spki()));
  EXPECT_EQ(failures(der, {.issuer = &issuer, .now = kNow}), Failed{});
  const auto wrong = OrDie(crypto::PublicKey::from_spki(key().spki()));
  EXPECT_EQ(failures(der, {.issuer = &wrong, .now = kNow}), Failed{"R2"});
}

TEST(EvidenceCertificate, WithAHashOfThePkcs1KeyIsTakenOnlyWhenAsked) {
  const Signer& rsa = test::test_signer(SignerKind::rsa2048, "enclave");
  const Bytes pkcs1 = to_bytes(ByteView(rsa.spki()).subspan(24));  // after the algorithm and the head of the BIT STRING
  const Bytes der = test::signer_certificate({.extensions = {{kLegacy, quote(padded(crypto::sha256(pkcs1).view()))}}}, rsa, rsa);
  const Outcome refused = judge(der);
  EXPECT_EQ(failures(refused), Failed{"R2"});
  EXPECT_EQ(refused.bindings, std::vector{KeyBinding::sha256_pkcs1});
  EXPECT_EQ(failures(der, {.accept_pkcs1_key_hash = true, .now = kNow}), Failed{});
}

// Every cut and every flipped byte of the certificate: the self-signature and the quotes cover it all, so nothing is accepted.
TEST(EvidenceCertificate, CutOrChangedAnywhereIsRefused) {
  const Bytes der = certificate({{kTagged, tagged()}});
  for (std::size_t size = 0; size < der.size(); ++size) EXPECT_EQ(failures(ByteView(der).first(size)), Failed{"parse"}) << size;
  for (std::size_t at = 0; at < der.size(); ++at) {
    Bytes changed = der;
    changed[at] ^= std::byte{0xff};
    EXPECT_NE(failures(changed), Failed{}) << at;
  }
  Bytes longer = der;
  longer.push_back(std::byte{0});
  EXPECT_EQ(failures(longer), Failed{"parse"});
}

TEST(TaggedEvidence, IsReadAsItWasWritten) {
  for (const auto algorithm : {crypto::HashKind::sha256, crypto::HashKind::sha384, crypto::HashKind::sha512}) {
    const Bytes nonce(16, std::byte{9});
    const Bytes text = encode_claims(key().spki(), algorithm, nonce);
    const TaggedEvidence read = OrDie(parse_tagged(encode_tagged(tagged_quote(), text)));
    EXPECT_EQ(read.quote, tagged_quote());
    EXPECT_EQ(read.claims, text);
    EXPECT_EQ(read.key_hash.algorithm, algorithm);
    EXPECT_EQ(read.key_hash.value, crypto::hash(algorithm, key().spki()));
    EXPECT_EQ(read.nonce, nonce);
    EXPECT_EQ(failures(certificate({{kTagged, encode_tagged(quote(claims_report_data(text)), text)}})), Failed{});
  }
}

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

TEST(TaggedEvidence, OfAnotherFormIsRefused) {
  EXPECT_ERROR(parse_tagged(bytes_of({0xd9, 0xea, 0x61, 0x82, 0x41, 1, 0x41, 2})), Code::malformed, "tag 60000");
  EXPECT_ERROR(parse_tagged(bytes_of({0x82, 0x41, 1, 0x41, 2})), Code::malformed, "tag 60000");
  EXPECT_ERROR(parse_tagged(bytes_of({0xd9, 0xea, 0x60, 0x81, 0x41, 1})), Code::malformed, "[quote, claims]");
  EXPECT_ERROR(parse_tagged(bytes_of({0xd9, 0xea, 0x60, 0x82, 0x41, 1, 0x61, 'a'})), Code::malformed, "[quote, claims]");
  EXPECT_ERROR(parse_tagged(bytes_of({0xd9, 0xea, 0x60, 0x9f, 0x41, 1, 0x41, 2, 0xff})), Code::malformed, "tagged evidence");
  EXPECT_ERROR(parse_tagged(bytes_of({0xd9, 0xea, 0x60, 0x82, 0x5f, 0x41, 1, 0xff, 0x41, 2})), Code::malformed, "tagged evidence");
  EXPECT_ERROR(parse_tagged(bytes_of({0xd9, 0xea, 0x60, 0x82, 0x41, 1, 0x41, 0xa0})), Code::malformed, "pubkey-hash, found none");
  Bytes longer = tagged();
  longer.push_back(std::byte{0});
  EXPECT_ERROR(parse_tagged(longer), Code::malformed, "tagged evidence");
  EXPECT_ERROR(parse_tagged(Bytes(kMaxExtension + 1, std::byte{0})), Code::malformed, "tagged evidence");
}

TEST(TaggedEvidence, WithAShortOrUnknownHashOfTheKeyIsRefused) {
  Bytes text = claims();
  const Bytes head = bytes_of({0x82, 0x01, 0x58, 0x20});
  const auto at = std::search(text.begin(), text.end(), head.begin(), head.end());
  ASSERT_NE(at, text.end());
  for (const int algorithm : {0, 2, 6, 9, 10}) {  // 2 to 6 are truncations of SHA-256
    at[1] = static_cast<std::byte>(algorithm);
    EXPECT_ERROR(parse_tagged(encode_tagged(tagged_quote(), text)), Code::malformed, "algorithm 1, 7 or 8");
    EXPECT_EQ(failures(certificate({{kTagged, encode_tagged(quote(claims_report_data(text)), text)}})), (Failed{"R1", "R2"}));
  }
  at[1] = std::byte{7};  // SHA-384 with 32 bytes: well formed, and not the hash
  EXPECT_EQ(failures(certificate({{kTagged, encode_tagged(quote(claims_report_data(text)), text)}})), Failed{"R2"});
}

}  // namespace
}  // namespace redoubt::cert
