// Goal: an endorsement is authentic exactly when its signer is the one it names, under the roots that were passed; and N16 passes
// only for the measurement and feeds that were asked for. Method: endorsements made under a root of the tests; each field,
// certificate and signature wrong in turn; cuts and flipped bytes.
#include "common/attest/evidence/azure_uvm/endorsement.h"

#include <gtest/gtest.h>

#include "tests/support/evidence_azure_uvm.h"
#include "tests/support/expect.h"

namespace redoubt::azure_uvm {
namespace {

using cbor::Value;
using test::kUvmSigningTime;
using test::UvmSample;

Outcome judge(const UvmSample& sample) {
  const crypto::RootPin roots[] = {kMicrosoftSupplyChainRoot2022, sample.root()};
  const Bytes bytes = sample.encode();
  return authenticate(OrDie(parse(bytes)), roots);
}

testing::AssertionResult Refused(const UvmSample& sample, Code code, std::string_view part) {
  const Outcome outcome = judge(sample);
  if (outcome.authentic) return testing::AssertionFailure() << "authentic";
  return IsError(outcome.status, code, part);
}

TEST(UvmEndorsement, IsAuthenticUnderTheGivenRootAndGivesItsFacts) {
  const UvmSample sample;
  const Outcome outcome = judge(sample);
  ASSERT_OK(outcome.status);
  ASSERT_TRUE(outcome.authentic);
  const UvmEndorsement& endorsement = **outcome.authentic;
  EXPECT_EQ(endorsement.measurement, sample.measurement());
  EXPECT_EQ(endorsement.svn, 100U);
  EXPECT_EQ(endorsement.feed, test::kUvmFeed);
  EXPECT_EQ(endorsement.issuer, sample.did("eku:1.3.6.1.4.1.311.76.59.1.2"));
  EXPECT_EQ(endorsement.signing_time, kUvmSigningTime);
  EXPECT_EQ(outcome.validity.begin, kUvmSigningTime.plus_seconds(-86400));
  EXPECT_EQ(outcome.validity.end, kUvmSigningTime.plus_seconds(31536000));
  EXPECT_FALSE(authenticate(OrDie(parse(sample.encode())), {&kMicrosoftSupplyChainRoot2022, 1}).authentic);
  EXPECT_FALSE(authenticate(OrDie(parse(sample.encode())), {}).authentic);
}

TEST(UvmEndorsement, TakesWhatTheFormLeavesOpen) {
  UvmSample sample;
  sample.remove_header(Value::text("signingtime"));
  sample.remove_header(Value::integer(34));
  sample.unprotected_header = Value::map({{Value::text("timestamp"), Value::bytes(Bytes(64))}});
  sample.payload = "{\"x-ms-maa-api-version\":\"1\",\"x-ms-sevsnpvm-guestsvn\":7,\"x-ms-sevsnpvm-launchmeasurement\":\"" +
                   sample.measurement().hex() + "\"}";
  const Outcome outcome = judge(sample);
  ASSERT_OK(outcome.status);
  EXPECT_EQ((*outcome.authentic)->svn, 7U);
  EXPECT_FALSE((*outcome.authentic)->signing_time);
}

TEST(UvmEndorsement, RefusesOtherForms) {
  const std::string good = UvmSample().measurement().hex();
  const auto payload = [](std::string text) {
    UvmSample sample;
    sample.payload = std::move(text);
    return parse(sample.encode());
  };
  const auto json = [](const std::string& svn, const std::string& measurement) {
    return "{\"x-ms-sevsnpvm-guestsvn\":" + svn + ",\"x-ms-sevsnpvm-launchmeasurement\":" + measurement + "}";
  };
  const std::string quoted = "\"" + good + "\"";
  EXPECT_OK(payload(json("\"0\"", quoted)));
  EXPECT_ERROR(payload("[]"), Code::malformed, "expected an object");
  EXPECT_ERROR(payload("{}"), Code::malformed, "launchmeasurement is absent");
  EXPECT_ERROR(payload("{\"x-ms-sevsnpvm-launchmeasurement\":" + quoted + "}"), Code::malformed, "guestsvn is absent");
  EXPECT_ERROR(payload(json("\"100\"", quoted) + "x"), Code::malformed, "payload");
  for (const char* svn : {"\"\"", "\"-1\"", "-1", "1.5", "\"1x\"", "\"01\"", "\" 1\"", "null", "\"18446744073709551616\""}) {
    EXPECT_ERROR(payload(json(svn, quoted)), Code::malformed, "guestsvn") << svn;
  }
  EXPECT_ERROR(payload(json("1", "\"" + good.substr(2) + "\"")), Code::malformed, "expected 48 bytes, found 47");
  EXPECT_ERROR(payload(json("1", "\"zz" + good.substr(2) + "\"")), Code::malformed, "payload");
  EXPECT_ERROR(payload(json("1", "\"5A" + good.substr(2) + "\"")), Code::malformed, "payload");
  EXPECT_ERROR(payload(json("1", "1")), Code::malformed, "launchmeasurement is absent");
  EXPECT_ERROR(payload(std::string(kMaxPayload + 1, ' ')), Code::malformed, "payload");

  const auto header = [](const Value& label, Value value, bool remove = false) {
    UvmSample sample;
    sample.header(label) = std::move(value);
    if (remove) sample.remove_header(label);
    return parse(sample.encode());
  };
  EXPECT_ERROR(header(Value::integer(3), Value::text("text/plain")), Code::malformed, "expected application/json, found text/plain");
  EXPECT_ERROR(header(Value::integer(3), Value::integer(50)), Code::malformed, "content type");
  EXPECT_ERROR(header(Value::text("iss"), Value(), true), Code::malformed, "iss is absent");
  EXPECT_ERROR(header(Value::text("feed"), Value(), true), Code::malformed, "feed is absent");
  EXPECT_ERROR(header(Value::text("feed"), Value::text("")), Code::malformed, "feed: expected text");
  EXPECT_ERROR(header(Value::text("signingtime"), Value::integer(1)), Code::malformed, "signingtime");
  EXPECT_ERROR(header(Value::text("signingtime"), Value::tagged(1, Value::integer(-1))), Code::malformed, "signingtime");
  EXPECT_ERROR(header(Value::integer(33), Value(), true), Code::malformed, "x5chain");
  EXPECT_ERROR(header(Value::integer(33), Value::array({Value::bytes(Bytes(1))})), Code::malformed, "x5chain");
  EXPECT_ERROR(header(Value::integer(33), Value::array(cbor::Array(9, Value::bytes(Bytes(1))))), Code::malformed, "x5chain");
  EXPECT_ERROR(header(Value::integer(33), Value::array({Value::bytes(Bytes(1)), Value::text("a")})), Code::malformed, "x5chain");
  UvmSample untagged;
  untagged.tagged = false;
  EXPECT_ERROR(parse(untagged.encode()), Code::malformed, "expected tag 18");
  EXPECT_ERROR(parse(Bytes(kMaxEndorsement + 1)), Code::malformed, "expected at most");
}

TEST(UvmEndorsement, RefusesOtherSignersAndSignatures) {
  UvmSample algorithm;
  algorithm.header(1) = Value::integer(-37);
  EXPECT_TRUE(Refused(algorithm, Code::chain, "expected algorithm PS384 (-38), found -37"));
  UvmSample none;
  none.remove_header(Value::integer(1));
  EXPECT_TRUE(Refused(none, Code::chain, "expected algorithm PS384 (-38), found none"));
  UvmSample signature;
  signature.signature = Bytes(256, std::byte{1});
  EXPECT_TRUE(Refused(signature, Code::chain, "cose_sign1"));
  UvmSample key;
  key.certificates.front().key = key.certificates[1].key;
  EXPECT_TRUE(Refused(key, Code::chain, "cose_sign1"));
  UvmSample thumbprint;
  thumbprint.header(34) = Value::array({Value::integer(-16), Value::bytes(Bytes(32))});
  EXPECT_TRUE(Refused(thumbprint, Code::chain, "x5t"));
  UvmSample issuer;
  issuer.header("iss") = Value::text(issuer.did("eku:1.2.3"));
  EXPECT_TRUE(Refused(issuer, Code::chain, "issuer: did:x509: expected the extended usage 1.2.3"));
  issuer.header("iss") = Value::text("did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.2");
  EXPECT_TRUE(Refused(issuer, Code::chain, "found none in the chain"));
  issuer.header("iss") = Value::text("did:web:example.com");
  EXPECT_TRUE(Refused(issuer, Code::malformed, "did:x509"));
}

TEST(UvmEndorsement, RefusesSigningTimesOutsideOfTheCertificates) {
  for (const std::int64_t offset : {-86401, 31536001}) {
    UvmSample sample;
    sample.header("signingtime") = Value::tagged(1, Value::integer(kUvmSigningTime.unix_seconds() + offset));
    EXPECT_TRUE(Refused(sample, Code::freshness, "signingtime"));
  }
  for (const std::int64_t offset : {-86400, 31536000}) {
    UvmSample sample;
    sample.header("signingtime") = Value::tagged(1, Value::integer(kUvmSigningTime.unix_seconds() + offset));
    EXPECT_OK(judge(sample).status);
  }
}

TEST(UvmEndorsement, RefusesChainsOfAnyOtherShape) {
  struct Row {
    std::size_t certificate;
    std::vector<std::pair<std::string, std::string>> extensions;
    const char* part;
  };
  const std::pair<std::string, std::string> usage{"extendedKeyUsage", "1.3.6.1.4.1.311.76.59.1.2"};
  const Row table[] = {
      {0, {{"basicConstraints", "critical,CA:TRUE"}, {"keyUsage", "critical,digitalSignature"}, usage}, "found a CA"},
      {0, {{"basicConstraints", "critical,CA:FALSE"}, {"keyUsage", "critical,keyAgreement"}, usage}, "digitalSignature"},
      {0, {{"basicConstraints", "critical,CA:FALSE"}, usage}, "digitalSignature"},
      {0, {{"basicConstraints", "critical,CA:FALSE"}, {"keyUsage", "digitalSignature"}, usage, {"1.2.3.4", "critical,DER:0500"}}, "1.2.3.4"},
      {1, {{"basicConstraints", "critical,CA:FALSE"}, {"keyUsage", "keyCertSign"}}, "x5chain"},
      {1, {{"basicConstraints", "critical,CA:TRUE"}, {"keyUsage", "cRLSign"}}, "x5chain"},
      {2, {{"basicConstraints", "critical,CA:TRUE,pathlen:0"}, {"keyUsage", "keyCertSign"}}, "path length"},
  };
  for (const Row& row : table) {
    auto specs = test::uvm_specs();
    specs[row.certificate].extensions = row.extensions;
    if (row.certificate > 0) specs[row.certificate].extensions.emplace_back("subjectKeyIdentifier", "hash");
    EXPECT_TRUE(Refused(UvmSample(specs), Code::chain, row.part)) << row.certificate << " " << row.part;
  }
  for (const auto& order : std::vector<std::vector<std::size_t>>{{1, 0, 2}, {0, 2}, {0, 2, 1}, {2, 1, 0}, {0, 1}, {1, 2}}) {
    UvmSample sample;
    cbor::Array chain;
    for (const std::size_t i : order) chain.push_back(Value::bytes(sample.certificates[i].der));
    sample.header(33) = Value::array(std::move(chain));
    EXPECT_FALSE(judge(sample).authentic) << testing::PrintToString(order);
  }
}

TEST(UvmEndorsement, N16ComparesMeasurementIssuerFeedAndVersion) {
  const UvmSample sample;
  const Outcome outcome = judge(sample);
  ASSERT_TRUE(outcome.authentic);
  const std::string issuer = sample.did("eku:1.3.6.1.4.1.311.76.59.1.2");
  const auto check = [&](const LaunchMeasurement& measurement, std::vector<AcceptedFeed> accepted) {
    const attest::Check result = check_endorsed(outcome, measurement, accepted);
    EXPECT_EQ(result.id, attest::CheckId::n16);
    EXPECT_FALSE(result.expected.empty());
    EXPECT_FALSE(result.found.empty());
    return result.outcome == attest::Outcome::passed ? std::string("passed") : std::string(code_name(result.code));
  };
  const std::string feed(test::kUvmFeed);
  EXPECT_EQ(check(sample.measurement(), {{issuer, feed, 100}}), "passed");
  EXPECT_EQ(check(sample.measurement(), {{issuer, "other", 0}, {issuer, feed, 99}}), "passed");
  EXPECT_EQ(check(LaunchMeasurement(), {{issuer, feed, 100}}), "measurement");
  EXPECT_EQ(check(sample.measurement(), {{issuer, feed, 101}}), "policy");
  EXPECT_EQ(check(sample.measurement(), {{issuer, "other", 0}}), "policy");
  EXPECT_EQ(check(sample.measurement(), {{issuer + "0", feed, 0}}), "policy");
  EXPECT_EQ(check(sample.measurement(), {}), "policy");

  UvmSample broken;
  broken.signature = Bytes(256, std::byte{1});
  const AcceptedFeed accepted{broken.did("eku:1.3.6.1.4.1.311.76.59.1.2"), feed, 0};
  const attest::Check refused = check_endorsed(judge(broken), broken.measurement(), {&accepted, 1});
  EXPECT_EQ(refused.outcome, attest::Outcome::failed);
  EXPECT_EQ(refused.code, Code::chain);
}

TEST(UvmEndorsement, DescribesWhatItDoesNotBelieve) {
  UvmSample sample;
  sample.signature = Bytes(256, std::byte{1});
  const json::Value shown = describe(OrDie(parse(sample.encode())));
  const json::Object& object = *shown.object();
  EXPECT_EQ(*object.at("verified").boolean(), false);
  EXPECT_EQ(*object.at("svn").string(), "100");
  EXPECT_EQ(*object.at("measurement").string(), sample.measurement().hex());
  EXPECT_EQ(object.at("x5chain").array()->size(), 3U);
}

TEST(UvmEndorsement, EveryCutIsUnreadableAndEveryByteOutsideOfTheUnprotectedHeaderIsCovered) {
  UvmSample sample;
  const Bytes bytes = sample.encode();
  const crypto::RootPin root = sample.root();
  ASSERT_TRUE(authenticate(OrDie(parse(bytes)), {&root, 1}).authentic);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_ERROR(parse(ByteView(bytes).first(size)), Code::malformed, "") << size;
  }
  Bytes longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_ERROR(parse(longer), Code::malformed, "trailing");
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    Bytes changed = bytes;
    changed[at] ^= std::byte{1};
    const auto parsed = parse(changed);
    if (!parsed.ok()) continue;
    EXPECT_FALSE(authenticate(*parsed, {&root, 1}).authentic) << at;  // the unprotected header is empty: no byte is free
  }
}

}  // namespace
}  // namespace redoubt::azure_uvm
