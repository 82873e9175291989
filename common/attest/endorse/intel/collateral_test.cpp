// Goal: collateral is accepted only whole, signed under a trusted root, and in its time; each fault fails the check that is about
// it. Method: collateral under a test root, made in this process, with one part wrong at a time; every byte of every part flipped.
#include "common/attest/endorse/intel/collateral.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/support/check_printer.h"
#include "tests/support/expect.h"
#include "tests/support/intel_certificates.h"
#include "tests/support/intel_documents.h"
#include "tests/support/stride.h"

namespace redoubt::endorse {
namespace {

using attest::CheckId;
using crypto::EcdsaP256PrivateKey;

Instant at(std::string_view text) { return OrDie(Instant::parse(text)); }
const Interval kLong{at("2020-01-01T00:00:00Z"), at("2040-01-01T00:00:00Z")};
const Interval kMonth{at("2026-06-08T00:00:00Z"), at("2026-07-08T00:00:00Z")};
const Instant kNow = at("2026-06-20T12:00:00Z");

// Maker: what Intel would sign, by keys of this process; a test changes a member and asks for the collateral.
struct Maker {
  EcdsaP256PrivateKey root_key = OrDie(EcdsaP256PrivateKey::generate());
  EcdsaP256PrivateKey signer_key = OrDie(EcdsaP256PrivateKey::generate());
  EcdsaP256PrivateKey ca_key = OrDie(EcdsaP256PrivateKey::generate());
  EcdsaP256PrivateKey leaf_key = OrDie(EcdsaP256PrivateKey::generate());
  test::CertificateRecipe root{.subject = "Intel SGX Root CA", .issuer = "Intel SGX Root CA", .serial = 1, .validity = kLong,
                               .path_length = 1, .key_usage = 0x06, .more_extensions = {}};
  test::CertificateRecipe signer{.subject = "Intel SGX TCB Signing", .issuer = "Intel SGX Root CA", .serial = 2, .validity = kLong,
                                 .path_length = {}, .key_usage = 0xc0, .more_extensions = {}};
  test::CertificateRecipe ca{.subject = "Intel SGX PCK Platform CA", .issuer = "Intel SGX Root CA", .serial = 3, .validity = kLong,
                             .path_length = 0, .key_usage = 0x06, .more_extensions = {}};
  test::CertificateRecipe leaf{.subject = "Intel SGX PCK Certificate", .issuer = "Intel SGX PCK Platform CA", .serial = 77,
                               .validity = kLong, .path_length = {}, .key_usage = 0xc0, .more_extensions = {}};
  test::CrlRecipe root_crl{.issuer = "Intel SGX Root CA", .validity = kMonth, .number = 1, .revoked = {9}};
  test::CrlRecipe pck_crl{.issuer = "Intel SGX PCK Platform CA", .validity = kMonth, .number = 300, .revoked = {8, 9}};
  test::IntelDocument document;
  std::function<void(std::string&)> edit_tcb = [](std::string&) {}, edit_qe = [](std::string&) {};

  RootPin pin() const { return crypto::sha256(root_key.public_key().spki()); }
  Bytes document_of(std::string_view name, const std::string& inner) const {
    const auto signature = signer_key.sign_digest(crypto::sha256(as_bytes(inner)));
    return to_bytes("{\"" + std::string(name) + "\":" + inner + ",\"signature\":\"" + signature.r.hex() + signature.s.hex() + "\"}");
  }
  Bytes ca_der() const { return test::make_certificate(ca, ca_key.public_key(), root_key); }
  Bytes leaf_der() const { return test::make_certificate(leaf, leaf_key.public_key(), ca_key); }
  RawCollateral raw() const {
    std::string tcb = test::tdx_tcb_info(document);
    std::string qe = test::qe_identity(document);
    edit_tcb(tcb);
    edit_qe(qe);
    RawCollateral out;
    out.tcb_info = document_of("tcbInfo", tcb);
    out.qe_identity = document_of("enclaveIdentity", qe);
    out.tcb_signing_chain = {test::make_certificate(signer, signer_key.public_key(), root_key),
                             test::make_certificate(root, root_key.public_key(), root_key)};
    out.root_crl = test::make_crl(root_crl, root_key);
    out.pck_crl = test::make_crl(pck_crl, ca_key);
    out.pck_issuers = {ca_der()};
    return out;
  }
};

// The leaf of a Maker, with its bytes.
struct Leaf {
  explicit Leaf(const Maker& maker, Tee tee = Tee::tdx)
      : leaf_der(maker.leaf_der()),
        ca_der(maker.ca_der()),
        leaf(OrDie(crypto::CertificateView::parse(leaf_der))),
        ca(OrDie(crypto::CertificateView::parse(ca_der))),
        pck{.tee = tee,
            .certificate = &leaf,
            .issuer = &ca,
            .fmspc = OrDie(Fmspc::from_hex("90c06f000000", "fmspc")),
            .pce_id = PceId()} {}
  Leaf(const Leaf&) = delete;
  Bytes leaf_der, ca_der;
  crypto::CertificateView leaf, ca;
  PckLeaf pck;
};

struct Found {
  std::vector<CheckId> failures;
  std::shared_ptr<const VerifiedCollateral> verified;
  std::vector<attest::Check> checks;
};

std::vector<CheckId> failures_of(const std::vector<attest::Check>& checks) {
  std::vector<CheckId> out;
  EXPECT_EQ(checks.size(), 7U);
  for (std::size_t i = 0; i < checks.size(); ++i) {
    EXPECT_EQ(attest::id_text(checks[i].id), "C" + std::to_string(i + 1));
    if (checks[i].outcome == attest::Outcome::failed) out.push_back(checks[i].id);
  }
  return out;
}

Found verify(const Maker& maker, const RawCollateral& raw, Instant now = kNow, std::optional<std::uint32_t> minimum = {},
             const PckLeaf* leaf = nullptr) {
  const RootPin pins[] = {maker.pin()};
  CollateralOutcome outcome =
      verify_collateral(raw, {.roots = pins, .now = now, .minimum_evaluation_number = minimum, .leaf = leaf});
  return {failures_of(outcome.checks), std::move(outcome.verified), std::move(outcome.checks)};
}

using Ids = std::vector<CheckId>;

TEST(IntelCollateral, TakesARootThatDidNotSignItselfOnlyWhereItsEveryByteIsPinned) {
  const Maker maker;
  RawCollateral raw = maker.raw();
  const crypto::Sha256Digest genuine[] = {crypto::sha256(raw.tcb_signing_chain[1])};
  raw.tcb_signing_chain[1].back() ^= std::byte{1};  // of the signature's s
  const crypto::Sha256Digest changed[] = {crypto::sha256(raw.tcb_signing_chain[1])};
  const RootPin pins[] = {maker.pin()};
  const RootPin production[] = {intel_sgx_root()};
  const auto accepted = [&](std::span<const RootPin> roots, std::span<const crypto::Sha256Digest> certificates) {
    const CollateralOutcome outcome = verify_collateral(raw, {.roots = roots, .root_certificates = certificates, .now = kNow, .minimum_evaluation_number = {}});
    EXPECT_EQ(outcome.verified == nullptr, std::ranges::count(failures_of(outcome.checks), CheckId::c1) == 1);
    return outcome.verified != nullptr;
  };
  EXPECT_FALSE(accepted(pins, {}));
  EXPECT_FALSE(accepted(pins, genuine));
  EXPECT_TRUE(accepted(pins, changed));
  EXPECT_FALSE(accepted(production, changed)) << "a known certificate is no anchor by itself";
}

TEST(IntelCollateral, IsAcceptedUnderTheRootThatTheCallerNamesOnly) {
  const Maker maker;
  const RawCollateral raw = maker.raw();
  const Found good = verify(maker, raw);
  EXPECT_EQ(good.failures, Ids{});
  ASSERT_NE(good.verified, nullptr);
  EXPECT_EQ(good.verified->tee(), Tee::tdx);
  EXPECT_EQ(good.verified->evaluation_number(), 19U);
  EXPECT_EQ(good.verified->root(), maker.pin());
  EXPECT_EQ(good.verified->validity().begin.text(), "2026-06-08T11:32:35Z");  // of the documents
  EXPECT_EQ(good.verified->validity().end.text(), "2026-07-08T00:00:00Z");    // of the lists
  EXPECT_EQ(hex_encode(good.verified->pck_crl_number()), "012c");
  EXPECT_EQ(good.checks[4].outcome, attest::Outcome::not_applicable);
  const RootPin production[] = {intel_sgx_root()};
  for (const auto roots : {std::span<const RootPin>(production), std::span<const RootPin>()}) {
    const CollateralOutcome outcome = verify_collateral(raw, {.roots = roots, .now = kNow, .minimum_evaluation_number = {}});
    EXPECT_EQ(failures_of(outcome.checks), Ids{CheckId::c1});
    EXPECT_EQ(outcome.checks[0].code, Code::chain);
    EXPECT_EQ(outcome.verified, nullptr);
    EXPECT_EQ(failures_of(recheck_collateral(*good.verified, {.roots = roots, .now = kNow, .minimum_evaluation_number = {}})),
              Ids{CheckId::c1});
  }
}

TEST(IntelCollateral, TheLeafMustBelongToIt) {
  const Maker maker;
  const Leaf leaf(maker);
  EXPECT_EQ(verify(maker, maker.raw(), kNow, {}, &leaf.pck).failures, Ids{});
  const struct {
    Ids expected;
    std::function<void(PckLeaf&)> change;
  } rows[] = {
      {{CheckId::c4}, [](PckLeaf& pck) { pck.tee = Tee::sgx; }},
      {{CheckId::c5}, [](PckLeaf& pck) { pck.fmspc.array()[5] = std::byte{1}; }},
      {{CheckId::c5}, [](PckLeaf& pck) { pck.pce_id.array()[1] = std::byte{1}; }},
      {{CheckId::c6}, [](PckLeaf& pck) { pck.issuer = nullptr; }},
      {{CheckId::c6}, [](PckLeaf& pck) { pck.certificate = pck.issuer; }},  // issued by the root
  };
  for (const auto& row : rows) {
    PckLeaf pck = leaf.pck;
    row.change(pck);
    const Found found = verify(maker, maker.raw(), kNow, {}, &pck);
    EXPECT_EQ(found.failures, row.expected);
    EXPECT_NE(found.verified, nullptr) << "the collateral by itself is good";
  }
  Maker other;  // the same names, another key
  const Leaf stranger(other);
  EXPECT_EQ(verify(maker, maker.raw(), kNow, {}, &stranger.pck).failures, Ids{CheckId::c6});
  Maker revoking;
  revoking.pck_crl.revoked = {5, 77};
  const Leaf revoked(revoking);
  EXPECT_EQ(verify(revoking, revoking.raw(), kNow, {}, &revoked.pck).failures, Ids{CheckId::c6});
}

TEST(IntelCollateral, TheCaOfTheListMayComeWithTheLeaf) {
  const Maker maker;
  const Leaf leaf(maker);
  RawCollateral raw = maker.raw();
  raw.pck_issuers.clear();
  EXPECT_EQ(verify(maker, raw).failures, Ids{CheckId::c6});
  EXPECT_EQ(verify(maker, raw, kNow, {}, &leaf.pck).failures, Ids{});
}

TEST(IntelCollateral, EachWrongPartFailsTheCheckThatIsAboutIt) {
  const struct {
    std::string_view name;
    Ids expected;
    std::function<void(Maker&)> change;
  } rows[] = {
      {"signer's name", {CheckId::c1}, [](Maker& m) { m.signer.subject = "Intel SGX TCB Signer"; }},
      {"signer's issuer", {CheckId::c1}, [](Maker& m) { m.signer.issuer = "Intel SGX Root"; }},
      {"signer is a CA", {CheckId::c1}, [](Maker& m) { m.signer.path_length = 0; }},
      {"signer may not sign", {CheckId::c1}, [](Maker& m) { m.signer.key_usage = 0x06; }},
      {"signer ended", {CheckId::c1}, [](Maker& m) { m.signer.validity.end = kNow.plus_seconds(-1); }},
      {"signer not begun", {CheckId::c1}, [](Maker& m) { m.signer.validity.begin = kNow.plus_seconds(1); }},
      {"root ended", {CheckId::c1}, [](Maker& m) { m.root.validity.end = kNow.plus_seconds(-1); }},
      {"root not begun", {CheckId::c1}, [](Maker& m) { m.root.validity.begin = kNow.plus_seconds(1); }},
      {"signer revoked", {CheckId::c1, CheckId::c6}, [](Maker& m) { m.root_crl.revoked = {2}; }},
      {"CA revoked", {CheckId::c6}, [](Maker& m) { m.root_crl.revoked = {1000, 3}; }},
      {"CA's name", {CheckId::c6}, [](Maker& m) { m.ca.subject = m.pck_crl.issuer = "Intel SGX PCK CA"; }},
      {"CA is none", {CheckId::c6}, [](Maker& m) { m.ca.path_length = {}; }},
      {"CA ended", {CheckId::c6}, [](Maker& m) { m.ca.validity.end = kNow.plus_seconds(-1); }},
      {"root list ended", {CheckId::c6}, [](Maker& m) { m.root_crl.validity.end = kNow.plus_seconds(-1); }},
      {"root list not begun", {CheckId::c6}, [](Maker& m) { m.root_crl.validity.begin = kNow.plus_seconds(1); }},
      {"PCK list ended", {CheckId::c6}, [](Maker& m) { m.pck_crl.validity.end = kNow.plus_seconds(-1); }},
      {"PCK list not begun", {CheckId::c6}, [](Maker& m) { m.pck_crl.validity.begin = kNow.plus_seconds(1); }},
      {"PCK list of another", {CheckId::c6}, [](Maker& m) { m.pck_crl.issuer = "Intel SGX PCK Processor CA"; }},
      {"root list of another", {CheckId::c6}, [](Maker& m) { m.root_crl.issuer = "Intel SGX PCK Platform CA"; }},
      {"documents not begun", {CheckId::c3}, [](Maker& m) { m.document.issue_date = "2026-06-20T12:00:01Z"; }},
      {"documents ended", {CheckId::c3}, [](Maker& m) { m.document.next_update = "2026-06-20T11:59:59Z"; }},
      {"QE identity of the other TEE", {CheckId::c4}, [](Maker& m) {
         m.edit_qe = [](std::string& text) { text.replace(text.find("TD_QE"), 5, "QE"); };
       }},
      {"TCB info without its form", {CheckId::c2, CheckId::c3, CheckId::c4, CheckId::c7}, [](Maker& m) {
         m.edit_tcb = [](std::string& text) { text.replace(text.find("fmspc"), 5, "FMSPC"); };
       }},
      {"QE identity without its form", {CheckId::c2, CheckId::c3, CheckId::c4, CheckId::c7}, [](Maker& m) {
         m.edit_qe = [](std::string& text) { text.replace(text.find("mrsigner"), 8, "MRSIGNER"); };
       }},
  };
  for (const auto& row : rows) {
    Maker maker;
    row.change(maker);
    const Found found = verify(maker, maker.raw());
    EXPECT_EQ(found.failures, row.expected) << row.name;
    EXPECT_EQ(found.verified, nullptr) << row.name;
  }
}

TEST(IntelCollateral, BothEndsOfEveryPeriodAreIncluded) {
  const Maker maker;
  const RawCollateral raw = maker.raw();
  const Interval valid = verify(maker, raw).verified->validity();
  EXPECT_EQ(verify(maker, raw, valid.begin).failures, Ids{});
  EXPECT_EQ(verify(maker, raw, valid.end).failures, Ids{});
  EXPECT_EQ(verify(maker, raw, valid.begin.plus_seconds(-1)).failures, Ids{CheckId::c3});
  EXPECT_EQ(verify(maker, raw, valid.end.plus_seconds(1)).failures, Ids{CheckId::c6});
}

TEST(IntelCollateral, PartsOfAnotherAuthorityFail) {
  const Maker maker, other;
  const RawCollateral good = maker.raw(), foreign = other.raw();
  const struct {
    std::string_view name;
    Ids expected;
    std::function<void(RawCollateral&)> change;
  } rows[] = {
      {"TCB info", {CheckId::c2}, [&](RawCollateral& raw) { raw.tcb_info = foreign.tcb_info; }},
      {"QE identity", {CheckId::c2}, [&](RawCollateral& raw) { raw.qe_identity = foreign.qe_identity; }},
      {"signer", {CheckId::c1, CheckId::c2}, [&](RawCollateral& raw) { raw.tcb_signing_chain[0] = foreign.tcb_signing_chain[0]; }},
      {"root", {CheckId::c1, CheckId::c6}, [&](RawCollateral& raw) { raw.tcb_signing_chain[1] = foreign.tcb_signing_chain[1]; }},
      {"root list", {CheckId::c6}, [&](RawCollateral& raw) { raw.root_crl = foreign.root_crl; }},
      {"PCK list", {CheckId::c6}, [&](RawCollateral& raw) { raw.pck_crl = foreign.pck_crl; }},
      {"CA", {CheckId::c6}, [&](RawCollateral& raw) { raw.pck_issuers = foreign.pck_issuers; }},
      {"QE signer", {CheckId::c1, CheckId::c2}, [&](RawCollateral& raw) { raw.qe_signing_chain = {foreign.tcb_signing_chain[0]}; }},
      {"QE signer's root", {CheckId::c1}, [&](RawCollateral& raw) {
         raw.qe_signing_chain = {good.tcb_signing_chain[0], foreign.tcb_signing_chain[1]};
       }},
      {"two roots", {CheckId::c1, CheckId::c2, CheckId::c6}, [&](RawCollateral& raw) {
         raw.tcb_signing_chain.push_back(foreign.tcb_signing_chain[1]);
       }},
      {"no root", {CheckId::c1, CheckId::c6}, [](RawCollateral& raw) { raw.tcb_signing_chain.pop_back(); }},
      {"no signer", {CheckId::c1, CheckId::c2, CheckId::c6}, [](RawCollateral& raw) {
         raw.tcb_signing_chain.erase(raw.tcb_signing_chain.begin());
       }},
      {"nine certificates", {CheckId::c1, CheckId::c2, CheckId::c6}, [](RawCollateral& raw) {
         raw.tcb_signing_chain.resize(9, raw.tcb_signing_chain[0]);
       }},
      {"CA as signer", {CheckId::c1, CheckId::c2}, [](RawCollateral& raw) { raw.tcb_signing_chain[0] = raw.pck_issuers[0]; }},
      {"lists exchanged", {CheckId::c6}, [](RawCollateral& raw) { std::swap(raw.root_crl, raw.pck_crl); }},
      {"root list twice", {CheckId::c6}, [](RawCollateral& raw) { raw.pck_crl = raw.root_crl; }},
      {"documents exchanged", {CheckId::c2, CheckId::c3, CheckId::c4, CheckId::c7}, [](RawCollateral& raw) {
         std::swap(raw.tcb_info, raw.qe_identity);
       }},
  };
  for (const auto& row : rows) {
    RawCollateral raw = good;
    row.change(raw);
    EXPECT_EQ(verify(maker, raw).failures, row.expected) << row.name;
  }
  RawCollateral again = good;
  again.qe_signing_chain = good.tcb_signing_chain;
  std::swap(again.tcb_signing_chain[0], again.tcb_signing_chain[1]);
  EXPECT_EQ(verify(maker, again).failures, Ids{});
}

TEST(IntelCollateral, AMinimumNumberKeepsOldCollateralOut) {
  const Maker maker;
  const RawCollateral raw = maker.raw();
  EXPECT_EQ(verify(maker, raw, kNow, 19).failures, Ids{});
  const Found found = verify(maker, raw, kNow, 20);
  EXPECT_EQ(found.failures, Ids{CheckId::c7});
  EXPECT_EQ(found.checks[6].code, Code::freshness);
  EXPECT_NE(found.verified, nullptr) << "the minimum is the caller's, the collateral is good";
  EXPECT_NE(verify(maker, raw).checks[6].expected.find("no minimum is set"), std::string::npos);
  Maker older_qe;
  older_qe.edit_qe = [](std::string& text) { text.replace(text.find(":19"), 3, ":18"); };
  EXPECT_EQ(verify(older_qe, older_qe.raw()).failures, Ids{});
  EXPECT_EQ(verify(older_qe, older_qe.raw(), kNow, 18).failures, Ids{});
  EXPECT_EQ(verify(older_qe, older_qe.raw(), kNow, 19).failures, Ids{CheckId::c7});
}

TEST(IntelCollateral, FromACacheItGivesTheSameChecks) {
  const Maker maker;
  const RawCollateral raw = maker.raw();
  const Leaf leaf(maker);
  PckLeaf other = leaf.pck;
  other.fmspc = Fmspc();
  const auto verified = verify(maker, raw).verified;
  ASSERT_NE(verified, nullptr);
  const RootPin pins[] = {maker.pin()};
  for (const Instant now : {kNow, kMonth.end.plus_seconds(1), kMonth.begin}) {
    for (const PckLeaf* pck : {static_cast<const PckLeaf*>(nullptr), &leaf.pck, static_cast<const PckLeaf*>(&other)}) {
      for (const auto minimum : {std::optional<std::uint32_t>(), std::optional<std::uint32_t>(20)}) {
        const CollateralInputs inputs{.roots = pins, .now = now, .minimum_evaluation_number = minimum, .leaf = pck};
        EXPECT_EQ(recheck_collateral(*verified, inputs), verify_collateral(raw, inputs).checks);
      }
    }
  }
}

TEST(IntelCollateral, AHighWaterMarkRefusesWhatIsOlderAndThenChangesNothing) {
  Maker maker;
  HighWater mark;
  const auto made = [&] { return verify(maker, maker.raw()).verified; };
  EXPECT_OK(mark.check_and_raise(*made()));
  EXPECT_OK(mark.check_and_raise(*made()));
  maker.document.evaluation_number = 21;
  maker.pck_crl.number = 70000;
  EXPECT_OK(mark.check_and_raise(*made()));
  const HighWater before = mark;
  maker.document.evaluation_number = 20;
  maker.pck_crl.number = 70001;
  EXPECT_TRUE(IsError(mark.check_and_raise(*made()), Code::freshness, "evaluation number at least 21"));
  maker.document.evaluation_number = 22;
  maker.pck_crl.number = 301;
  EXPECT_TRUE(IsError(mark.check_and_raise(*made()), Code::freshness, "CRL number at least 011170"));
  maker.pck_crl.number = 70001;
  maker.edit_qe = [](std::string& text) { text.replace(text.find(":22"), 3, ":20"); };
  EXPECT_TRUE(IsError(mark.check_and_raise(*made()), Code::freshness, "QE identity: expected evaluation number at least 21"));
  maker.edit_qe = [](std::string&) {};
  EXPECT_EQ(mark.evaluation_numbers, before.evaluation_numbers);
  EXPECT_EQ(mark.qe_evaluation_numbers, before.qe_evaluation_numbers);
  EXPECT_EQ(mark.crl_numbers, before.crl_numbers);
  maker.document.tdx = false;  // another TEE has a number of its own
  maker.document.evaluation_number = 1;
  maker.pck_crl.number = 70000;
  EXPECT_OK(mark.check_and_raise(*made()));
}

TEST(IntelCollateral, NoFlippedByteAndNoTruncationIsAccepted) {
  const Maker maker;
  const RawCollateral good = maker.raw();
  const auto parts = [](RawCollateral& raw) {
    return std::vector<std::pair<std::string_view, Bytes*>>{{"TCB info", &raw.tcb_info},     {"QE identity", &raw.qe_identity},
                                                            {"root list", &raw.root_crl},    {"PCK list", &raw.pck_crl},
                                                            {"CA", &raw.pck_issuers[0]},     {"signer", &raw.tcb_signing_chain[0]},
                                                            {"root", &raw.tcb_signing_chain[1]}};
  };
  RawCollateral raw = good;
  RawCollateral copy = good;
  const auto good_parts = parts(copy);
  const auto raw_parts = parts(raw);
  for (std::size_t part = 0; part < raw_parts.size(); ++part) {
    Bytes& bytes = *raw_parts[part].second;
    const Bytes& original = *good_parts[part].second;
    for (std::size_t i = 0; i < original.size(); i += test::stride(7)) {
      bytes[i] ^= std::byte{0x20};  // also the case of a letter
      const auto& name = raw_parts[part].first;
      const bool accepted = verify(maker, raw).verified != nullptr;
      // Nothing covers the case of the hexadecimal digits of a signature.
      const auto c = static_cast<char>(original[i]);
      const bool signature_letter = part < 2 && i + 130 >= original.size() && c >= 'a' && c <= 'f';
      EXPECT_EQ(accepted, signature_letter) << name << " byte " << i;
      bytes[i] = original[i];
    }
    for (std::size_t size = 0; size < original.size(); size += 31) {
      bytes.resize(size);
      EXPECT_EQ(verify(maker, raw).verified, nullptr) << raw_parts[part].first << " cut to " << size;
      bytes = original;
    }
  }
  ASSERT_NE(verify(maker, raw).verified, nullptr);
}

TEST(IntelCollateral, CertificatesComeAsPemOrDer) {
  const Maker maker;
  const RawCollateral raw = maker.raw();
  const std::string pem = test::pem_of(raw.tcb_signing_chain[0]) + test::pem_of(raw.tcb_signing_chain[1]);
  EXPECT_EQ(OrDie(certificates(as_bytes(pem))), raw.tcb_signing_chain);
  EXPECT_EQ(OrDie(certificates(raw.pck_issuers[0])), raw.pck_issuers);
  EXPECT_FALSE(certificates({}).ok());
  EXPECT_FALSE(certificates(as_bytes("junk")).ok());
}

}  // namespace
}  // namespace redoubt::endorse
