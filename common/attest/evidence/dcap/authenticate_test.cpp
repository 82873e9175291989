// Goal: a quote is authentic only if every signature, every certificate and every binding in it holds, and each thing that is wrong
// is told by the check it belongs to. Method: quotes and collateral under a test root (tests/support/evidence_dcap.h), one change
// at a time.
#include <functional>

#include "tests/support/dcap_vectors.h"

namespace redoubt {
namespace {

using test::DcapMaker;
using test::Ids;

struct Kind {
  std::uint16_t version;
  std::uint16_t body_type;
  const char* name;
};
constexpr Kind kKinds[] = {{3, DcapMaker::kSgx, "SGX v3"},   {4, DcapMaker::kSgx, "SGX v4"},   {4, DcapMaker::kTd10, "TDX v4"},
                           {5, DcapMaker::kSgx, "SGX v5"},   {5, DcapMaker::kTd10, "TDX v5 1.0"}, {5, DcapMaker::kTd15, "TDX v5 1.5"}};

Ids failures(const DcapMaker& maker, bool with_collateral = true) {
  const test::DcapResult result = test::appraise(test::made_case(maker, with_collateral));
  if (!result.parse_error.empty()) return {"parse"};
  return result.failed;
}

// Each change is made to a fresh maker of every kind of quote.
void expect_failed(const std::function<void(DcapMaker&)>& change, const Ids& expected, const char* what) {
  for (const Kind& kind : kKinds) {
    DcapMaker maker(kind.version, kind.body_type);
    change(maker);
    EXPECT_EQ(failures(maker), expected) << kind.name << ": " << what;
  }
}

Bytes edited(Bytes bytes, std::size_t offset) {
  bytes.at(offset) ^= std::byte{1};
  return bytes;
}

TEST(DcapAuthenticate, AcceptsQuotesOfEveryVersionUnderTheNamedRoot) {
  for (const Kind& kind : kKinds) {
    const DcapMaker maker(kind.version, kind.body_type);
    const test::DcapResult result = test::appraise(test::made_case(maker));
    EXPECT_EQ(result.failed, Ids{}) << kind.name << result.parse_error;
    ASSERT_TRUE(result.authentic.has_value()) << kind.name;
    const dcap::Quote& quote = **result.authentic;
    EXPECT_EQ(quote.header().version, kind.version);
    EXPECT_EQ(quote.enclave() != nullptr, kind.body_type == DcapMaker::kSgx);
    EXPECT_EQ(quote.trust_domain() != nullptr, kind.body_type != DcapMaker::kSgx);
    EXPECT_EQ(quote.report_data().size(), 64U);
    EXPECT_FALSE(quote.debug());
    ASSERT_TRUE(quote.tcb.has_value());
    EXPECT_EQ(quote.tcb->tcb_status, endorse::TcbStatus::up_to_date) << kind.name;
    EXPECT_EQ(quote.pck->root_pin(), maker.pin());
    EXPECT_EQ(quote.pck->extension().fmspc.hex(), "90c06f000000");
  }
}

TEST(DcapAuthenticate, RefusesEveryTestRootUnderTheProductionPin) {
  for (const Kind& kind : kKinds) {
    const DcapMaker maker(kind.version, kind.body_type);
    test::DcapCase one = test::made_case(maker, false);
    one.roots = {endorse::intel_sgx_root()};
    EXPECT_EQ(test::appraise(one).failed, Ids{"S4"}) << kind.name;
    one.roots = {};
    EXPECT_EQ(test::appraise(one).failed, Ids{"S4"}) << kind.name;
  }
  EXPECT_EQ(dcap::Inputs{}.roots.size(), 1U);
  EXPECT_EQ(dcap::Inputs{}.roots[0], endorse::intel_sgx_root());
}

TEST(DcapAuthenticate, WithoutCollateralSpeaksOfSignaturesOnly) {
  const DcapMaker maker(4, DcapMaker::kTd10);
  const test::DcapResult result = test::appraise(test::made_case(maker, false));
  ASSERT_TRUE(result.authentic.has_value());
  EXPECT_FALSE((*result.authentic)->tcb.has_value());
  const auto parsed = OrDie(dcap::parse(maker.quote()));
  dcap::Inputs inputs;
  const endorse::RootPin pin = maker.pin();
  inputs.roots = std::span(&pin, 1);
  inputs.now = maker.now;
  const dcap::Outcome outcome = dcap::authenticate(parsed, inputs);
  for (std::size_t i = 10; i < outcome.checks.size(); ++i) {
    EXPECT_EQ(outcome.checks[i].outcome, attest::Outcome::not_applicable) << attest::id_text(outcome.checks[i].id);
  }
}

TEST(DcapAuthenticate, TellsAQuoteThatTheAttestationKeyDidNotSign) {
  for (const Kind& kind : kKinds) {
    const DcapMaker maker(kind.version, kind.body_type);
    const Bytes quote = maker.quote();
    const std::size_t body = 48 + (kind.version == 5 ? 6U : 0U);
    const std::size_t signature = body + maker.body.size() + 4;
    // The byte at 3 of a TD report is a component that no level asks for; the first two are, and would fail T4 as well.
    for (const std::size_t offset : {std::size_t{30}, body + 3, body + maker.body.size() - 1, signature, signature + 63}) {
      test::DcapCase one = test::made_case(maker);
      one.quote = edited(quote, offset);
      EXPECT_EQ(test::appraise(one).failed, Ids{"S1"}) << kind.name << " offset " << offset;
    }
    test::DcapCase one = test::made_case(maker);
    one.quote = edited(quote, signature + 64);  // the key itself: not a point, and not the one that is vouched for
    EXPECT_EQ(test::appraise(one).failed, (Ids{"S1", "S2"})) << kind.name;
    one.quote = quote;
    test::put(one.quote, signature, Bytes(64));  // r = s = 0
    EXPECT_EQ(test::appraise(one).failed, Ids{"S1"}) << kind.name;
  }
}

TEST(DcapAuthenticate, ComparesAll64BytesOfTheQuotingEnclavesReportData) {
  expect_failed([](DcapMaker& maker) { maker.qe_report_data_tail[0] = std::byte{1}; }, {"S2"}, "first byte after the digest");
  expect_failed([](DcapMaker& maker) { maker.qe_report_data_tail[31] = std::byte{1}; }, {"S2"}, "last byte");
  expect_failed([](DcapMaker& maker) { maker.auth_data.clear(); }, {}, "no auth data at all, as signed");
}

TEST(DcapAuthenticate, TellsAQuotingEnclaveThatIsNotVouchedFor) {
  for (const Kind& kind : kKinds) {
    const DcapMaker maker(kind.version, kind.body_type);
    const Bytes quote = maker.quote();
    const std::size_t key = 48 + (kind.version == 5 ? 6U : 0U) + maker.body.size() + 4 + 64;
    const std::size_t report = key + 64 + (kind.version == 3 ? 0U : 6U);
    test::DcapCase one = test::made_case(maker, false);
    one.quote = edited(quote, report + 16);
    EXPECT_EQ(test::appraise(one).failed, Ids{"S3"}) << kind.name;
    one.quote = edited(quote, report + 384);
    EXPECT_EQ(test::appraise(one).failed, Ids{"S3"}) << kind.name;
    one.quote = edited(quote, report + 384 + 64 + 2);
    EXPECT_EQ(test::appraise(one).failed, Ids{"S2"}) << kind.name << ": auth data";
  }
  expect_failed([](DcapMaker& maker) { maker.vendor[0] ^= std::byte{1}; }, {"Q3"}, "another vendor");
}

TEST(DcapAuthenticate, TellsAChainThatIsNotIntels) {
  expect_failed([](DcapMaker& maker) { maker.pck_name = "Intel SGX TCB Signing"; }, {"S4"}, "name of the leaf");
  expect_failed([](DcapMaker& maker) { maker.root_name = "Intel SGX Root"; }, {"S4"}, "name of the root");
  expect_failed([](DcapMaker& maker) { maker.pck_path_length = 0; }, {"S4"}, "the leaf is a CA");
  expect_failed([](DcapMaker& maker) { maker.pck_key_usage = 0x40; }, {"S4"}, "the leaf may not sign");
  DcapMaker maker(4, DcapMaker::kTd10);
  maker.authority_name = "Intel SGX PCK Another CA";
  EXPECT_EQ(failures(maker, false), Ids{"S4"});
  maker.authority_name = "Intel SGX PCK Processor CA";
  EXPECT_EQ(failures(maker), Ids{});
}

TEST(DcapAuthenticate, TellsALeafWithACriticalExtensionThatNobodyReads) {
  expect_failed(
      [](DcapMaker& maker) {
        const Bytes yes = test::der_element(0x01, {as_bytes("\xff")});
        maker.more_pck_extensions.push_back(
            test::der_sequence({test::der_oid("1.2.3.4"), yes, test::der_element(0x04, {as_bytes("x")})}));
      },
      {"S4"}, "unknown critical extension");
}

TEST(DcapAuthenticate, TellsABrokenSignatureOnEachCertificate) {
  const DcapMaker maker(4, DcapMaker::kTd10);
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<Bytes> chain = maker.chain();
    chain[i] = edited(chain[i], chain[i].size() - 1);
    std::string pem;
    for (const Bytes& der : chain) pem += test::pem_of(der);
    test::DcapCase one = test::made_case(maker, false);
    const Bytes quote = one.quote;
    const std::string good = maker.chain_pem();
    const auto at = std::search(quote.begin(), quote.end(), as_bytes(good).begin(), as_bytes(good).end());
    ASSERT_NE(at, quote.end());
    ASSERT_EQ(pem.size(), good.size());
    test::put(one.quote, static_cast<std::size_t>(at - quote.begin()), as_bytes(pem));
    EXPECT_EQ(test::appraise(one).failed, Ids{"S4"}) << i;
    // A proof of the genuine chain must not cover the changed one.
    one.collateral = maker.collateral();
    EXPECT_EQ(test::appraise(one).failed.count("S4"), 1U) << i;
  }
}

TEST(DcapAuthenticate, ComparesBothEndsOfEveryValidity) {
  for (Interval DcapMaker::*member : {&DcapMaker::pck_validity, &DcapMaker::authority_validity, &DcapMaker::root_validity}) {
    DcapMaker maker(5, DcapMaker::kTd15);
    for (const std::int64_t shift : {-1, 0, 1}) {
      (maker.*member) = {maker.now.plus_seconds(shift), OrDie(Instant::parse("2040-01-01T00:00:00Z"))};
      EXPECT_EQ(failures(maker, false), shift > 0 ? Ids{"S4"} : Ids{}) << "begin " << shift;
      (maker.*member) = {OrDie(Instant::parse("2018-01-01T00:00:00Z")), maker.now.plus_seconds(shift)};
      EXPECT_EQ(failures(maker, false), shift < 0 ? Ids{"S4"} : Ids{}) << "end " << shift;
    }
  }
}

TEST(DcapAuthenticate, TellsALeafWithoutTheSgxExtensionOrWithAWrongOne) {
  DcapMaker maker(4, DcapMaker::kTd10);
  maker.extension_value = Bytes(4);
  EXPECT_EQ(failures(maker, false), Ids{"S5"});
  EXPECT_EQ(failures(maker), Ids{"S5"});
}

TEST(DcapAuthenticate, AsksForThePckCertificateWhereTheQuoteHoldsNone) {
  for (std::uint16_t type = 1; type <= 4; ++type) {
    DcapMaker maker(type == 1 ? 3 : 4, DcapMaker::kSgx);
    maker.certification_type = type;
    maker.certification_data = Bytes(36, std::byte{9});
    test::DcapCase one = test::made_case(maker, false);
    EXPECT_EQ(test::appraise(one).failed, (Ids{"S3", "S4", "S5"})) << type;
    const auto parsed = OrDie(dcap::parse(one.quote));
    dcap::Inputs inputs;
    inputs.roots = one.roots;
    inputs.now = one.now;
    EXPECT_NE(dcap::authenticate(parsed, inputs).checks[8].found.find("PCK certificate needed"), std::string::npos);
    one.pck_chain = maker.chain();
    EXPECT_EQ(test::appraise(one).failed, Ids{}) << type;
    one.pck_chain = DcapMaker(4, DcapMaker::kSgx).chain();  // of another platform, whose root nobody named
    EXPECT_EQ(test::appraise(one).failed, (Ids{"S3", "S4"})) << type;
    one.pck_chain.pop_back();
    EXPECT_EQ(test::appraise(one).failed, (Ids{"S3", "S4", "S5"})) << type;
  }
}

TEST(DcapAuthenticate, RefusesUnknownCertificationDataEvenWithAChain) {
  for (const std::uint16_t type : {std::uint16_t{0}, std::uint16_t{6}, std::uint16_t{7}, std::uint16_t{0xffff}}) {
    DcapMaker maker(4, DcapMaker::kTd10);
    maker.certification_type = type;
    test::DcapCase one = test::made_case(maker, false);
    one.pck_chain = maker.chain();
    EXPECT_EQ(test::appraise(one).failed, Ids{"Q4"}) << type;
  }
}

TEST(DcapAuthenticate, TellsCollateralOfAnotherPlatform) {
  expect_failed([](DcapMaker& maker) { maker.fmspc = "90C06F000001"; }, {"C5"}, "fmspc");
  expect_failed([](DcapMaker& maker) { maker.pce_id = "0001"; }, {"C5"}, "pceid");
  expect_failed([](DcapMaker& maker) { maker.revoked = {maker.pck_serial}; }, {"C6"}, "the leaf is revoked");
  expect_failed([](DcapMaker& maker) { maker.revoked = {maker.pck_serial + 1}; }, {}, "another leaf is revoked");
  expect_failed([](DcapMaker& maker) { maker.now = maker.next_update.plus_seconds(1); }, {"C3", "C6"}, "collateral is too old");
}

TEST(DcapAuthenticate, GivesTheSameResultWithAndWithoutProofs) {
  const DcapMaker maker(4, DcapMaker::kTd10);
  const DcapMaker other(4, DcapMaker::kTd10);
  test::DcapCase one = test::made_case(maker);
  const test::DcapResult first = test::appraise(one);
  ASSERT_TRUE(first.authentic.has_value());
  const dcap::VerifiedPckChain proof = *(*first.authentic)->pck;
  const dcap::VerifiedPckChain foreign = *(*test::appraise(test::made_case(other)).authentic)->pck;
  const std::vector<endorse::RootPin> both = {maker.pin(), other.pin()};

  const auto run = [&](ByteView quote, Instant now, const std::vector<endorse::RootPin>& roots, const dcap::VerifiedPckChain* known,
                       const endorse::VerifiedCollateral* collateral) {
    const auto parsed = OrDie(dcap::parse(quote));
    dcap::Inputs inputs;
    inputs.roots = roots;
    inputs.now = now;
    inputs.known_chain = known;
    inputs.collateral = collateral;
    return dcap::authenticate(parsed, inputs);
  };
  const Instant late = maker.pck_validity.end.plus_seconds(1);
  for (const endorse::VerifiedCollateral* collateral : {static_cast<const endorse::VerifiedCollateral*>(nullptr), first.collateral.get()}) {
    for (const DcapMaker* source : {&maker, &other}) {
      const Bytes quote = source->quote();
      for (const Instant now : {maker.now, late}) {
        for (const std::vector<endorse::RootPin>& roots : {both, std::vector{maker.pin()}, std::vector{other.pin()}, {}}) {
          const dcap::Outcome plain = run(quote, now, roots, nullptr, collateral);
          for (const dcap::VerifiedPckChain* known : {&proof, &foreign}) {
            const dcap::Outcome cached = run(quote, now, roots, known, collateral);
            EXPECT_EQ(plain.checks, cached.checks);
            EXPECT_EQ(plain.authentic.has_value(), cached.authentic.has_value());
            EXPECT_EQ(plain.validity.begin, cached.validity.begin);
            EXPECT_EQ(plain.validity.end, cached.validity.end);
          }
        }
      }
    }
  }
}

// places: where every part of a certificate stands in its own bytes, with what was decoded.
std::vector<std::pair<std::ptrdiff_t, std::size_t>> places(const crypto::CertificateView& view) {
  std::vector<std::pair<std::ptrdiff_t, std::size_t>> out;
  const auto put = [&](ByteView part) { out.emplace_back(part.empty() ? 0 : part.data() - view.der.data(), part.size()); };
  for (const ByteView part : {view.der, view.tbs, view.serial, view.issuer, view.subject, view.spki, view.signature}) put(part);
  for (const crypto::ExtensionView& extension : view.extensions) {
    put(extension.oid);
    put(extension.value);
    out.emplace_back(extension.critical ? 1 : 0, 0);
  }
  for (const auto& id : {view.subject_key_id, view.authority_key_id}) put(id.value_or(ByteView()));
  out.emplace_back(view.validity.begin.unix_seconds(), static_cast<std::size_t>(view.validity.end.unix_seconds()));
  out.emplace_back(static_cast<std::ptrdiff_t>(view.scheme), view.key_usage.value_or(0));
  out.emplace_back(view.is_ca ? *view.is_ca : -1, view.path_length.value_or(1000));
  return out;
}

TEST(DcapAuthenticate, CertificatesThatTheCollateralHasReadAreReadAsWithoutIt) {
  const DcapMaker maker(4, DcapMaker::kTd10);
  const DcapMaker other(4, DcapMaker::kTd10);
  const auto quote = OrDie(dcap::RawQuote::parse(maker.quote()));
  const auto plain = OrDie(dcap::PckCertificates::from_pem(quote.certification_data()));
  for (const DcapMaker* const source : {&maker, &other}) {
    auto collateral = test::appraise(test::made_case(*source)).collateral;
    ASSERT_NE(collateral, nullptr);
    const auto read = OrDie(dcap::PckCertificates::from_pem(quote.certification_data(), collateral.get()));
    const ByteView theirs = collateral->pck_issuer().der;
    EXPECT_EQ(equal(theirs, read->authority().der), source == &maker);
    EXPECT_NE(theirs.data(), read->authority().der.data());
    collateral.reset();  // nothing is borrowed from it
    for (std::size_t i = 0; i < plain->path().size(); ++i) {
      EXPECT_TRUE(equal(read->path()[i].der, plain->path()[i].der)) << i;
      EXPECT_EQ(places(read->path()[i]), places(plain->path()[i])) << i;
    }
  }
}

TEST(DcapAuthenticate, ALeafThatItsAuthorityDidNotSignIsRefusedWithAProofOfThatAuthority) {
  const DcapMaker maker(4, DcapMaker::kTd10);
  const test::DcapResult first = test::appraise(test::made_case(maker));
  ASSERT_TRUE(first.authentic.has_value());
  std::vector<Bytes> chain = maker.chain();
  chain[0] = edited(chain[0], chain[0].size() - 1);
  const auto certificates = OrDie(dcap::PckCertificates::from_der(chain));
  const std::vector<endorse::RootPin> roots = {maker.pin()};
  const dcap::VerifiedAuthority by_chain(*(*first.authentic)->pck);
  const dcap::VerifiedAuthority by_collateral(*first.collateral);
  for (const dcap::VerifiedAuthority& known : {by_chain, by_collateral}) {
    EXPECT_ERROR(dcap::verify_pck_chain(certificates, roots, maker.now, std::span(&known, 1)), Code::chain, "pck certificate");
  }
}

TEST(DcapAuthenticate, TheTimeInWhichTheResultHoldsIsCommonToEverything) {
  DcapMaker maker(4, DcapMaker::kTd10);
  const auto parsed = OrDie(dcap::parse(maker.quote()));
  const test::DcapResult result = test::appraise(test::made_case(maker));
  ASSERT_NE(result.collateral, nullptr);
  dcap::Inputs inputs;
  const endorse::RootPin pin = maker.pin();
  inputs.roots = std::span(&pin, 1);
  inputs.now = maker.now;
  EXPECT_EQ(dcap::authenticate(parsed, inputs).validity.end, maker.pck_validity.end);
  inputs.collateral = result.collateral.get();
  const Interval validity = dcap::authenticate(parsed, inputs).validity;
  EXPECT_EQ(validity.begin, maker.issue_date);
  EXPECT_EQ(validity.end, maker.next_update);
}

}  // namespace
}  // namespace redoubt
