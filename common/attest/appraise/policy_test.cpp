// Goal: a policy has one form and one id, and never asks for nothing by leaving something out. Method: one policy written
// and read; every member removed, one added at each level, wrong kinds; and the difference of two policies.
#include "common/attest/appraise/policy.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt::appraise {
namespace {

Policy sample() {
  Policy policy;
  policy.name = "demo";
  policy.workload = "cleanroom";
  policy.programs = {{"redoubt-cleanroom 0.1.0", ProgramDigest(crypto::sha256(as_bytes("p")).array())}};
  policy.accept_host_asserted = true;
  policy.accept_software_tpm = true;
  policy.tpm.anchors = {{crypto::sha256(as_bytes("root")), "local software TPM", true}};
  policy.tpm.enrollers = {crypto::Ed25519PublicKey()};
  policy.tpm.pcrs = {{0, crypto::sha256(as_bytes("0"))}, {7, crypto::sha256(as_bytes("7"))}};
  policy.tpm.secure_boot_required = true;
  return policy;
}

TEST(Policy, ReadsWhatItWritesAndKeepsItsId) {
  const Policy policy = sample();
  const Policy again = OrDie(Policy::parse(policy.canonical()));
  EXPECT_EQ(again.canonical(), policy.canonical());
  EXPECT_EQ(again.id(), policy.id());
  EXPECT_TRUE(difference(policy, again).empty());
}

TEST(Policy, RefusesEveryAbsentMember) {
  const json::Value whole = sample().to_json();
  for (const auto& [name, value] : *whole.object()) {
    json::Object cut = *whole.object();
    cut.erase(name);
    EXPECT_ERROR(Policy::from_json(cut), Code::malformed, "absent") << name;
  }
  for (const auto& [name, value] : *whole.object()->at("tpm").object()) {
    json::Object tpm = *whole.object()->at("tpm").object();
    tpm.erase(name);
    json::Object cut = *whole.object();
    cut["tpm"] = tpm;
    EXPECT_ERROR(Policy::from_json(cut), Code::malformed, "absent") << name;
  }
}

TEST(Policy, RefusesUnknownMembersAtEveryLevel) {
  const json::Object whole = *sample().to_json().object();
  json::Object wider = whole;
  wider["pcrs"] = "any";
  EXPECT_ERROR(Policy::from_json(wider), Code::malformed, "unknown member \"pcrs\"");
  json::Object tpm = *whole.at("tpm").object();
  tpm["debug"] = false;
  wider = whole;
  wider["tpm"] = tpm;
  EXPECT_ERROR(Policy::from_json(wider), Code::malformed, "unknown member \"debug\"");
}

TEST(Policy, AsksForNothingOnlyInSoManyWords) {
  json::Object whole = *sample().to_json().object();
  whole["programs"] = "any";
  EXPECT_FALSE(OrDie(Policy::from_json(whole)).programs.has_value());
  for (const json::Value& bad : {json::Value("all"), json::Value(json::Array{}), json::Value(true), json::Value(json::Object{})}) {
    whole["programs"] = bad;
    EXPECT_FALSE(Policy::from_json(whole).ok());
  }
  whole = *sample().to_json().object();
  json::Object tpm = *whole.at("tpm").object();
  for (const json::Value& bad : {json::Value("none"), json::Value(json::Object{}), json::Value(json::Object{{"24", "00"}}),
                                 json::Value(json::Object{{"07", std::string(64, '0')}}), json::Value(json::Array{})}) {
    tpm["pcrs"] = bad;
    whole["tpm"] = tpm;
    EXPECT_FALSE(Policy::from_json(whole).ok());
  }
  tpm["pcrs"] = "any";
  tpm["anchors"] = json::Array{};
  whole["tpm"] = tpm;
  EXPECT_ERROR(Policy::from_json(whole), Code::malformed, "at least one trust anchor");
}

TEST(Policy, DifferenceNamesWhatChanged) {
  Policy other = sample();
  other.accept_host_asserted = false;
  other.tpm.pcrs->erase(7);
  const auto lines = difference(sample(), other);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "accept_host_asserted: true -> false");
  EXPECT_NE(lines[1].find("tpm.pcrs.7: "), std::string::npos);
  EXPECT_NE(sample().id(), other.id());
}

}  // namespace
}  // namespace redoubt::appraise
