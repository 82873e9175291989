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
  policy.platforms.tpm.emplace().anchors = {{crypto::sha256(as_bytes("root")), "local software TPM", true}};
  policy.platforms.tpm->enrollers = {crypto::Ed25519PublicKey()};
  policy.platforms.tpm->pcrs = {{0, crypto::sha256(as_bytes("0"))}, {7, crypto::sha256(as_bytes("7"))}};
  policy.platforms.tpm->secure_boot_required = true;
  policy.platforms.sgx.emplace().tcb.statuses = {"UpToDate", "SWHardeningNeeded"};
  policy.platforms.sgx->tcb.advisories = {"INTEL-SA-00615"};
  policy.platforms.sgx->tcb.minimum_evaluation_number = 17;
  policy.platforms.sgx->signers = {{{crypto::sha256(as_bytes("signer"))}, 1, 2}};
  policy.platforms.tdx.emplace().tcb.statuses = {"UpToDate"};
  policy.platforms.tdx->tcb.minimum_level_date = OrDie(Instant::parse("2024-03-13T00:00:00Z"));
  policy.platforms.tdx->mrtd = {crypto::sha384(as_bytes("td"))};
  policy.platforms.tdx->rtmrs = {{0, crypto::sha384(as_bytes("0"))}, {3, crypto::sha384(as_bytes("3"))}};
  policy.platforms.snp.emplace().products = {"milan", "turin"};
  policy.platforms.snp->keys = {"VCEK"};
  policy.platforms.snp->minimum_tcb = {3, 0, 8, 115, 0};
  policy.platforms.azure.emplace().snp = policy.platforms.snp;
  policy.platforms.azure->pcrs = {{4, crypto::sha256(as_bytes("4"))}};
  policy.platforms.azure->secure_boot_required = true;
  policy.platforms.nitro.emplace().maximum_age_seconds = 300;
  policy.platforms.token.emplace().issuer = "https://confidentialcomputing.googleapis.com";
  policy.platforms.token->software_names = {"CONFIDENTIAL_SPACE"};
  policy.platforms.token->audience = "https://verifier.example";
  return policy;
}

// with: the sample with the section of one platform replaced.
json::Value with(const std::string& platform, const json::Object& section) {
  json::Object whole = *sample().to_json().object();
  json::Object platforms = *whole.at("platforms").object();
  platforms[platform] = section;
  whole["platforms"] = platforms;
  return whole;
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
  for (const auto& [platform, section] : *whole.object()->at("platforms").object()) {
    for (const auto& [name, value] : *section.object()) {
      json::Object cut = *section.object();
      cut.erase(name);
      EXPECT_ERROR(Policy::from_json(with(platform, cut)), Code::malformed, "absent") << platform << " " << name;
    }
  }
}

// Keys that came after the first policies: absent they ask for the stricter thing or for nothing new, and ids of policies stay what they were.
TEST(Policy, AKeyThatMayBeAbsentHasOneWordAndNoOther) {
  const Policy without = sample();
  EXPECT_EQ(without.to_json().object()->at("platforms").object()->at("tpm").object()->count("ima_violations"), 0U);
  Policy with_all = sample();
  with_all.platforms.tpm->accept_ima_violations = true;
  with_all.platforms.tpm->require_revocation_lists = true;
  with_all.platforms.tpm->anchors.front().ak_without_usage = true;
  with_all.platforms.tpm->pcrs_sha384 = {{0, crypto::sha384(as_bytes("0"))}};
  with_all.platforms.tpm->pcrs_sha512 = {{7, crypto::sha512(as_bytes("7"))}};
  with_all.platforms.azure->require_revocation_lists = true;
  const Policy again = OrDie(Policy::parse(with_all.canonical()));
  EXPECT_EQ(again.id(), with_all.id());
  EXPECT_NE(again.id(), without.id());
  EXPECT_TRUE(again.platforms.tpm->accept_ima_violations && again.platforms.tpm->require_revocation_lists);
  EXPECT_TRUE(again.platforms.tpm->anchors.front().ak_without_usage);
  EXPECT_EQ(again.platforms.tpm->pcrs_sha384, with_all.platforms.tpm->pcrs_sha384);
  EXPECT_EQ(again.platforms.tpm->pcrs_sha512, with_all.platforms.tpm->pcrs_sha512);
  EXPECT_TRUE(again.platforms.azure->require_revocation_lists);
  EXPECT_FALSE(OrDie(Policy::parse(without.canonical())).platforms.tpm->accept_ima_violations);
  const json::Object tpm = *without.to_json().object()->at("platforms").object()->at("tpm").object();
  for (const char* key : {"ima_violations", "revocation_lists"}) {
    for (const json::Value& bad : {json::Value("refused"), json::Value("any"), json::Value(true), json::Value()}) {
      json::Object changed = tpm;
      changed[key] = bad;
      EXPECT_FALSE(Policy::from_json(with("tpm", changed)).ok()) << key;
    }
  }
  EXPECT_EQ(difference(without, with_all),
            (std::vector<std::string>{R"(platforms.tpm.anchors: )" + json::canonical(tpm.at("anchors")) + " -> " +
                                          json::canonical(with_all.to_json().object()->at("platforms").object()->at("tpm").object()->at("anchors")),
                                      R"(platforms.azure.revocation_lists: absent -> "required")", R"(platforms.tpm.ima_violations: absent -> "accepted")",
                                      "platforms.tpm.pcrs_sha384.0: absent -> \"" + crypto::sha384(as_bytes("0")).hex() + "\"",
                                      "platforms.tpm.pcrs_sha512.7: absent -> \"" + crypto::sha512(as_bytes("7")).hex() + "\"", R"(platforms.tpm.revocation_lists: absent -> "required")"}));
}

TEST(Policy, RefusesUnknownMembersAtEveryLevel) {
  const json::Object whole = *sample().to_json().object();
  json::Object wider = whole;
  wider["pcrs"] = "any";
  EXPECT_ERROR(Policy::from_json(wider), Code::malformed, "unknown member \"pcrs\"");
  for (const auto& [platform, section] : *whole.at("platforms").object()) {
    json::Object more = *section.object();
    more["sandbox"] = false;
    EXPECT_ERROR(Policy::from_json(with(platform, more)), Code::malformed, "unknown member \"sandbox\"") << platform;
  }
  json::Object platforms = *whole.at("platforms").object();
  platforms["abacus"] = json::Object{};
  wider = whole;
  wider["platforms"] = platforms;
  EXPECT_ERROR(Policy::from_json(wider), Code::malformed, "unknown member \"abacus\"");
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
  json::Object tpm = *whole.at("platforms").object()->at("tpm").object();
  for (const json::Value& bad : {json::Value("none"), json::Value(json::Object{}), json::Value(json::Object{{"24", "00"}}),
                                 json::Value(json::Object{{"07", std::string(64, '0')}}), json::Value(json::Array{})}) {
    tpm["pcrs"] = bad;
    EXPECT_FALSE(Policy::from_json(with("tpm", tpm)).ok());
  }
  // Reference Values of other banks have no word for "any": the key is absent, or names values of that bank.
  for (const char* key : {"pcrs_sha384", "pcrs_sha512"}) {
    json::Object wide = *whole.at("platforms").object()->at("tpm").object();
    for (const json::Value& bad : {json::Value("any"), json::Value(json::Object{}), json::Value(json::Object{{"0", std::string(64, '0')}}),
                                   json::Value(json::Object{{"24", std::string(96, '0')}}), json::Value()}) {
      wide[key] = bad;
      EXPECT_FALSE(Policy::from_json(with("tpm", wide)).ok()) << key;
    }
  }
  // No anchor is the strictest thing to ask for, and no word for any.
  tpm["pcrs"] = "any";
  tpm["anchors"] = json::Array{};
  EXPECT_TRUE(OrDie(Policy::from_json(with("tpm", tpm))).platforms.tpm->anchors.empty());
  tpm["anchors"] = "any";
  EXPECT_FALSE(Policy::from_json(with("tpm", tpm)).ok());
}

TEST(Policy, CannotAcceptARevokedPlatform) {
  for (const char* status : {"Revoked", "NotSupported", "uptodate", ""}) {
    Policy policy = sample();
    policy.platforms.sgx->tcb.statuses = {status};
    EXPECT_FALSE(Policy::from_json(policy.to_json()).ok()) << status;
  }
}

TEST(Policy, DifferenceNamesWhatChanged) {
  Policy other = sample();
  other.accept_host_asserted = false;
  other.platforms.tpm->pcrs->erase(7);
  const auto lines = difference(sample(), other);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "accept_host_asserted: true -> false");
  EXPECT_NE(lines[1].find("platforms.tpm.pcrs.7: "), std::string::npos);
  EXPECT_NE(sample().id(), other.id());
}

}  // namespace
}  // namespace redoubt::appraise
