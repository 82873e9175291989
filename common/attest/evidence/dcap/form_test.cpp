// Goal: what parses as a quote is one; every length is bounded, every part is where its type says; junk never crashes and is never
// authentic. Method: quotes under a test root, their fields, lengths and bytes changed one by one.
#include "tests/support/dcap_vectors.h"
#include "tests/support/stride.h"

namespace redoubt {
namespace {

using test::DcapMaker;
using test::Ids;

std::size_t signature_offset(const DcapMaker& maker) { return 48 + (maker.version == 5 ? 6U : 0U) + maker.body.size() + 4; }

TEST(DcapForm, ReadsEveryFieldOfAnEnclaveReport) {
  const DcapMaker maker(3, DcapMaker::kSgx);
  const auto raw = OrDie(dcap::RawQuote::parse(maker.quote()));
  const auto& report = std::get<sgx::Report>(raw.body);
  const ByteView body = maker.body;
  EXPECT_TRUE(equal(report.cpu_svn.view(), body.first(16)));
  EXPECT_TRUE(equal(report.isv_ext_prod_id.view(), body.subspan(32, 16)));
  EXPECT_TRUE(equal(report.attributes.bytes(), body.subspan(48, 16)));
  EXPECT_TRUE(equal(report.mr_enclave.view(), body.subspan(64, 32)));
  EXPECT_TRUE(equal(report.mr_signer.view(), body.subspan(128, 32)));
  EXPECT_TRUE(equal(report.config_id.view(), body.subspan(192, 64)));
  EXPECT_EQ(report.isv_prod_id, 0x1234);
  EXPECT_EQ(report.isv_svn, 7);
  EXPECT_EQ(report.config_svn, 0x0102);
  EXPECT_TRUE(equal(report.isv_family_id.view(), body.subspan(304, 16)));
  EXPECT_TRUE(equal(report.report_data.view(), body.subspan(320, 64)));
  EXPECT_TRUE(report.reserved_zero);
  EXPECT_TRUE(report.attributes.init() && report.attributes.mode64());
  EXPECT_FALSE(report.attributes.debug() || report.attributes.provision_key() || report.attributes.einittoken_key() ||
               report.attributes.kss() || report.attributes.reserved() != 0);
  EXPECT_EQ(raw.header.qe_svn, 8);
  EXPECT_EQ(raw.header.pce_svn, 13);
}

TEST(DcapForm, NamesEachAttribute) {
  sgx::Attributes enclave;
  enclave.flags = 0x2;
  EXPECT_TRUE(enclave.debug() && !enclave.init());
  enclave.flags = 0x10 | 0x20 | 0x80;
  EXPECT_TRUE(enclave.provision_key() && enclave.einittoken_key() && enclave.kss());
  enclave.flags = 0x8;
  EXPECT_EQ(enclave.reserved(), 0x8U);
  tdx::Attributes td;
  td.bits = 0x1;
  EXPECT_TRUE(td.debug());
  td.bits = 0x2;
  EXPECT_EQ(td.tud(), 2);
  EXPECT_EQ(td.reserved(), 2U);
  td.bits = (1ULL << 28) | (1ULL << 29) | (1ULL << 30) | (1ULL << 31) | (1ULL << 63);
  EXPECT_TRUE(td.sept_ve_disable() && td.migratable() && td.pks() && td.key_locker() && td.perfmon());
  EXPECT_EQ(td.reserved(), 0U);
}

TEST(DcapForm, ADebugBitMakesAnAuthenticQuoteADebugOne) {
  DcapMaker enclave(3, DcapMaker::kSgx);
  enclave.body[48] |= std::byte{2};
  EXPECT_TRUE((*test::appraise(test::made_case(enclave)).authentic)->debug());
  for (const unsigned bit : {0U, 1U, 7U}) {
    DcapMaker td(4, DcapMaker::kTd10);
    td.body[120] |= static_cast<std::byte>(1U << bit);
    EXPECT_TRUE((*test::appraise(test::made_case(td)).authentic)->debug()) << bit;
  }
}

TEST(DcapForm, ReadsEveryFieldOfATdReport) {
  for (const std::uint16_t type : {DcapMaker::kTd10, DcapMaker::kTd15}) {
    const DcapMaker maker(5, type);
    const auto raw = OrDie(dcap::RawQuote::parse(maker.quote()));
    const auto& report = std::get<tdx::Report>(raw.body);
    const ByteView body = maker.body;
    EXPECT_TRUE(equal(report.tee_tcb_svn.view(), body.first(16)));
    EXPECT_TRUE(equal(report.mr_seam.view(), body.subspan(16, 48)));
    EXPECT_TRUE(equal(report.mr_signer_seam.view(), body.subspan(64, 48)));
    EXPECT_TRUE(report.attributes.sept_ve_disable());
    EXPECT_EQ(report.xfam, 0x618e7U);
    EXPECT_TRUE(equal(report.mr_td.view(), body.subspan(136, 48)));
    EXPECT_TRUE(equal(report.mr_config_id.view(), body.subspan(184, 48)));
    EXPECT_TRUE(equal(report.mr_owner.view(), body.subspan(232, 48)));
    EXPECT_TRUE(equal(report.mr_owner_config.view(), body.subspan(280, 48)));
    for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(equal(report.rtmr[i].view(), body.subspan(328 + 48 * i, 48)));
    EXPECT_TRUE(equal(report.report_data.view(), body.subspan(520, 64)));
    ASSERT_EQ(report.v15.has_value(), type == DcapMaker::kTd15);
    if (report.v15) {
      EXPECT_TRUE(equal(report.v15->tee_tcb_svn2.view(), body.subspan(584, 16)));
      EXPECT_TRUE(equal(report.v15->mr_service_td.view(), body.subspan(600, 48)));
    }
  }
}

TEST(DcapForm, RefusesWhatIsNoQuoteAndSaysWhy) {
  const auto refused = [](const DcapMaker& maker, std::string_view part) {
    EXPECT_ERROR(dcap::parse(maker.quote()), Code::malformed, part);
  };
  for (const std::uint16_t version : {std::uint16_t{0}, std::uint16_t{2}, std::uint16_t{6}, std::uint16_t{0x0400}}) {
    DcapMaker maker(4, DcapMaker::kTd10);
    maker.version = version;
    refused(maker, "version: expected 3, 4 or 5");
  }
  DcapMaker maker(4, DcapMaker::kTd10);
  maker.attestation_key_type = 3;
  refused(maker, "attestation key type: expected 2 (ECDSA P-256), found 3");
  maker = DcapMaker(4, DcapMaker::kTd10);
  maker.tee_type = 0x42;
  refused(maker, "tee type");
  maker = DcapMaker(3, DcapMaker::kSgx);
  maker.tee_type = 0x81;
  refused(maker, "tee type");
  maker = DcapMaker(4, DcapMaker::kTd10);
  maker.outer_type = 5;
  refused(maker, "outer certification data type: expected 6");
  for (const std::uint16_t type : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{4}}) {
    maker = DcapMaker(5, DcapMaker::kTd10);
    maker.body_type = type;
    refused(maker, "body type");
  }
  maker = DcapMaker(5, DcapMaker::kTd10);
  maker.body_type = DcapMaker::kTd15;
  refused(maker, "body size: expected 648, found 584");
  maker = DcapMaker(5, DcapMaker::kSgx);
  maker.tee_type = 0x81;
  refused(maker, "body type");
}

TEST(DcapForm, RefusesLengthsThatDoNotFit) {
  for (const std::uint16_t version : {std::uint16_t{3}, std::uint16_t{4}, std::uint16_t{5}}) {
    const DcapMaker maker(version, version == 3 ? DcapMaker::kSgx : DcapMaker::kTd10);
    const Bytes quote = maker.quote();
    const std::size_t signature = signature_offset(maker);
    const std::size_t outer = signature + 128 + 2;
    const std::size_t auth = signature + 128 + (version == 3 ? 0U : 6U) + 384 + 64;
    const std::size_t inner = auth + 2 + 32 + 2;
    struct Field {
      std::size_t offset;
      std::size_t size;
      const char* part;
    };
    std::vector<Field> fields = {{signature - 4, 4, "quote"}, {auth, 2, ""}, {inner, 4, "certification data size"}};
    if (version != 3) fields.push_back({outer, 4, "outer certification data size"});
    for (const Field& field : fields) {
      std::uint64_t value = 0;
      for (std::size_t i = 0; i < field.size; ++i) value |= std::uint64_t{std::to_integer<unsigned>(quote[field.offset + i])} << (8 * i);
      const std::uint64_t all = field.size == 2 ? 0xffff : 0xffffffff;
      for (const std::uint64_t wrong : {std::uint64_t{0}, value - 1, value + 1, all, all >> 1U}) {
        Bytes changed = quote;
        test::put(changed, field.offset, test::little(wrong, field.size));
        EXPECT_ERROR(dcap::parse(changed), Code::malformed, field.part) << version << " offset " << field.offset << " = " << wrong;
      }
    }
  }
}

TEST(DcapForm, AQuoteKeepsItsBytesUnlessItIsReadInPlace) {
  const Bytes quote = DcapMaker(4, DcapMaker::kTd10).quote();
  const auto inside = [&](ByteView part) { return part.data() >= quote.data() && part.data() + part.size() <= quote.data() + quote.size(); };
  const auto in_place = OrDie(dcap::RawQuote::parse_in_place(quote));
  std::optional<dcap::RawQuote> kept;
  {
    const Bytes gone = quote;
    kept = OrDie(dcap::RawQuote::parse(gone));
  }
  const dcap::RawQuote copy = *kept;
  kept.reset();
  EXPECT_TRUE(inside(in_place.signed_bytes()));
  EXPECT_FALSE(inside(copy.signed_bytes()));
  for (const auto part : {&dcap::RawQuote::signed_bytes, &dcap::RawQuote::signature, &dcap::RawQuote::attestation_key, &dcap::RawQuote::qe_report_bytes,
                          &dcap::RawQuote::qe_signature, &dcap::RawQuote::qe_auth_data, &dcap::RawQuote::certification_data}) {
    EXPECT_TRUE(equal((copy.*part)(), (in_place.*part)()));
  }
  EXPECT_EQ(copy.size(), in_place.size());
}

TEST(DcapForm, CountsBytesAfterTheQuoteAndNeverGivesThemAway) {
  DcapMaker maker(4, DcapMaker::kTd10);
  maker.padding = 1000;
  Bytes quote = maker.quote();
  auto raw = OrDie(dcap::RawQuote::parse(quote));
  EXPECT_EQ(raw.unsigned_size, 1000U);
  EXPECT_TRUE(raw.unsigned_zero);
  EXPECT_EQ(raw.size(), quote.size() - 1000);
  quote.back() = std::byte{1};
  raw = OrDie(dcap::RawQuote::parse(quote));
  EXPECT_FALSE(raw.unsigned_zero);
  test::DcapCase one = test::made_case(maker);
  one.quote = quote;
  const test::DcapResult result = test::appraise(one);
  ASSERT_TRUE(result.authentic.has_value());
  EXPECT_EQ((*result.authentic)->raw.certification_data().size(), maker.chain_pem().size() + 1);
}

TEST(DcapForm, DescribesAQuoteAsUnverified) {
  const DcapMaker maker(5, DcapMaker::kTd15);
  const json::Value out = dcap::describe(OrDie(dcap::parse(maker.quote())));
  EXPECT_EQ(test::member(out, "verified"), json::Value(false));
  EXPECT_EQ(test::text_of(out, "body_type"), "td15");
  EXPECT_EQ(test::text_of(test::member(test::member(out, "pck"), "sgx_extension"), "fmspc"), "90c06f000000");
  DcapMaker broken(5, DcapMaker::kTd15);
  broken.certification_data = to_bytes("no certificates");
  const json::Value told = dcap::describe(OrDie(dcap::parse(broken.quote())));
  EXPECT_FALSE(test::text_of(test::member(told, "pck"), "error").empty());
}

TEST(DcapForm, TellsWhatACallerNeedsToPickCollateral) {
  DcapMaker maker(4, DcapMaker::kTd10);
  maker.padding = 5;
  maker.body[120] = std::byte{1};
  dcap::QuoteFacts facts = dcap::unverified_facts(OrDie(dcap::parse(maker.quote())));
  EXPECT_EQ(facts.tee, endorse::Tee::tdx);
  ASSERT_TRUE(facts.fmspc.has_value());
  EXPECT_EQ(facts.fmspc->hex(), "90c06f000000");
  EXPECT_TRUE(facts.debug);
  EXPECT_EQ(facts.unsigned_size, 5U);
  DcapMaker bare(3, DcapMaker::kSgx);
  bare.certification_data = to_bytes("no certificates");
  facts = dcap::unverified_facts(OrDie(dcap::parse(bare.quote())));
  EXPECT_EQ(facts.tee, endorse::Tee::sgx);
  EXPECT_FALSE(facts.fmspc || facts.debug);
  EXPECT_EQ(facts.unsigned_size, 0U);
  bare.certification_type = 3;
  EXPECT_FALSE(dcap::unverified_facts(OrDie(dcap::parse(bare.quote()))).fmspc.has_value());
}

TEST(DcapJunk, NoTruncationIsAQuote) {
  for (const std::uint16_t version : {std::uint16_t{3}, std::uint16_t{4}, std::uint16_t{5}}) {
    const DcapMaker maker(version, version == 3 ? DcapMaker::kSgx : DcapMaker::kTd10);
    const Bytes quote = maker.quote();
    for (std::size_t size = 0; size < quote.size(); ++size) {
      EXPECT_ERROR(dcap::parse(ByteView(quote).first(size)), Code::malformed, "") << version << " cut to " << size;
    }
  }
}

// There is no byte that nothing covers: PEM in its strict form has no room either. With the proof of the genuine chain the checks are
// the same, so that it covers nothing else.
TEST(DcapJunk, NoFlippedByteIsAccepted) {
  for (const std::uint16_t version : {std::uint16_t{3}, std::uint16_t{5}}) {
    const DcapMaker maker(version, version == 3 ? DcapMaker::kSgx : DcapMaker::kTd15);
    const test::DcapResult genuine = test::appraise(test::made_case(maker));
    ASSERT_TRUE(genuine.authentic.has_value());
    const Bytes quote = maker.quote();
    const endorse::RootPin pin = maker.pin();
    dcap::Inputs inputs;
    inputs.roots = std::span(&pin, 1);
    inputs.now = maker.now;
    inputs.collateral = genuine.collateral.get();
    dcap::Inputs known = inputs;
    known.known_chain = &*(*genuine.authentic)->pck;
    for (std::size_t offset = 0; offset < quote.size(); offset += test::stride(7)) {
      Bytes changed = quote;
      changed[offset] ^= static_cast<std::byte>(1U << (offset % 8));
      const auto parsed = dcap::parse(changed);
      if (!parsed.ok()) continue;
      const dcap::Outcome outcome = dcap::authenticate(*parsed, inputs);
      EXPECT_EQ(outcome.checks, dcap::authenticate(*parsed, known).checks) << offset;
      EXPECT_FALSE(outcome.authentic.has_value()) << "version " << version << " offset " << offset;
    }
  }
}

}  // namespace
}  // namespace redoubt
