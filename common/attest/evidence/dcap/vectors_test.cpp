// Goal: genuine quotes are read and judged as Intel's own library judges them, and every edit of them and every swap of their
// collateral is refused for the right reason. Method: the shared test data intel-dcap; its outcomes were compared with Intel's Quote
// Verification Library. Skipped where the data are absent.
#include "tests/support/dcap_vectors.h"

namespace redoubt {
namespace {

using test::DcapCase;
using test::DcapResult;
using test::Ids;
using test::member;
using test::text_of;

std::map<std::string, json::Value> cases_by_id() {
  std::map<std::string, json::Value> out;
  const json::Value list = test::intel_dcap_json("cases.json");
  for (const json::Value& one : *list.array()) out.emplace(text_of(one, "id"), one);
  return out;
}

Bytes edit(Bytes bytes, const json::Value& edits) {
  for (const json::Value& one : *edits.array()) {
    const std::string& op = text_of(one, "op");
    const auto number = [&](std::string_view key) { return static_cast<std::size_t>(*member(one, key).integer()); };
    if (op == "xor") {
      bytes.at(number("offset")) ^= static_cast<std::byte>(number("value"));
    } else if (op == "set") {
      test::put(bytes, number("offset"), OrDie(hex_decode(text_of(one, "hex"))));
    } else if (op == "truncate") {
      bytes.resize(std::min(bytes.size(), number("length")));
    } else if (op == "append") {
      append(bytes, OrDie(hex_decode(text_of(one, "hex"))));
    } else {
      ADD_FAILURE() << "unknown edit " << op;
    }
  }
  return bytes;
}

std::string joined(const Ids& ids) {
  std::string out;
  for (const std::string& id : ids) out += id + " ";
  return out;
}

// Every member of `expected` is in `found`, but for `debug`, which is a flag there.
void expect_fields(const json::Value& expected, const json::Value& found, const std::string& id) {
  for (const auto& [key, value] : *expected.object()) {
    if (key == "debug") {
      EXPECT_EQ(member(member(found, "attribute_flags"), "debug"), value) << id;
      continue;
    }
    ASSERT_TRUE(found.object()->contains(key)) << id << " " << key;
    EXPECT_EQ(member(found, key), value) << id << " " << key;
  }
}

TEST(DcapVectors, EveryFieldOfEveryGenuineQuoteIsRead) {
  REDOUBT_REQUIRE_SHARED();
  std::size_t count = 0;
  const json::Value quotes = test::intel_dcap_json("quotes.json");
  for (const auto& [id, one] : *quotes.object()) {
    const Bytes quote = test::read_file(test::intel_dcap(text_of(one, "file")));
    ASSERT_EQ(crypto::sha256(quote).hex(), text_of(one, "sha256"));
    const json::Value found = dcap::describe(OrDie(dcap::parse(quote)));
    EXPECT_EQ(member(found, "quote_size"), member(one, "quote_length")) << id;
    EXPECT_EQ(member(found, "unsigned_size"), member(one, "trailing_bytes")) << id;
    EXPECT_EQ(member(found, "body_type"), member(one, "body_type")) << id;
    expect_fields(member(one, "body"), member(found, "body"), id);
    expect_fields(member(one, "qe_report"), member(found, "qe_report"), id);
    const json::Value& header = member(one, "header");
    for (const char* key : {"version", "qe_vendor_id", "user_data"}) {
      EXPECT_EQ(member(member(found, "header"), key), member(header, key)) << id << key;
    }
    EXPECT_EQ(text_of(member(found, "header"), "tee"), *member(header, "tee_type").integer() == 0 ? "SGX" : "TDX") << id;
    const json::Value& pck = member(one, "pck");
    const json::Value& leaf = member(member(found, "pck"), "certificates").array()->at(0);
    for (const char* key : {"not_before", "not_after"}) EXPECT_EQ(member(leaf, key), member(pck, key)) << id << key;
    const std::string& serial = text_of(pck, "serial");  // a number in the list: an odd count of digits lacks its zero
    EXPECT_EQ(text_of(leaf, "serial"), (serial.size() % 2 == 0 ? "" : "0") + serial) << id;
    EXPECT_NE(text_of(leaf, "issuer").find(text_of(pck, "issuer")), std::string::npos) << id;
    const json::Value& extension = member(member(found, "pck"), "sgx_extension");
    for (const char* key : {"fmspc", "pceid", "pcesvn", "sgx_tcb_comp_svn"}) {
      EXPECT_EQ(member(extension, key), member(pck, key)) << id << key;
    }

    // The same quote, authentic by its signatures alone, and as debug as the list says.
    const Instant now = OrDie(Instant::parse(text_of(pck, "not_before"))).plus_seconds(1);
    const DcapResult result = test::appraise({quote, {}, {endorse::intel_sgx_root()}, now, {}});
    ASSERT_TRUE(result.authentic.has_value()) << id << ": " << joined(result.failed);
    EXPECT_EQ(json::Value((*result.authentic)->debug()), member(member(one, "body"), "debug")) << id;
    EXPECT_EQ(hex_encode((*result.authentic)->report_data()), text_of(member(one, "body"), "reportdata")) << id;
    ++count;
  }
  EXPECT_EQ(count, 21U);
}

json::Value status_or_null(const std::optional<endorse::TcbStatus>& status) {
  return status ? json::Value(endorse::status_text(*status)) : json::Value();
}

// The verdict in the words of `expect`.
void expect_verdict(const json::Value& expect, const endorse::TcbVerdict& verdict, bool debug, const std::string& id) {
  EXPECT_EQ(json::Value(endorse::status_text(verdict.tcb_status)), member(expect, "tcb_status")) << id;
  EXPECT_EQ(status_or_null(verdict.matched_level), member(expect, "matched_level")) << id;
  EXPECT_EQ(verdict.matched_level_date ? json::Value(verdict.matched_level_date->text()) : json::Value(),
            member(expect, "matched_level_date"))
      << id;
  EXPECT_EQ(status_or_null(verdict.sgx_level), member(expect, "sgx_level")) << id;
  EXPECT_EQ(status_or_null(verdict.tdx_module), member(expect, "tdx_module")) << id;
  EXPECT_EQ(status_or_null(verdict.qe), member(expect, "qe")) << id;
  const json::Value& advisories = member(expect, "advisories");
  std::vector<std::string> listed;
  if (advisories.array() != nullptr) {
    for (const json::Value& one : *advisories.array()) listed.push_back(*one.string());
  }
  EXPECT_EQ(verdict.advisories, listed) << id;
  EXPECT_EQ(json::Value(debug), member(expect, "debug")) << id;
}

TEST(DcapVectors, EveryCaseHasTheOutcomeThatIntelsLibraryGives) {
  REDOUBT_REQUIRE_SHARED();
  std::size_t authentic = 0;
  const auto cases = cases_by_id();
  for (const auto& [id, one] : cases) {
    const json::Value& expect = member(one, "expect");
    const DcapResult result = test::appraise(test::genuine_case(one));
    EXPECT_EQ(result.parse_error, "") << id;
    const bool supported = text_of(expect, "tcb_status") != "NotSupported";
    if (!supported) {
      // No level of the collateral fits: T1 or T2 says so; signatures, chain and collateral are in order.
      EXPECT_FALSE(result.authentic.has_value()) << id;
      EXPECT_TRUE(result.failed.contains("T1") || result.failed.contains("T2")) << id;
      for (const std::string& failed : result.failed) EXPECT_EQ(failed[0], 'T') << id << " " << failed;
      ASSERT_TRUE(result.tcb.has_value()) << id;
      expect_verdict(expect, *result.tcb, OrDie(dcap::RawQuote::parse(test::genuine_case(one).quote)).debug(), id);
      continue;
    }
    ASSERT_TRUE(result.authentic.has_value()) << id << ": " << joined(result.failed);
    expect_verdict(expect, *(*result.authentic)->tcb, (*result.authentic)->debug(), id);
    ++authentic;
  }
  EXPECT_EQ(cases.size(), 88U);
  EXPECT_EQ(authentic, 59U);  // 29 are of a platform below every published level
}

TEST(DcapVectors, NoCaseIsAcceptedOutsideOfItsWindow) {
  REDOUBT_REQUIRE_SHARED();
  for (const auto& [id, one] : cases_by_id()) {
    if (text_of(member(one, "expect"), "tcb_status") == "NotSupported") continue;
    DcapCase judged = test::genuine_case(one);
    const json::Array& window = *member(one, "window").array();
    const Interval inside{OrDie(Instant::parse(*window.at(0).string())), OrDie(Instant::parse(*window.at(1).string()))};
    for (const auto& [now, accepted] : {std::pair(inside.begin, true), std::pair(inside.end, true),
                                        std::pair(inside.begin.plus_seconds(-1), false), std::pair(inside.end.plus_seconds(1), false)}) {
      judged.now = now;
      const DcapResult result = test::appraise(judged);
      EXPECT_EQ(result.authentic.has_value(), accepted) << id << " at " << now.text() << ": " << joined(result.failed);
    }
  }
}

// The check (or the words of the parse error) that each reason of negative.json must show in.
struct Reason {
  std::string_view why;
  Ids any_of;               // at least one of these fails
  std::string_view parse;   // or parsing says this
};
const Reason kReasons[] = {
    {"quote signature", {"S1"}, ""},
    {"quote signature (header is signed)", {"S1"}, ""},
    {"QE report signature", {"S3"}, ""},
    {"QE vendor id is not Intel / signature", {"Q3"}, ""},
    {"QE report data does not bind the key (or point not on curve)", {"S2"}, ""},
    {"QE report data does not bind the auth data", {"S2"}, ""},
    {"PCK certificate: bad base64, bad DER or bad signature", {"S4"}, ""},
    {"certification data type out of range", {"Q4"}, ""},
    {"truncated", {}, "quote"},
    {"length past the end", {}, "quote"},
    {"length too short", {}, "quote"},
    {"unsupported quote version", {}, "version"},
    {"attestation key type is not ECDSA P-256", {}, "attestation key type"},
    {"unknown TEE type", {}, "tee type"},
    {"v4/v5 need outer certification data type 6", {}, "outer certification data type"},
    {"body size does not fit the body type", {}, "body size"},
    {"TCB info past nextUpdate", {"C3"}, ""},
    {"TCB info not yet issued", {"C3"}, ""},
    {"QE identity past nextUpdate", {"C3"}, ""},
    {"FMSPC of TCB info differs from the PCK certificate", {"C5"}, ""},
    {"TCB info id is for the other TEE", {"C4"}, ""},
    {"QE identity id is for the other QE", {"C4"}, ""},
    {"PCK CRL issued by the other PCK CA", {"C6"}, ""},
    {"root CRL given where the PCK CRL belongs", {"C6"}, ""},
    {"TCB info checked under a certificate that is not the TCB signing certificate", {"C1", "C2"}, ""},
};

void expect_reason(const DcapResult& result, const std::string& why, const std::string& id) {
  const auto reason = std::ranges::find(kReasons, why, &Reason::why);
  ASSERT_NE(reason, std::end(kReasons)) << id << ": no reason known for: " << why;
  EXPECT_FALSE(result.authentic.has_value()) << id;
  if (reason->any_of.empty()) {
    EXPECT_NE(result.parse_error, "") << id << ": parsed; failed " << joined(result.failed);
    EXPECT_NE(result.parse_error.find(reason->parse), std::string::npos) << id << ": " << result.parse_error;
  } else {
    EXPECT_EQ(result.parse_error, "") << id;
    EXPECT_TRUE(std::ranges::any_of(reason->any_of, [&](const auto& one) { return result.failed.contains(one); }))
        << id << " (" << why << "): failed " << joined(result.failed);
  }
}

TEST(DcapVectors, EveryEditOfAGenuineQuoteIsRefusedForItsReason) {
  REDOUBT_REQUIRE_SHARED();
  const auto cases = cases_by_id();
  std::size_t count = 0;
  const json::Value negative = test::intel_dcap_json("negative.json");
  for (const json::Value& one : *member(negative, "mutations").array()) {
    const std::string& id = text_of(one, "id");
    DcapCase judged = test::genuine_case(cases.at(text_of(one, "base_case")));
    ASSERT_TRUE(test::appraise(judged).authentic.has_value()) << id;
    const std::size_t before = judged.quote.size();
    judged.quote = edit(std::move(judged.quote), member(one, "edits"));
    const DcapResult result = test::appraise(judged);
    ++count;
    if (text_of(one, "expect") == "reject-or-ignore") {
      // Bytes after the quote: told, and nowhere to be found.
      ASSERT_TRUE(result.authentic.has_value()) << id;
      EXPECT_EQ((*result.authentic)->raw.size() + (*result.authentic)->raw.unsigned_size, judged.quote.size()) << id;
      EXPECT_LE((*result.authentic)->raw.size(), before) << id;
      EXPECT_FALSE((*result.authentic)->raw.unsigned_zero) << id;
      continue;
    }
    expect_reason(result, text_of(one, "why"), id);
  }
  EXPECT_EQ(count, 116U);
}

TEST(DcapVectors, EverySwapOfCollateralIsRefusedForItsReason) {
  REDOUBT_REQUIRE_SHARED();
  const auto cases = cases_by_id();
  std::size_t count = 0;
  const json::Value negative = test::intel_dcap_json("negative.json");
  for (const json::Value& one : *member(negative, "collateral_swaps").array()) {
    json::Object fields = *cases.at(text_of(one, "base_case")).object();
    for (const auto& [key, value] : *member(one, "override").object()) fields[key] = value;
    expect_reason(test::appraise(test::genuine_case(json::Value(fields))), text_of(one, "why"), text_of(one, "id"));
    ++count;
  }
  EXPECT_EQ(count, 27U);
}

TEST(DcapVectors, AMinimumEvaluationNumberDecidesWhichOfTwoCollateralsCounts) {
  REDOUBT_REQUIRE_SHARED();
  const auto cases = cases_by_id();
  const json::Value choice = test::intel_dcap_json("collateral_choice.json");
  for (const json::Value& pair : *member(choice, "pairs").array()) {
    DcapCase high = test::genuine_case(cases.at(text_of(pair, "case_with_higher_evaluation_number")));
    DcapCase low = test::genuine_case(cases.at(text_of(pair, "case_with_lower_evaluation_number")));
    high.now = low.now = OrDie(Instant::parse(text_of(pair, "at")));
    EXPECT_TRUE(test::appraise(low).authentic.has_value());
    high.minimum = low.minimum = static_cast<std::uint32_t>(*member(pair, "evaluation_number").integer());
    EXPECT_EQ(test::appraise(low).failed, Ids{"C7"});
    // The higher TCB info counts if the QE identity beside it is as new.
    const DcapResult result = test::appraise(high);
    ASSERT_NE(result.collateral, nullptr);
    const bool both = result.collateral->qe_identity().evaluation_number >= *high.minimum;
    EXPECT_EQ(result.failed, both ? Ids{} : Ids{"C7"});
    EXPECT_EQ(json::Value(endorse::status_text(result.tcb->tcb_status)), member(pair, "status"));
  }
}

TEST(DcapVectors, QuotesThatTheirOriginsRefuseAreRefused) {
  REDOUBT_REQUIRE_SHARED();
  const Instant now = OrDie(Instant::parse("2021-06-01T00:00:00Z"));
  struct Case {
    const char* file;
    std::size_t offset;  // of the quote in the file
    const char* check;   // that fails, among others
  };
  for (const Case& one : {Case{"fortanix-sgx-v3-test-root.bin", 0, "S4"}, Case{"fortanix-sgx-v3-corrupted.bin", 0, "S1"},
                          Case{"fortanix-sgx-v3-cert-type-3.bin", 0, "S4"}, Case{"oe-sgx-report-bad.bin", 16, "S4"},
                          Case{"oe-sgx-cert-ec-bad.der", 397, "S4"}}) {
    const Bytes file = test::read_file(test::intel_dcap(std::string("origin-negative/") + one.file));
    const DcapResult result =
        test::appraise({to_bytes(ByteView(file).subspan(one.offset)), {}, {endorse::intel_sgx_root()}, now, {}});
    EXPECT_EQ(result.parse_error, "") << one.file;
    EXPECT_TRUE(result.failed.contains(one.check)) << one.file << ": " << joined(result.failed);
  }
}

TEST(DcapVectors, IntelsSampleIsAcceptedOnlyUnderItsOwnRootAndWithItsCertificate) {
  REDOUBT_REQUIRE_SHARED();
  const Bytes quote = test::read_file(test::intel_dcap("other-root/intel-sgx-quote.dat"));
  const auto root = OrDie(dcap::PckCertificates::from_der(
      test::intel_certificates({"other-root/intel-pckCert.pem", "other-root/intel-pckSignChain.pem"})));
  DcapCase one{quote, {}, {endorse::intel_sgx_root()}, OrDie(Instant::parse("2024-01-01T00:00:00Z")), {}};
  EXPECT_EQ(test::appraise(one).failed, (Ids{"S3", "S4", "S5"}));
  for (const crypto::CertificateView& view : root->path()) one.pck_chain.push_back(to_bytes(view.der));
  EXPECT_TRUE(test::appraise(one).failed.contains("S4"));
  one.roots = {crypto::sha256(root->root().spki)};
  EXPECT_EQ(test::appraise(one).failed, Ids{});
  // With the sample's collateral, under the same root; the PCK CA is the quote's own.
  endorse::RawCollateral raw;
  raw.tcb_info = test::read_file(test::intel_dcap("other-root/intel-tcbInfo.json"));
  raw.qe_identity = test::read_file(test::intel_dcap("other-root/intel-qeIdentity.json"));
  raw.tcb_signing_chain = test::intel_certificates({"other-root/intel-tcbSignChain.pem"});
  raw.root_crl = test::read_file(test::intel_dcap("other-root/intel-rootCaCrl.der"));
  raw.pck_crl = test::read_file(test::intel_dcap("other-root/intel-intermediateCaCrl.der"));
  one.collateral = raw;
  EXPECT_EQ(test::appraise(one).failed, Ids{});
  one.roots = {endorse::intel_sgx_root()};
  EXPECT_TRUE(test::appraise(one).failed.contains("C1"));
}

}  // namespace
}  // namespace redoubt
