// Goal: genuine collateral is accepted in its window and no other, and each swap of the shared negative vectors is refused for the
// reason that it names. Method: every case, swap and pair of vectors/intel-dcap, with the PCK chain that the quote carries.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>

#include "common/attest/endorse/intel/collateral.h"
#include "tests/support/expect.h"
#include "tests/support/intel_vectors.h"

namespace redoubt::endorse {
namespace {

using attest::CheckId;
using Ids = std::vector<CheckId>;

// The PCK chain in the certification data of a quote: leaf, CA, root, as PEM.
struct QuoteLeaf {
  QuoteLeaf(const test::IntelVectors& vectors, std::string_view file) {
    const Bytes quote = vectors.bytes(file);
    const std::string_view text = as_text(quote);
    const auto begin = text.find("-----BEGIN CERTIFICATE-----");
    constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
    const auto end = text.rfind(kEnd) + kEnd.size();
    chain = OrDie(certificates(as_bytes(text.substr(begin, end - begin))));
    leaf = OrDie(crypto::CertificateView::parse(chain.at(0)));
    ca = OrDie(crypto::CertificateView::parse(chain.at(1)));
    const json::Object& pck = *vectors.quote(file).at("pck").object();
    facts = {.tee = vectors.platform(file).tdx ? Tee::tdx : Tee::sgx,
             .certificate = &leaf,
             .issuer = &ca,
             .fmspc = test::IntelVectors::fixed<Fmspc>(pck, "fmspc"),
             .pce_id = test::IntelVectors::fixed<PceId>(pck, "pceid")};
  }
  QuoteLeaf(const QuoteLeaf&) = delete;
  std::vector<Bytes> chain;
  crypto::CertificateView leaf, ca;
  PckLeaf facts;
};

class Vectors : public test::IntelVectors {
 public:
  // raw collateral of a case; it names no PCK CA: that comes with the quote.
  RawCollateral raw(const json::Object& entry) const {
    const auto pem = [&](std::string_view file) { return OrDie(certificates(bytes(file))); };
    const Bytes root = pem("collateral/certs/intel-sgx-root-ca.pem").at(0);
    RawCollateral out;
    out.tcb_info = bytes(test::member(entry, "tcb_info"));
    out.qe_identity = bytes(test::member(entry, "qe_identity"));
    out.tcb_signing_chain = {pem(test::member(entry, "tcb_signing_cert")).at(0), root};
    out.qe_signing_chain = {pem(test::member(entry, "qe_signing_cert")).at(0), root};
    out.root_crl = bytes(test::member(entry, "root_crl"));
    out.pck_crl = bytes(test::member(entry, "pck_crl"));
    return out;
  }
  const QuoteLeaf& leaf(const json::Object& entry) const {
    const std::string& file = test::member(entry, "quote");
    auto& place = leaves_[file];
    if (!place) place = std::make_unique<QuoteLeaf>(*this, file);
    return *place;
  }

 private:
  mutable std::map<std::string, std::unique_ptr<QuoteLeaf>> leaves_;
};

CollateralOutcome verify(const RawCollateral& raw, Instant now, const PckLeaf* leaf, std::optional<std::uint32_t> minimum = {}) {
  const RootPin roots[] = {intel_sgx_root()};
  return verify_collateral(raw, {.roots = roots, .now = now, .minimum_evaluation_number = minimum, .leaf = leaf});
}

Ids failures(const CollateralOutcome& outcome) {
  Ids out;
  for (const attest::Check& check : outcome.checks) {
    if (check.outcome == attest::Outcome::failed) out.push_back(check.id);
  }
  return out;
}

std::string text_of(const Ids& ids) {
  std::string out;
  for (const CheckId id : ids) out += std::string(attest::id_text(id)) + " ";
  return out;
}

Instant instant(const json::Value& value) { return OrDie(Instant::parse(*value.string())); }

TEST(IntelCollateralVectors, EveryCaseIsAcceptedInItsWindowAndOutsideRefused) {
  REDOUBT_REQUIRE_SHARED();
  const Vectors vectors;
  std::size_t count = 0;
  for (const json::Value& item : vectors.cases()) {
    const json::Object& entry = *item.object();
    const std::string& id = test::member(entry, "id");
    const RawCollateral raw = vectors.raw(entry);
    const PckLeaf* leaf = &vectors.leaf(entry).facts;
    const CollateralOutcome outcome = verify(raw, instant(entry.at("at")), leaf);
    EXPECT_EQ(text_of(failures(outcome)), "") << id;
    ASSERT_NE(outcome.verified, nullptr) << id;
    const json::Array& window = *entry.at("window").array();
    const Interval valid = outcome.verified->validity();
    // The window of a case also counts the PCK certificate.
    const Interval known = valid.intersect(vectors.leaf(entry).leaf.validity);
    EXPECT_EQ(known.begin, instant(window.at(0))) << id;
    EXPECT_EQ(known.end, instant(window.at(1))) << id;
    EXPECT_EQ(text_of(failures(verify(raw, valid.begin, leaf))), "") << id;
    EXPECT_EQ(text_of(failures(verify(raw, valid.end, leaf))), "") << id;
    EXPECT_EQ(verify(raw, valid.begin.plus_seconds(-1), leaf).verified, nullptr) << id;
    EXPECT_EQ(verify(raw, valid.end.plus_seconds(1), leaf).verified, nullptr) << id;
    ++count;
  }
  EXPECT_GE(count, 88U);
}

TEST(IntelCollateralVectors, EverySwapIsRefusedForItsReason) {
  REDOUBT_REQUIRE_SHARED();
  const Vectors vectors;
  // What must fail for each reason. Older documents or lists fail by their dates too; those checks are allowed to fail besides.
  const std::map<std::string, CheckId> reasons = {
      {"TCB info past nextUpdate", CheckId::c3},
      {"TCB info not yet issued", CheckId::c3},
      {"QE identity past nextUpdate", CheckId::c3},
      {"FMSPC of TCB info differs from the PCK certificate", CheckId::c5},
      {"TCB info id is for the other TEE", CheckId::c4},
      {"QE identity id is for the other QE", CheckId::c4},
      {"PCK CRL issued by the other PCK CA", CheckId::c6},
      {"root CRL given where the PCK CRL belongs", CheckId::c6},
      {"TCB info checked under a certificate that is not the TCB signing certificate", CheckId::c1},
  };
  const json::Value negative = vectors.parse("negative.json");
  std::size_t count = 0;
  for (const json::Value& item : *negative.object()->at("collateral_swaps").array()) {
    const json::Object& swap = *item.object();
    const std::string& id = test::member(swap, "id");
    json::Object entry = vectors.one_case(test::member(swap, "base_case"));
    for (const auto& [name, value] : *swap.at("override").object()) entry.insert_or_assign(name, value);
    const CollateralOutcome outcome = verify(vectors.raw(entry), instant(entry.at("at")), &vectors.leaf(entry).facts);
    const Ids failed = failures(outcome);
    EXPECT_FALSE(failed.empty()) << id;
    const auto reason = reasons.find(test::member(swap, "why"));
    if (reason != reasons.end()) {
      EXPECT_NE(std::ranges::find(failed, reason->second), failed.end()) << id << ": failed " << text_of(failed);
    }
    ++count;
  }
  EXPECT_GE(count, 27U);
}

TEST(IntelCollateralVectors, AMinimumNumberSettlesWhoChoosesTheCollateral) {
  REDOUBT_REQUIRE_SHARED();
  const Vectors vectors;
  const json::Value choice = vectors.parse("collateral_choice.json");
  std::size_t count = 0;
  for (const json::Value& item : *choice.object()->at("pairs").array()) {
    const json::Object& pair = *item.object();
    const Instant now = instant(pair.at("at"));
    const auto number = static_cast<std::uint32_t>(*pair.at("evaluation_number").integer());
    const json::Object& newer = vectors.one_case(test::member(pair, "case_with_higher_evaluation_number"));
    const json::Object& older = vectors.one_case(test::member(pair, "case_with_lower_evaluation_number"));
    const CollateralOutcome good = verify(vectors.raw(newer), now, &vectors.leaf(newer).facts);
    const CollateralOutcome unasked = verify(vectors.raw(older), now, &vectors.leaf(older).facts);
    EXPECT_EQ(text_of(failures(good)), "");
    EXPECT_EQ(text_of(failures(unasked)), "");
    EXPECT_EQ(text_of(failures(verify(vectors.raw(older), now, &vectors.leaf(older).facts, number))), "C7 ");
    ASSERT_NE(good.verified, nullptr);
    ASSERT_NE(unasked.verified, nullptr);
    HighWater mark;
    EXPECT_OK(mark.check_and_raise(*good.verified));
    EXPECT_TRUE(IsError(mark.check_and_raise(*unasked.verified), Code::freshness, "evaluation number at least"));
    ++count;
  }
  EXPECT_GE(count, 7U);
}

TEST(IntelCollateralVectors, ATestRootOfTheSameNameCountsOnlyForWhoNamesIt) {
  REDOUBT_REQUIRE_SHARED();
  const Vectors vectors;
  RawCollateral raw;
  raw.tcb_info = vectors.bytes("other-root/intel-tcbInfo.json");
  raw.qe_identity = vectors.bytes("other-root/intel-qeIdentity.json");
  raw.tcb_signing_chain = OrDie(certificates(vectors.bytes("other-root/intel-tcbSignChain.pem")));
  raw.root_crl = vectors.bytes("other-root/intel-rootCaCrl.der");
  raw.pck_crl = vectors.bytes("other-root/intel-intermediateCaCrl.der");
  raw.pck_issuers = OrDie(certificates(vectors.bytes("other-root/intel-pckSignChain.pem")));
  const Bytes root_der = OrDie(certificates(vectors.bytes("other-root/intel-trustedRootCaCert.pem"))).at(0);
  const crypto::CertificateView root = OrDie(crypto::CertificateView::parse(root_der));
  const RootPin pins[] = {crypto::sha256(root.spki)};
  const Instant now = OrDie(Instant::parse("2021-01-01T00:00:00Z"));
  const CollateralInputs inputs{.roots = pins, .now = now, .minimum_evaluation_number = {}};
  const CollateralOutcome outcome = verify_collateral(raw, inputs);
  EXPECT_EQ(text_of(failures(outcome)), "");
  ASSERT_NE(outcome.verified, nullptr);
  EXPECT_EQ(outcome.verified->tcb_info().fmspc.hex(), "00707f000000");
  EXPECT_EQ(text_of(failures(verify(raw, now, nullptr))), "C1 ");
}

}  // namespace
}  // namespace redoubt::endorse
