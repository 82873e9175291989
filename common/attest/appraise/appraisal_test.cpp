// Goal: Evidence of recorded boots gets the verdict that its README states, for the reason it states, and every requirement of a
// policy decides by itself. Method: the five recorded boots under a policy of their golden values; one requirement, endorsement or
// challenge changed at a time; the check that is there for it must be the one that fails.
#include <gtest/gtest.h>

#include "common/attest/appraise/appraiser.h"
#include "common/attest/appraise/verdict.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::appraise {
namespace {

using attest::CheckId;
using Ids = std::set<std::string>;

const Instant kNow = OrDie(Instant::parse("2026-12-01T00:00:00Z"));

class AppraisalTest : public testing::Test {
 protected:
  static Policy golden() {
    Policy policy;
    policy.name = "recorded boots";
    policy.workload = "cleanroom";
    policy.accept_host_asserted = false;
    policy.accept_software_tpm = true;
    policy.platforms.tpm.emplace().anchors = {{test::tpm_roots().at(0).digest(), "local CA of the capture", true}};
    policy.platforms.tpm->secure_boot_required = true;
    policy.platforms.tpm->pcrs.emplace();
    const json::Value reference = OrDie(json::parse(test::read_text(test::golden("tpm-swtpm-qemu/reference_values.json"))));
    for (const auto& [index, value] : *reference.object()->at("pcr_sha256").object()) {
      policy.platforms.tpm->pcrs->emplace(std::stoi(index), OrDie(crypto::Sha256Digest::from_hex(*value.string(), "PCR")));
    }
    return OrDie(Policy::parse(policy.canonical()));
  }
  static Endorsements endorsements(std::string_view set) {
    Endorsements endorsements;
    endorsements.tpm_roots = test::tpm_roots();
    endorsements.enrolments = {test::tpm_enrolment(test::tpm_evidence(set), test::tpm_enroller())};
    endorsements.self = test::tpm_enroller().public_key();
    return endorsements;
  }
  static Challenge challenge(std::string_view set) {
    Challenge challenge;
    challenge.claims.emplace().workload = "cleanroom";
    challenge.report_data = test::read_file(test::tpm_vector(set, "nonce.bin"));
    return challenge;
  }
  static Appraisal appraise_set(std::string_view set, const Policy& policy = golden()) {
    return OrDie(appraise({"tpm", test::tpm_evidence(set).encode()}, endorsements(set), challenge(set), policy, kNow));
  }
  static Ids failures(const Appraisal& appraisal) {
    Ids ids;
    for (const attest::Check& check : appraisal.checks) {
      if (check.outcome == attest::Outcome::failed) ids.emplace(id_text(check.id));
    }
    EXPECT_EQ(ids.empty(), appraisal.accepted().ok());
    return ids;
  }
  static Ids failures(std::string_view set, const Policy& policy) { return failures(appraise_set(set, policy)); }
};

TEST_F(AppraisalTest, TheRecordedBootsGetTheVerdictsOfTheirReadme) {
  for (const std::string_view set : {"good", "good-second-quote"}) {
    const Appraisal appraisal = appraise_set(set);
    EXPECT_OK(appraisal.accepted());
    EXPECT_EQ(appraisal.status, Tier::warning);  // a software TPM is never more
    EXPECT_FALSE(appraisal.host_asserted);
    EXPECT_EQ(appraisal.remarks.size(), 1U);
  }
  EXPECT_EQ(failures("secureboot-off", golden()), (Ids{"L5", "reference.pcrs"}));
  EXPECT_NE(appraise_set("secureboot-off").find(CheckId::l5)->found.find("off"), std::string::npos);
  EXPECT_EQ(failures("other-image", golden()), Ids{"reference.pcrs"});
  EXPECT_EQ(failures("shim-grub", golden()), Ids{"reference.pcrs"});
}

TEST_F(AppraisalTest, ADifferenceNamesThePcrsThatDiffer) {
  const auto appraisal = appraise_set("other-image");
  const std::string& found = appraisal.find(CheckId::reference_pcrs)->found;
  for (const char* pcr : {"PCR 4 ", "PCR 9 ", "PCR 11 "}) EXPECT_NE(found.find(pcr), std::string::npos) << found;
  EXPECT_EQ(found.find("PCR 7 "), std::string::npos) << found;
  EXPECT_ERROR(appraisal.accepted(), Code::measurement, "reference.pcrs");
}

TEST_F(AppraisalTest, EachRequirementOfThePolicyDecides) {
  const auto with = [](auto change) {
    Policy policy = golden();
    change(policy);
    return policy;
  };
  EXPECT_EQ(failures("good", with([](Policy& p) { p.accept_software_tpm = false; })), Ids{"policy.software_tpm"});
  EXPECT_EQ(failures("good", with([](Policy& p) { p.workload = "scoring"; })), Ids{"claims.workload"});
  EXPECT_EQ(failures("good", with([](Policy& p) { p.platforms.tpm->pcrs.reset(); })), Ids{"policy.host_asserted"});
  EXPECT_EQ(failures("good", with([](Policy& p) { (*p.platforms.tpm->pcrs)[7].array()[0] ^= std::byte{1}; })), Ids{"reference.pcrs"});
  EXPECT_EQ(failures("good", with([](Policy& p) { p.programs = {{"any other", ProgramDigest()}}; })),
            (Ids{"measured.contract", "measured.program"}));
  // A PCR that the quote does not hold, of the 24.
  EXPECT_EQ(failures("good", with([](Policy& p) { p.platforms.tpm->pcrs->emplace(20, crypto::Sha256Digest()); })), Ids{"M4"});
  // Secure Boot off is fine for a policy that asks for nothing about it.
  const Policy lenient = with([](Policy& p) {
    p.platforms.tpm->pcrs.reset();
    p.platforms.tpm->secure_boot_required = false;
    p.accept_host_asserted = true;
  });
  EXPECT_EQ(failures("secureboot-off", lenient), Ids{});
  EXPECT_EQ(appraise_set("secureboot-off", lenient).remarks.size(), 2U);
}

TEST_F(AppraisalTest, TrustAnchorsAndEnrollersAreThePolicysAndNeverTheProvers) {
  Policy other_anchor = golden();
  other_anchor.platforms.tpm->anchors = {{crypto::sha256(as_bytes("another root")), "another", false}};
  EXPECT_EQ(failures("good", other_anchor), Ids{"M6"});
  Endorsements nobody = endorsements("good");
  nobody.self.reset();
  const auto unenrolled = OrDie(appraise({"tpm", test::tpm_evidence("good").encode()}, nobody, challenge("good"), golden(), kNow));
  EXPECT_EQ(failures(unenrolled), Ids{"M5"});
  Policy named = golden();
  named.platforms.tpm->enrollers = {test::tpm_enroller().public_key()};
  EXPECT_OK(OrDie(appraise({"tpm", test::tpm_evidence("good").encode()}, nobody, challenge("good"), named, kNow)).accepted());
  Endorsements swapped = endorsements("other-image");
  EXPECT_EQ(failures(OrDie(appraise({"tpm", test::tpm_evidence("good").encode()}, swapped, challenge("good"), golden(), kNow))),
            Ids{"M5"});
}

TEST_F(AppraisalTest, ContractAndChallengeAreTheRelyingPartysOwn) {
  Challenge other = challenge("good");
  other.contract.array()[0] = std::byte{1};
  EXPECT_EQ(failures(OrDie(appraise({"tpm", test::tpm_evidence("good").encode()}, endorsements("good"), other, golden(), kNow))),
            Ids{"claims.contract"});
  EXPECT_EQ(failures(OrDie(appraise({"tpm", test::tpm_evidence("good").encode()}, endorsements("good"), challenge("good-second-quote"), golden(), kNow))),
            Ids{"M2"});
  Challenge hashed = challenge("good");
  hashed.statement = hashed.report_data;
  hashed.report_data.clear();  // our own protocol hashes a statement: the bare nonce is not one
  EXPECT_EQ(failures(OrDie(appraise({"tpm", test::tpm_evidence("good").encode()}, endorsements("good"), hashed, golden(), kNow))),
            Ids{"M2"});
}

TEST_F(AppraisalTest, UnauthenticEvidenceGivesNoMeasurements) {
  auto raw = test::tpm_evidence("good");
  raw.signature.back() ^= std::byte{1};
  const Appraisal appraisal = OrDie(appraise({"tpm", raw.encode()}, endorsements("good"), challenge("good"), golden(), kNow));
  EXPECT_EQ(failures(appraisal), Ids{"M3"});
  EXPECT_TRUE(appraisal.pcrs.empty());
  EXPECT_EQ(appraisal.find(CheckId::reference_pcrs)->outcome, attest::Outcome::not_applicable);
  EXPECT_EQ(appraisal.status, Tier::contraindicated);
}

TEST_F(AppraisalTest, WhatCannotBeReadIsAnErrorAndNotAVerdict) {
  EXPECT_ERROR(appraise({"tpm", Bytes(10)}, endorsements("good"), challenge("good"), golden(), kNow), Code::malformed, "parsing evidence");
  EXPECT_ERROR(appraise({"abacus", {}}, endorsements("good"), challenge("good"), golden(), kNow), Code::usage, "expected one of \"tpm\"");
}

TEST_F(AppraisalTest, TheSameInputsGiveTheSameBytes) {
  const std::string first = json::canonical(ear(appraise_set("good"), kNow));
  EXPECT_EQ(json::canonical(ear(appraise_set("good"), kNow)), first);
  const json::Value parsed = OrDie(json::parse(first));
  const json::Value& module = parsed.object()->at("submods").object()->at("tpm");
  EXPECT_EQ(*module.object()->at("ear.status").string(), "warning");
  EXPECT_EQ(module.object()->at("redoubt.checks").array()->size(), 22U);
  EXPECT_NE(json::canonical(ear(appraise_set("other-image"), kNow)), first);
}

TEST_F(AppraisalTest, AResultEndsWithTheFirstEndOfTheCertificatesThatItRestsOn) {
  const Appraisal good = appraise_set("good");
  const auto at = [&](Instant now) {
    return OrDie(appraise({"tpm", test::tpm_evidence("good").encode()}, endorsements("good"), challenge("good"), golden(), now));
  };
  for (const Instant inside : {good.validity.begin, good.validity.end}) {
    EXPECT_EQ(failures(at(inside)), Ids{}) << inside.text();
    EXPECT_EQ(at(inside).validity.end, good.validity.end);
  }
  for (const Instant outside : {good.validity.begin.plus_seconds(-1), good.validity.end.plus_seconds(1)}) {
    EXPECT_EQ(failures(at(outside)), Ids{"M6"});
  }
  EXPECT_NE(json::canonical(ear(good, kNow)).find("\"redoubt.valid-until\":\"" + good.validity.end.text()), std::string::npos);
}

TEST_F(AppraisalTest, ARememberedChainChangesNothingButTheTime) {
  const Appraiser appraiser(golden(), endorsements("good"));
  const Evidence evidence{"tpm", test::tpm_evidence("good").encode()};
  const std::string cold = json::canonical(ear(OrDie(appraise(evidence, endorsements("good"), challenge("good"), golden(), kNow)), kNow));
  EXPECT_EQ(json::canonical(ear(OrDie(appraiser.appraise(evidence, challenge("good"), kNow)), kNow)), cold);
  EXPECT_EQ(json::canonical(ear(OrDie(appraiser.appraise(evidence, challenge("good"), kNow)), kNow)), cold);
  const Instant before = OrDie(Instant::parse("2026-01-01T00:00:00Z"));  // before the certificates begin
  EXPECT_EQ(failures(OrDie(appraiser.appraise(evidence, challenge("good"), before))), Ids{"M6"});
}

TEST_F(AppraisalTest, APreparedPolicyChangesNothingButTheTime) {
  const Evidence evidence{"tpm", test::tpm_evidence("good").encode()};
  const auto plain = OrDie(appraise(evidence, endorsements("good"), challenge("good"), golden(), kNow));
  const auto prepared = OrDie(appraise_prepared(evidence, endorsements("good"), challenge("good"), PreparedPolicy(golden()), kNow));
  EXPECT_EQ(prepared.policy, golden().id());
  EXPECT_EQ(json::canonical(ear(prepared, kNow)), json::canonical(ear(plain, kNow)));
}

TEST_F(AppraisalTest, EveryMandatoryCheckThatFailsOrIsMissingStopsTheVerdict) {
  const Appraisal good = appraise_set("good");
  for (const CheckId id : kTpmTable.mandatory) {
    for (const attest::Outcome outcome : {attest::Outcome::failed, attest::Outcome::not_applicable}) {
      std::vector<attest::Check> checks = good.checks;
      std::ranges::find(checks, id, &attest::Check::id)->outcome = outcome;
      EXPECT_EQ(reduce(kTpmTable, checks, false), Tier::contraindicated) << id_text(id);
    }
    std::vector<attest::Check> without = good.checks;
    std::erase_if(without, [&](const attest::Check& check) { return check.id == id; });
    EXPECT_EQ(reduce(kTpmTable, in_order(kTpmTable, without), false), Tier::contraindicated) << id_text(id);
    without.push_back(attest::passed(CheckId::n1, "", ""));  // not a check of this platform
    EXPECT_EQ(reduce(kTpmTable, in_order(kTpmTable, without), false), Tier::contraindicated) << id_text(id);
  }
  std::vector<attest::Check> twice = good.checks;
  twice.push_back(good.checks.back());
  EXPECT_EQ(reduce(kTpmTable, in_order(kTpmTable, twice), false), Tier::contraindicated);
  EXPECT_EQ(in_order(kTpmTable, good.checks), good.checks);
  EXPECT_EQ(reduce(kTpmTable, good.checks, false), Tier::affirming);
  EXPECT_EQ(reduce(kTpmTable, good.checks, true), Tier::warning);
}

}  // namespace
}  // namespace redoubt::appraise
