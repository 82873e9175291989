// Goal: the approval rule that a participant types is the one that stands in the contract, and what it lets a quorum do is said. Method:
// each spelling, each wrong one, and the sentence for each rule.
#include "client/sdk/contract_builder.h"

#include "common/jobs/cleanroom/verdict_test_contract.h"
#include "tests/support/expect.h"

namespace redoubt::sdk {
namespace {

TEST(ContractBuilder, ReadsEachApprovalRule) {
  const auto read = [](std::string_view text) {
    ContractPlan plan;
    EXPECT_OK(read_approval(text, plan)) << text;
    return plan;
  };
  EXPECT_EQ(read("unanimous").approval, jobs::Approval());
  EXPECT_EQ(read("majority").approval.rule, jobs::ApprovalRule::majority);
  EXPECT_EQ(read("owners").approval.rule, jobs::ApprovalRule::owners);
  const ContractPlan some = read("2-of-3");
  EXPECT_EQ(some.approval.rule, jobs::ApprovalRule::k_of_n);
  EXPECT_EQ(some.approval.k, 2);
  EXPECT_EQ(some.voters, 3);
}

TEST(ContractBuilder, RefusesWhatIsNoRule) {
  for (const char* text : {"", "k_of_n", "all", "Majority", "0-of-3", "4-of-3", "-1-of-3", "2-of-", "-of-3", "2-of-3x", "2 of 3", "99999999999-of-3", "1-of-2-of-3"}) {
    ContractPlan plan;
    EXPECT_ERROR(read_approval(text, plan), Code::usage, "expected unanimous, majority, owners or K-of-N") << text;
  }
}

TEST(ContractBuilder, SaysWhatADishonestQuorumCanDo) {
  const auto said = [](jobs::Approval approval) { return quorum_text(jobs::voting_contract(std::move(approval))); };
  EXPECT_EQ(said({}), "each voter can prevent a query; all together can approve any that the rules allow");
  EXPECT_EQ(said({jobs::ApprovalRule::majority, 0, {}, true}),
            "2 of the 3 voters can approve any query that the rules allow, also over data whose owner says no");
  EXPECT_EQ(said({jobs::ApprovalRule::k_of_n, 1, {"bank", "donor"}, false}),
            "1 of the 3 voters, besides the submitter, can approve any query that the rules allow, also over data whose owner says no; "
            "not without bank, donor");
  EXPECT_EQ(said({jobs::ApprovalRule::owners, 0, {}, true}),
            "the owners of what a query reads can approve any that the rules allow, whatever the other voters say");
  // Nobody signs a contract that does not show it.
  const auto terms = terms_of(jobs::voting_contract({jobs::ApprovalRule::majority, 0, {"bank"}, true}));
  const auto shown = [&](std::string_view name) { return std::ranges::find(terms, name, &Term::name); };
  ASSERT_NE(shown("approval"), terms.end());
  EXPECT_EQ(shown("approval")->value, "majority: more than half of the voters; never without bank");
  EXPECT_NE(shown("a dishonest quorum"), terms.end());
}

}  // namespace
}  // namespace redoubt::sdk
