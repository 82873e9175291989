// Goal: a result has one JSON and one CBOR form that say the same, a signature that only its key opens, and an end that is the first end
// of everything it rests on. Method: scenes of every platform; the forms compared member by member; each interval of each platform
// made the shortest in turn, and the clock moved to both its ends.
#include "common/attest/appraise/ear.h"

#include <gtest/gtest.h>

#include "common/crypto/cose_ed25519.h"
#include "common/crypto/jws.h"
#include "tests/support/appraisal_scene.h"

namespace redoubt::appraise {
namespace {

using cbor::Value;
using test::CheckIds;
using test::DcapMaker;
using test::NitroSample;
using test::Scene;
using test::SnpSample;

std::vector<Scene> scenes() { return {test::sgx_scene(), test::tdx_scene(), test::snp_scene(), test::nitro_scene(), test::token_scene()}; }

const Value* under(const Value& map, const Value& label) {
  if (map.as_map() == nullptr) return nullptr;
  for (const auto& [key, value] : *map.as_map()) {
    if (key == label) return &value;
  }
  return nullptr;
}
const Value* under(const Value& map, std::int64_t label) { return under(map, Value::integer(label)); }

TEST(Ear, CborHasTheLabelsOfTheDraftAndSaysWhatJsonSays) {
  for (const Scene& scene : scenes()) {
    const Appraisal appraisal = scene.verdict();
    const json::Value result = ear(appraisal, scene.now);
    const Bytes bytes = cbor::encode(ear_cbor(result));
    EXPECT_EQ(bytes, cbor::encode(ear_cbor(result)));
    const Value map = OrDie(cbor::parse(bytes));  // strict: deterministic order, no double keys
    EXPECT_EQ(*under(map, 265), Value::text("tag:github.com,2023:veraison/ear"));
    EXPECT_EQ(*under(map, 6), Value::integer(scene.now.unix_seconds()));
    EXPECT_EQ(*under(*under(map, 1004), 0), Value::text("https://redoubt.example"));
    EXPECT_EQ(*under(*under(map, 1004), 1), Value::text("redoubt"));
    EXPECT_EQ(map.as_map()->size(), 4U);
    const Value* submodule = under(*under(map, 266), Value::text(scene.evidence.format));
    ASSERT_NE(submodule, nullptr);
    EXPECT_EQ(*under(*submodule, 1000), Value::integer(static_cast<std::int64_t>(appraisal.status)));
    EXPECT_EQ(*under(*under(*submodule, 1001), 0), Value::integer(2));
    EXPECT_EQ(*under(*under(*submodule, 1001), 2), Value::integer(2));
    if (appraisal.hardware) {
      EXPECT_EQ(*under(*under(*submodule, 1001), 4), Value::integer(*appraisal.hardware));
    }
    EXPECT_EQ(*under(*submodule, 1003), Value::text("redoubt:policy:" + scene.policy.id().hex()));
    const json::Object& json_submodule = *result.object()->at("submods").object()->at(scene.evidence.format).object();
    EXPECT_EQ(submodule->as_map()->size(), json_submodule.size());
    for (const auto& [name, value] : json_submodule) {
      if (name.starts_with("redoubt.")) {
        EXPECT_NE(under(*submodule, Value::text(name)), nullptr) << name;
      }
    }
    const Value* checks = under(*submodule, Value::text("redoubt.checks"));
    ASSERT_EQ(checks->as_array()->size(), appraisal.checks.size());
    for (std::size_t i = 0; i < appraisal.checks.size(); ++i) {
      EXPECT_EQ(*under(checks->as_array()->at(i), Value::text("id")), Value::text(attest::id_text(appraisal.checks[i].id)));
      EXPECT_EQ(*under(checks->as_array()->at(i), Value::text("outcome")), Value::text(attest::outcome_text(appraisal.checks[i].outcome)));
    }
  }
}

TEST(Ear, ARefusalSaysSoInBothForms) {
  Scene scene = test::snp_scene();
  scene.challenge.statement.clear();
  const json::Value result = ear(scene.verdict(), scene.now);
  const json::Object& submodule = *result.object()->at("submods").object()->at("snp").object();
  EXPECT_EQ(*submodule.at("ear.status").string(), "contraindicated");
  EXPECT_EQ(*submodule.at("ear.trustworthiness-vector").object()->at("executables").integer(), 97);
  EXPECT_EQ(*under(*under(*under(ear_cbor(result), 266), Value::text("snp")), 1000), Value::integer(96));
}

TEST(Ear, SignedResultsOpenWithTheVerifiersKeyOnly) {
  const auto key = OrDie(crypto::Ed25519PrivateKey::from_seed(SecretBytes::copy_of(Bytes(32, std::byte{1}))));
  const auto other = OrDie(crypto::Ed25519PrivateKey::from_seed(SecretBytes::copy_of(Bytes(32, std::byte{2}))));
  for (const Scene& scene : scenes()) {
    const json::Value result = ear(scene.verdict(), scene.now);
    const std::string jws = OrDie(sign_ear_jws(result, key, "verifier-1"));
    const Bytes payload = OrDie(crypto::jws_verify(jws, key.public_key(), kEarJwsType));
    EXPECT_EQ(OrDie(json::parse_signed(as_text(payload))), result);
    EXPECT_ERROR(crypto::jws_verify(jws, other.public_key(), kEarJwsType), Code::chain, "");
    const Bytes cose = OrDie(sign_ear_cose(result, key, "verifier-1"));
    EXPECT_EQ(OrDie(cbor::parse(OrDie(crypto::cose_verify(cose, key.public_key(), kEarCoseType)))), ear_cbor(result));
    EXPECT_ERROR(crypto::cose_verify(cose, other.public_key(), kEarCoseType), Code::chain, "");
    EXPECT_EQ(OrDie(crypto::unverified_cose_header(cose)).key_id, "verifier-1");
    // Signatures are deterministic, and so are the documents.
    EXPECT_EQ(OrDie(sign_ear_jws(ear(scene.verdict(), scene.now), key, "verifier-1")), jws);
    EXPECT_EQ(OrDie(sign_ear_cose(ear(scene.verdict(), scene.now), key, "verifier-1")), cose);
  }
}

// expect_window: the result's interval is exactly [begin, end]: accepted at both ends, refused one second outside, for one of `reasons`.
void expect_window(Scene scene, Instant begin, Instant end, const CheckIds& reasons, std::string_view what) {
  SCOPED_TRACE(what);
  const Appraisal result = scene.verdict();
  EXPECT_EQ(result.validity.begin, begin);
  EXPECT_EQ(result.validity.end, end);
  const json::Value claims = ear(result, scene.now);
  EXPECT_EQ(*claims.object()->at("submods").object()->begin()->second.object()->at("redoubt.valid-until").string(), end.text());
  for (const Instant inside : {begin, end}) {
    scene.now = inside;
    EXPECT_EQ(scene.failures(), CheckIds{}) << inside.text();
  }
  for (const Instant outside : {begin.plus_seconds(-1), end.plus_seconds(1)}) {
    scene.now = outside;
    EXPECT_EQ(scene.failures(), reasons) << outside.text();
  }
}

TEST(Ear, AQuoteHoldsForWhatItsCertificatesAndCollateralHaveInCommon) {
  for (const std::uint16_t type : {DcapMaker::kSgx, DcapMaker::kTd15}) {
    const auto made = [&] { return DcapMaker(type == DcapMaker::kSgx ? 3 : 5, type); };
    DcapMaker plain = made();
    const Instant begin = plain.issue_date;
    const Instant end = plain.next_update;
    expect_window(test::dcap_scene(plain), begin, end, {"C3", "C6"}, "collateral");
    const Instant early = end.plus_seconds(-86400);
    const Instant late = begin.plus_seconds(86400);
    DcapMaker pck = made();
    pck.pck_validity = {late, early};
    expect_window(test::dcap_scene(pck), late, early, {"S4"}, "PCK certificate");
    DcapMaker authority = made();
    authority.authority_validity = {late, early};  // the TCB signing certificate has the same
    expect_window(test::dcap_scene(authority), late, early, {"C1", "C6", "S4"}, "PCK CA and TCB signer");
    DcapMaker root = made();
    root.root_validity = {late, early};
    expect_window(test::dcap_scene(root), late, early, {"C1", "S4"}, "root");
  }
}

TEST(Ear, AReportHoldsForWhatItsKeyAndTheRevocationListHaveInCommon) {
  const SnpSample plain;
  expect_window(test::snp_scene(plain), test::kSnpListWindow.begin, test::kSnpListWindow.end, {"N13"}, "revocation list");
  SnpSample leaf;
  leaf.spec.validity = {test::kSnpListWindow.begin.plus_seconds(86400), test::kSnpListWindow.end.plus_seconds(-86400)};
  expect_window(test::snp_scene(leaf), leaf.spec.validity.begin, leaf.spec.validity.end, {"N4"}, "endorsement key");
  // Without a list the certificates alone count.
  Scene scene = test::snp_scene(leaf);
  scene.endorsements.amd[0].crl.clear();
  scene.policy.platforms.snp->require_revocation_list = false;
  expect_window(scene, leaf.spec.validity.begin, leaf.spec.validity.end, {"N4"}, "no list");
}

TEST(Ear, ADocumentHoldsForWhatItsAgeAndItsCertificatesHaveInCommon) {
  for (std::size_t i = 0; i < 5; ++i) {
    auto specs = test::nitro_specs();
    specs[i].validity = {test::kNitroTime.plus_seconds(5), test::kNitroTime.plus_seconds(100)};
    const Scene scene = test::nitro_scene(NitroSample(specs));
    expect_window(scene, specs[i].validity.begin, specs[i].validity.end, {"A2"}, "certificate " + std::to_string(i));
  }
  expect_window(test::nitro_scene(), test::kNitroTime, test::kNitroTime.plus_seconds(300), {"A3"}, "age");
}

TEST(Ear, ATokenHoldsForItsOwnTimes) {
  expect_window(test::token_scene(), Instant(1790000000), Instant(1790003599), {"J2"}, "token");
  expect_window(with_policy(test::token_scene(), [](PlatformPolicies& p) { p.token->skew_seconds = 30; }), Instant(1789999970), Instant(1790003629), {"J2"},
                "token with skew");
}

}  // namespace
}  // namespace redoubt::appraise
