// Goal: a receipt is accepted offline only with ballots that its contract's approval rule asks for, by the function that the program
// evaluates. Method: a real room runs a query under each rule; then receipts as a program that counts wrongly would sign them, with
// its own key and log: ballots left out, counted after they expired, by the proposer, without the owner.
#include "client/sdk/receipt_check.h"

#include "enclave/workloads/cleanroom/room_test_fixture.h"

namespace redoubt::sdk {
namespace {

using jobs::ApprovalRule;
using jobs::Decision;

class ReceiptRulesTest : public cleanroom::RoomTest {
 protected:
  using Party = cleanroom::Party;

  void under(jobs::Approval approval) {
    analyst_.votes = true;
    approval_ = std::move(approval);
    room_ = make_room(1);
    hospital_data_ = seal(hospital_, "hospital");
    laboratory_data_ = seal(laboratory_, "laboratory");
    provide(*room_);
  }
  // ran: the receipt file of a query by the analyst over both tables, approved by these.
  receipt::ReceiptFile ran(std::vector<Party*> approving) {
    const jobs::Proposal query = proposal(*room_);
    EXPECT_OK(room_->propose(sign(query, analyst_)));
    for (Party* voter : approving) EXPECT_OK(room_->vote(query.digest(), sign(ballot(*room_, query, *voter), *voter)));
    return OrDie(receipt::ReceiptFile::parse(OrDie(room_->run(query.digest())).receipt_file));
  }
  // ReSigned: what a program that is wrong puts into its log and signs instead.
  struct ReSigned {
    std::function<void(receipt::ReceiptBody&)> body = [](receipt::ReceiptBody&) {};
    std::string without = {};  // the voter whose ballot is left out
    int more_entries = 0;      // in the log before the run
  };
  receipt::ReceiptFile sign_again(receipt::ReceiptFile file, const ReSigned& change) {
    test::FixedRandom seed(1);  // as make_room(1) draws it
    const auto key = OrDie(crypto::Ed25519PrivateKey::generate(seed));
    std::vector<Bytes> entries = room_->entries(0);
    entries.pop_back();
    receipt::Log log = OrDie(receipt::Log::restore(room_->claims().instance, entries));
    for (int i = 0; i < change.more_entries; ++i) log.append({std::string(receipt::kRefusalEntry), crypto::Sha256Digest()});
    receipt::ReceiptBody body = OrDie(receipt::ReceiptBody::parse(file.receipt.body));
    body.sequence = log.size();
    body.approvals.clear();
    const std::vector<std::string> all = std::exchange(file.ballots, {});
    file.extends.clear();
    std::vector<jobs::LogHead> heads;
    for (const std::string& text : all) {
      const auto cast = OrDie(jobs::Ballot::parse(OrDie(jobs::SignedDocument::decode(text, jobs::Ballot::kMaxBytes)).text));
      if (cast.voter == change.without) continue;
      file.ballots.push_back(text);
      body.approvals.push_back(receipt::approval_digest(text));
      heads.push_back(cast.head);
    }
    std::ranges::sort(body.approvals);
    change.body(body);
    file.receipt = OrDie(receipt::issue_receipt(body, file.evidence.digest(), log, key));
    for (const jobs::LogHead& head : heads) file.extends.push_back({head.size, head.root, OrDie(log.tree().consistency(head.size, log.size()))});
    return file;
  }
  Status check(const receipt::ReceiptFile& file) {
    const jobs::Contract held = contract();
    const auto appraise = [this](const appraise::Evidence&, const appraise::Endorsements& endorsements, const appraise::Challenge& challenge,
                                 const appraise::Policy&, Instant) -> Result<appraise::Appraisal> {
      appraised_with_ = endorsements.enrolments;
      appraise::Appraisal appraisal;
      appraisal.status = appraise::Tier::warning;
      appraisal.claims = challenge.claims;
      appraisal.program = program_;
      return appraisal;
    };
    REDOUBT_TRY(const auto verdict, check_receipt(file, {held, {}, std::nullopt, {}, appraise, cleanroom::kNow}));
    return verdict.accepted();
  }

  std::vector<tpm::AkEnrolment> appraised_with_;  // by the last check
};

TEST_F(ReceiptRulesTest, WhatTheRoomRanIsAcceptedAndNoNeededBallotCanBeMissing) {
  struct Case {
    jobs::Approval approval;
    std::vector<Party*> approving;
  };
  const Case cases[] = {{{ApprovalRule::unanimous, 0, {}, true}, {&analyst_, &hospital_, &laboratory_}},
                        {{ApprovalRule::unanimous, 0, {}, false}, {&hospital_, &laboratory_}},
                        {{ApprovalRule::majority, 0, {}, true}, {&analyst_, &hospital_}},
                        {{ApprovalRule::majority, 0, {}, false}, {&laboratory_, &hospital_}},
                        {{ApprovalRule::owners, 0, {}, true}, {&laboratory_, &hospital_}},
                        {{ApprovalRule::owners, 0, {"analyst"}, true}, {&laboratory_, &hospital_, &analyst_}},
                        {{ApprovalRule::k_of_n, 2, {}, true}, {&laboratory_, &analyst_}},
                        {{ApprovalRule::k_of_n, 1, {"hospital"}, true}, {&hospital_}}};
  for (const Case& each : cases) {
    SCOPED_TRACE(each.approval.text());
    under(each.approval);
    const receipt::ReceiptFile file = ran(each.approving);
    EXPECT_OK(check(file));
    EXPECT_OK(check(sign_again(file, {})));
    for (const Party* voter : each.approving) {
      EXPECT_ERROR(check(sign_again(file, {.without = voter->name})), Code::binding, "contract.ballots: ") << voter->name;
    }
  }
}

TEST_F(ReceiptRulesTest, AnEnrolmentThatCannotBeReadHindersNoOther) {
  under({ApprovalRule::k_of_n, 1, {}, true});
  receipt::ReceiptFile file = ran({&hospital_});
  const auto good = tpm::AkEnrolment::sign(crypto::sha256(as_bytes("certificate")), tpm::AkName(), cleanroom::kNow, hospital_.key);
  file.enrolments = {to_bytes("no enrolment"), good.encode(), Bytes()};
  EXPECT_OK(check(file));
  ASSERT_EQ(appraised_with_.size(), 1U);
  EXPECT_EQ(appraised_with_[0].encode(), good.encode());
}

TEST_F(ReceiptRulesTest, ARejectionInTheReceiptIsNoApproval) {
  under({ApprovalRule::k_of_n, 1, {}, true});
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  jobs::Ballot against = ballot(*room_, query, laboratory_);
  against.decision = Decision::reject;
  ASSERT_OK(room_->vote(query.digest(), sign(against, laboratory_)));
  ASSERT_OK(room_->vote(query.digest(), sign(ballot(*room_, query, hospital_), hospital_)));
  const auto file = OrDie(receipt::ReceiptFile::parse(OrDie(room_->run(query.digest())).receipt_file));
  EXPECT_EQ(file.ballots.size(), 2U);
  EXPECT_OK(check(file));
  EXPECT_ERROR(check(sign_again(file, {.without = "hospital"})), Code::binding, "0 approved, 1 rejected");
}

TEST_F(ReceiptRulesTest, ExpiredApprovalsDoNotCount) {
  under({ApprovalRule::k_of_n, 1, {}, true});
  const receipt::ReceiptFile file = ran({&hospital_});
  const auto late = [](receipt::ReceiptBody& body) { body.time.end = cleanroom::kNow.plus_seconds(601); };
  EXPECT_ERROR(check(sign_again(file, {.body = late})), Code::binding, "0 approved, 0 rejected, 2 missing, 1 expired");
  const auto at_its_end = [](receipt::ReceiptBody& body) { body.time.end = cleanroom::kNow.plus_seconds(600); };
  EXPECT_OK(check(sign_again(file, {.body = at_its_end})));
  EXPECT_ERROR(check(sign_again(file, {.more_entries = 200})), Code::binding, "1 expired");
}

TEST_F(ReceiptRulesTest, WithoutTheManifestNobodyCanTellWhoseApprovalWasNeeded) {
  under({ApprovalRule::owners, 0, {}, true});
  receipt::ReceiptFile file = ran({&hospital_, &laboratory_});
  ASSERT_EQ(file.manifests.size(), 2U);
  file.manifests.pop_back();
  EXPECT_ERROR(check(file), Code::binding, "contract.ballots: manifest ");
  file.manifests.clear();
  EXPECT_ERROR(check(file), Code::binding, "not shown");
  // Under another rule they are not asked for.
  under({ApprovalRule::k_of_n, 2, {}, true});
  file = ran({&hospital_, &laboratory_});
  file.manifests.clear();
  EXPECT_OK(check(file));
}

TEST_F(ReceiptRulesTest, WhereTheProposersApprovalDoesNotCountTheReceiptNamesHim) {
  under({ApprovalRule::k_of_n, 1, {}, false});
  const receipt::ReceiptFile file = ran({&hospital_, &analyst_});
  EXPECT_OK(check(file));
  EXPECT_ERROR(check(sign_again(file, {.without = "hospital"})), Code::binding, "1 approved");
  const auto silent = [](receipt::ReceiptBody& body) { body.facts.erase(std::string(jobs::kProposerFact)); };
  EXPECT_ERROR(check(sign_again(file, {.body = silent})), Code::binding, "does not name the proposer");
}

TEST_F(ReceiptRulesTest, NoBallotsAreNoApproval) {
  under({ApprovalRule::k_of_n, 1, {}, true});
  receipt::ReceiptFile file = ran({&hospital_});
  EXPECT_ERROR(check(sign_again(file, {.without = "hospital"})), Code::binding, "no ballots");
  file.ballots.clear();
  EXPECT_ERROR(check(file), Code::binding, "no ballots");
}

}  // namespace
}  // namespace redoubt::sdk
