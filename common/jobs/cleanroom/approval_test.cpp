// Goal: the approval rule of a contract has one spelling and one meaning, contracts of before there was a choice keep their bytes, and
// a rule that could never be met is refused. Method: each rule written and read; every member left out, added or replaced.
#include "common/jobs/cleanroom/contract.h"
#include "common/jobs/cleanroom/verdict_test_contract.h"
#include "tests/support/expect.h"

namespace redoubt::jobs {
namespace {

Result<Contract> parse_with(json::Value approval) {
  json::Object whole = *OrDie(json::parse(voting_contract(Approval()).canonical())).object();
  whole["approval"] = std::move(approval);
  return Contract::parse(json::canonical(whole));
}

json::Object rule(const char* name) { return {{"rule", name}, {"submitter_counts", true}, {"veto", json::Array()}}; }

TEST(Approval, EachRuleIsReadAsItWasWritten) {
  const Approval rules[] = {{ApprovalRule::unanimous, 0, {}, true},          {ApprovalRule::unanimous, 0, {}, false},
                            {ApprovalRule::majority, 0, {}, true},           {ApprovalRule::owners, 0, {"bank", "clinic"}, true},
                            {ApprovalRule::k_of_n, 2, {"donor"}, false}};
  std::set<std::string> digests;
  for (const Approval& approval : rules) {
    const Contract contract = voting_contract(approval);
    const Contract read = OrDie(Contract::parse(contract.canonical()));
    EXPECT_EQ(read.approval, approval) << approval.text();
    EXPECT_EQ(read.digest(), contract.digest());
    EXPECT_TRUE(digests.insert(contract.digest().hex()).second) << approval.text();
  }
}

TEST(Approval, AUnanimousContractKeepsTheBytesThatItHadBeforeThereWasAChoice) {
  const std::string text = voting_contract(Approval()).canonical();
  EXPECT_EQ(text.find("{\"approval\":\"unanimous\",\"environment\":"), 0U) << text;
  EXPECT_EQ(text.find("veto"), std::string::npos);
}

TEST(Approval, ARuleHasOneSpelling) {
  EXPECT_ERROR(parse_with(rule("unanimous")), Code::malformed, "expected the spelling \"unanimous\"");
  EXPECT_ERROR(parse_with("majority"), Code::malformed, "expected \"unanimous\" or an object, found \"majority\"");
  EXPECT_ERROR(parse_with("Unanimous"), Code::malformed, "expected \"unanimous\"");
  EXPECT_ERROR(parse_with(7), Code::malformed, "expected string");
  EXPECT_ERROR(parse_with(json::Array()), Code::malformed, "expected string");
}

TEST(Approval, EveryMemberIsThereAndNoOther) {
  json::Object whole = rule("k_of_n");
  whole["k"] = 2;
  ASSERT_OK(parse_with(whole));
  for (const auto& [name, value] : whole) {
    json::Object cut = whole;
    cut.erase(name);
    // Without its name the rule is unknown, and k has no place in an unknown one.
    EXPECT_ERROR(parse_with(cut), Code::malformed, "\"" + name + "\" is absent");
  }
  const auto refuse = [&](const char* member, json::Value value, std::string_view why) {
    json::Object changed = whole;
    changed[member] = std::move(value);
    EXPECT_ERROR(parse_with(changed), Code::malformed, why) << member;
  };
  refuse("n", 3, "unknown member \"n\"");
  refuse("rule", "majority", "unknown member \"k\"");
  refuse("rule", "anybody", "unknown member \"k\"");
  refuse("k", 0, "expected 1 to 64");
  refuse("k", -1, "expected 1 to 64");
  refuse("k", "2", "expected integer");
  refuse("submitter_counts", "no", "expected boolean");
  refuse("veto", "bank", "expected array");
  refuse("veto", json::Array{1}, "expected strings");
  refuse("veto", json::Array{"clinic", "bank"}, "sorted, each once");
  refuse("veto", json::Array{"bank", "bank"}, "sorted, each once");
  EXPECT_ERROR(parse_with(rule("anybody")), Code::malformed, "expected unanimous, majority, owners or k_of_n, found \"anybody\"");
}

TEST(Approval, ARuleThatLetsNothingRunIsNoContract) {
  json::Object whole = rule("k_of_n");
  whole["k"] = 3;
  EXPECT_OK(parse_with(whole));
  whole["k"] = 4;
  EXPECT_ERROR(parse_with(whole), Code::malformed, "approval by 4 of 3 voters");
  json::Object veto = rule("majority");
  veto["veto"] = json::Array{"analyst"};
  EXPECT_ERROR(parse_with(veto), Code::malformed, "\"analyst\" has a veto and no vote");
  veto["veto"] = json::Array{"nobody"};
  EXPECT_ERROR(parse_with(veto), Code::malformed, "\"nobody\" has a veto and no vote");
  json::Object alone = rule("unanimous");
  alone["submitter_counts"] = false;
  EXPECT_OK(parse_with(alone));
  alone["veto"] = json::Array{"bank"};
  EXPECT_ERROR(parse_with(alone), Code::malformed, "every voter has a veto");
}

TEST(Approval, WhereTheSubmitterDoesNotCountOthersMustBeEnough) {
  const auto parse = [](Approval approval, std::vector<Participant> participants) {
    Contract contract = voting_contract(std::move(approval));
    contract.participants = std::move(participants);
    return Contract::parse(contract.canonical());
  };
  const Participant analyst = voting_participant("analyst", false);
  const Participant bank = voting_participant("bank", true);
  const Participant clinic = voting_participant("clinic", true);
  // Whoever submits is one of the voters: all of them can never approve.
  EXPECT_ERROR(parse({ApprovalRule::k_of_n, 2, {}, false}, {bank, clinic}), Code::malformed, "approval by 2 of 1 voters");
  EXPECT_OK(parse({ApprovalRule::k_of_n, 1, {}, false}, {bank, clinic}));
  EXPECT_OK(parse({ApprovalRule::k_of_n, 2, {}, true}, {bank, clinic}));
  EXPECT_OK(parse({ApprovalRule::k_of_n, 2, {}, false}, {analyst, bank, clinic}));  // the analyst can submit
  for (const ApprovalRule rule : {ApprovalRule::unanimous, ApprovalRule::majority, ApprovalRule::owners}) {
    SCOPED_TRACE(name_of(rule));
    EXPECT_ERROR(parse({rule, 0, {}, false}, {bank}), Code::malformed, "nobody is left to approve");
    EXPECT_OK(parse({rule, 0, {}, true}, {bank}));
    EXPECT_OK(parse({rule, 0, {}, false}, {analyst, bank}));
    EXPECT_OK(parse({rule, 0, {}, false}, {bank, clinic}));
  }
}

TEST(Approval, ItsTextSaysAllOfIt) {
  EXPECT_EQ(Approval().text(), "unanimous: every voter");
  EXPECT_EQ((Approval{ApprovalRule::k_of_n, 2, {"bank", "donor"}, false}.text()),
            "k_of_n: any 2 of the voters; never without bank, donor; the submitter's own approval does not count, and yet is needed of one with a veto");
  EXPECT_EQ((Approval{ApprovalRule::k_of_n, 2, {}, false}.text()), "k_of_n: any 2 of the voters; the submitter's own approval does not count");
}

}  // namespace
}  // namespace redoubt::jobs
