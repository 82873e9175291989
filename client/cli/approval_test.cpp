// Goal: participants choose an approval rule, see what it means and who is awaited, and get results that it approved and no others. Method:
// the Stage under contracts with other rules than unanimous, through the commands; a hub and a program that misreport the votes.
#include "client/cli/client_test_stage.h"

namespace redoubt::cli {
namespace {

class ApprovalTest : public testing::Test {
 protected:
  void open(const std::vector<std::string>& rule) {
    stage.open_environment(rule);
    stage.put_tables();
  }
  Ran vote(const std::string& who, const std::string& verb, const std::string& query) {
    const Ran ran = stage.run(who, {"query", verb, query, "--yes"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    return ran;
  }
  bool says(const Ran& ran, const std::string& part) { return ran.out.find(part) != std::string::npos; }
  Stage stage;
};

TEST_F(ApprovalTest, OneOfTwoIsEnoughWhereTheContractSaysSo) {
  open({"--approval", "1-of-2"});
  const Ran verified = stage.verify("analyst");
  EXPECT_TRUE(says(verified, "approval: k_of_n: any 1 of the voters; the submitter's own approval does not count")) << verified.out;
  EXPECT_TRUE(says(verified, "a dishonest quorum: 1 of the 2 voters, besides the submitter, can approve any query")) << verified.out;
  const std::string query = stage.submitted();
  const Ran before = stage.run("hospital", {"query", "show", query});
  EXPECT_TRUE(says(before, "hospital, laboratory")) << before.out;
  EXPECT_TRUE(says(before, "open (approval is k_of_n: 0 approved, 0 rejected, 2 missing)")) << before.out;
  EXPECT_TRUE(says(vote("laboratory", "reject", query), "(open)"));
  EXPECT_TRUE(says(vote("hospital", "approve", query), "(approved)"));
  const Ran after = stage.run("analyst", {"query", "show", query, "-o", "json"});
  const auto approval = OrDie(json::parse(after.out)).object()->at("approval");
  EXPECT_EQ(approval.object()->at("state"), json::Value("approved"));
  EXPECT_EQ(approval.object()->at("approved"), json::Value(json::Array{"hospital"}));
  EXPECT_EQ(approval.object()->at("rejected"), json::Value(json::Array{"laboratory"}));
  EXPECT_EQ(*approval.object()->at("rule").object()->at("k").integer(), 1);
  ASSERT_EQ(stage.run("analyst", {"result", "get", query, "--receipt", stage.path("receipt.json")}).code, 0);
  const Ran offline = stage.run("stranger", {"receipt", "verify", stage.path("receipt.json"), "--contract", stage.path("contract.json"), "--tpm-root",
                                             test::golden("tpm-swtpm-qemu/ca/root.pem").string()});
  EXPECT_EQ(offline.code, 0) << offline.err;
}

TEST_F(ApprovalTest, OwnersOfWhatIsReadAreAwaitedByName) {
  open({"--approval", "owners", "--submitter-counts"});
  const std::string query = stage.submitted();
  EXPECT_TRUE(says(vote("hospital", "approve", query), "missing laboratory (open)"));
  const Ran early = stage.run("analyst", {"result", "get", query});
  EXPECT_EQ(early.code, static_cast<int>(Code::unavailable)) << early.err;
  EXPECT_TRUE(says(vote("laboratory", "approve", query), "(approved)"));
  EXPECT_EQ(stage.run("analyst", {"result", "get", query}).code, 0);
}

TEST_F(ApprovalTest, AVetoIsNeverPassedOver) {
  open({"--approval", "1-of-2", "--veto", "laboratory"});
  const std::string query = stage.submitted();
  EXPECT_TRUE(says(vote("hospital", "approve", query), "missing laboratory (open)"));
  EXPECT_EQ(stage.run("analyst", {"result", "get", query}).code, static_cast<int>(Code::unavailable));
  EXPECT_TRUE(says(vote("laboratory", "reject", query), "(rejected)"));
  const Ran shown = stage.run("hospital", {"query", "show", query});
  EXPECT_TRUE(says(shown, "laboratory has a veto and rejected it")) << shown.out;
  EXPECT_NE(stage.run("analyst", {"result", "get", query}).code, 0);
}

TEST_F(ApprovalTest, ARuleThatTheContractCannotHoldIsRefused) {
  stage.make_keys();
  const auto refused = [&](const std::vector<std::string>& rule, Code code, const std::string& why) {
    const Ran ran = stage.create(rule);
    EXPECT_EQ(ran.code, static_cast<int>(code)) << ran.err;
    EXPECT_NE(ran.err.find(why), std::string::npos) << ran.err;
  };
  refused({"--approval", "2-of-3"}, Code::usage, "written for 3 voters, the contract has 2");
  refused({"--approval", "everybody"}, Code::usage, "expected unanimous, majority, owners or K-of-N");
  refused({"--approval", "majority", "--veto", "analyst"}, Code::malformed, "has a veto and no vote");
  refused({"--veto", "hospital"}, Code::malformed, "every voter has a veto");
}

TEST_F(ApprovalTest, VotesThatAreNoVotesAreRefused) {
  open({"--approval", "majority"});
  const std::string query = stage.submitted();
  const auto lie = [&](const std::string& member, const json::Value& value) {
    stage.tamper = [=](const std::string& who, const net::HttpRequest& request, json::Value& answer) {
      if (who != "door" || request.path.find("/queries/") == std::string::npos) return;
      json::Object object = *answer.object();
      json::Object votes = *object.at("votes").object();
      votes.insert_or_assign(member, value);
      object.insert_or_assign("votes", std::move(votes));
      answer = std::move(object);
    };
    const Ran ran = stage.run("hospital", {"query", "show", query});
    EXPECT_EQ(ran.code, static_cast<int>(Code::malformed)) << ran.err;
  };
  lie("approved", json::Value("hospital"));
  lie("missing", json::Array{"Not A Name\x1b[2J"});
  lie("state", json::Value(std::string(65, 'x')));
}

}  // namespace
}  // namespace redoubt::cli
