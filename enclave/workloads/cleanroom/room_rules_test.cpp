// Goal: a room lets a query run when the rule of its contract is met by ballots that stand, and never otherwise. Method: rooms under each
// rule; a host that withholds, repeats and reorders ballots, voters who vote twice or change their minds, ballots that expire.
#include "enclave/workloads/cleanroom/room_test_fixture.h"

namespace redoubt::cleanroom {
namespace {

using jobs::ApprovalRule;

class RoomRulesTest : public RoomTest {
 protected:
  // under: a room of three voters with this rule, and both tables.
  void under(jobs::Approval approval) {
    analyst_.votes = true;
    approval_ = std::move(approval);
    room_ = make_room(1);
    hospital_data_ = seal(hospital_, "hospital");
    laboratory_data_ = seal(laboratory_, "laboratory");
    provide(*room_);
  }
  jobs::Proposal proposed(std::string_view sql = kSql) {
    const jobs::Proposal query = proposal(*room_, sql);
    EXPECT_OK(room_->propose(sign(query, analyst_)));
    return query;
  }
  // by_hospital: over the hospital's table alone, proposed by the hospital itself.
  jobs::Proposal by_hospital() {
    jobs::Proposal query = proposal(*room_, "SELECT count(*) FROM hospital");
    query.terms.manifests = {hospital_data_.manifest.digest()};
    query.proposer = "hospital";
    EXPECT_OK(room_->propose(sign(query, hospital_)));
    return query;
  }
  jobs::SignedDocument signed_ballot(const jobs::Proposal& query, Party& voter, jobs::Decision decision) {
    jobs::Ballot made = ballot(*room_, query, voter);
    made.decision = decision;
    return sign(made, voter);
  }
  Result<jobs::Verdict> yes(const jobs::Proposal& query, Party& voter) {
    return room_->vote(query.digest(), signed_ballot(query, voter, jobs::Decision::approve));
  }
  Result<jobs::Verdict> no(const jobs::Proposal& query, Party& voter) {
    return room_->vote(query.digest(), signed_ballot(query, voter, jobs::Decision::reject));
  }
  std::string state(const jobs::Proposal& query) {
    for (const auto& [digest, state] : room_->status().proposals) {
      if (digest == query.digest()) return state;
    }
    return "";
  }
  receipt::ReceiptBody body_of(const RunOutput& output) {
    return OrDie(receipt::ReceiptBody::parse(OrDie(receipt::ReceiptFile::parse(output.receipt_file)).receipt.body));
  }
};

TEST_F(RoomRulesTest, AMajorityRunsAgainstTheThirdWhoseBallotIsInTheReceipt) {
  under({ApprovalRule::majority, 0, {}, true});
  const jobs::Proposal query = proposed();
  EXPECT_FALSE(OrDie(no(query, laboratory_)).met());
  EXPECT_FALSE(OrDie(yes(query, hospital_)).met());
  EXPECT_ERROR(room_->run(query.digest()), Code::refused, "approval is majority: 1 approved, 1 rejected, 1 missing");
  EXPECT_TRUE(OrDie(yes(query, analyst_)).met());
  const RunOutput output = OrDie(room_->run(query.digest()));
  EXPECT_EQ(body_of(output).approvals.size(), 3U);
  EXPECT_FALSE(body_of(output).facts.contains(jobs::kProposerFact));
  const auto file = OrDie(receipt::ReceiptFile::parse(output.receipt_file));
  EXPECT_OK(OrDie(receipt::verify_receipt(file, signer(*room_), {})).accepted());
}

TEST_F(RoomRulesTest, TwoOfThreeAgainstEndAMajority) {
  under({ApprovalRule::majority, 0, {}, true});
  const jobs::Proposal query = proposed();
  ASSERT_OK(no(query, laboratory_));
  EXPECT_EQ(state(query), "voting");
  EXPECT_EQ(OrDie(no(query, hospital_)).standing, jobs::Standing::rejected);
  EXPECT_EQ(state(query), "rejected");
  ASSERT_OK(yes(query, analyst_));
  EXPECT_ERROR(room_->run(query.digest()), Code::refused, "2 must approve, only 1 can");
  EXPECT_EQ(engine_.runs, 0);
}

TEST_F(RoomRulesTest, OwnersOfWhatIsReadDecideAndNobodyElse) {
  under({ApprovalRule::owners, 0, {}, true});
  const jobs::Proposal both = proposed();
  ASSERT_OK(yes(both, hospital_));
  ASSERT_OK(yes(both, analyst_));
  EXPECT_ERROR(room_->run(both.digest()), Code::refused, "approval is owners: 2 approved, 0 rejected, 1 missing");
  const jobs::Proposal own = by_hospital();
  ASSERT_OK(no(own, laboratory_));  // whose data it is not
  EXPECT_ERROR(room_->run(own.digest()), Code::refused, "approval is owners");
  ASSERT_OK(yes(own, hospital_));
  EXPECT_OK(room_->run(own.digest()));
  ASSERT_OK(yes(both, laboratory_));
  EXPECT_OK(room_->run(both.digest()));
}

TEST_F(RoomRulesTest, AHostThatWithholdsAVetoGainsNothing) {
  under({ApprovalRule::k_of_n, 2, {"hospital"}, true});
  const jobs::Proposal query = proposed();
  const auto withheld = signed_ballot(query, hospital_, jobs::Decision::reject);
  ASSERT_OK(yes(query, analyst_));
  EXPECT_FALSE(OrDie(yes(query, laboratory_)).met());
  EXPECT_ERROR(room_->run(query.digest()), Code::refused, "2 approved, 0 rejected, 1 missing");
  EXPECT_EQ(state(query), "voting");
  EXPECT_EQ(OrDie(room_->vote(query.digest(), withheld)).standing, jobs::Standing::rejected);
  EXPECT_ERROR(room_->run(query.digest()), Code::refused, "hospital has a veto and rejected it");
  EXPECT_EQ(engine_.runs, 0);
}

TEST_F(RoomRulesTest, AVoteIsFinalAndRepeatedOnesCountOnce) {
  under({ApprovalRule::k_of_n, 2, {}, true});
  const jobs::Proposal query = proposed();
  const auto first = signed_ballot(query, hospital_, jobs::Decision::approve);
  ASSERT_OK(room_->vote(query.digest(), first));
  const std::uint64_t size = room_->status().log_size;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(OrDie(room_->vote(query.digest(), first)).approved.size(), 1U);
  EXPECT_EQ(room_->status().log_size, size);
  EXPECT_ERROR(yes(query, hospital_), Code::refused, "has voted");  // another nonce
  EXPECT_ERROR(no(query, hospital_), Code::refused, "has voted");   // another mind
  EXPECT_ERROR(room_->run(query.digest()), Code::refused, "1 approved");
  ASSERT_OK(yes(query, laboratory_));
  EXPECT_OK(room_->run(query.digest()));
}

TEST_F(RoomRulesTest, WhoProposesDoesNotApproveWhereTheContractSaysSo) {
  under({ApprovalRule::k_of_n, 1, {}, false});
  const jobs::Proposal query = by_hospital();
  EXPECT_FALSE(OrDie(yes(query, hospital_)).met());
  EXPECT_ERROR(room_->run(query.digest()), Code::refused, "approval is k_of_n: 1 approved");
  ASSERT_OK(yes(query, laboratory_));
  const RunOutput output = OrDie(room_->run(query.digest()));
  EXPECT_EQ(body_of(output).facts.at("proposer"), "hospital");
}

TEST_F(RoomRulesTest, AnExpiredApprovalDoesNotCountAndDoesNotHinderOthers) {
  under({ApprovalRule::k_of_n, 1, {}, true});
  const jobs::Proposal query = proposed();
  ASSERT_OK(yes(query, hospital_));  // for ten minutes
  jobs::Ballot longer = ballot(*room_, query, laboratory_);
  longer.expires = kNow.plus_seconds(3000);
  const auto document = sign(longer, laboratory_);
  clock_ = kNow.plus_seconds(700);
  EXPECT_EQ(state(query), "voting");
  EXPECT_ERROR(room_->run(query.digest()), Code::freshness, "expired at");
  const jobs::Verdict verdict = OrDie(room_->vote(query.digest(), document));
  EXPECT_TRUE(verdict.met());
  EXPECT_EQ(verdict.lapsed, std::vector<std::string>{"hospital"});
  const RunOutput output = OrDie(room_->run(query.digest()));
  EXPECT_EQ(body_of(output).approvals, std::vector<receipt::ApprovalDigest>{receipt::approval_digest(document.encode())});
  const auto file = OrDie(receipt::ReceiptFile::parse(output.receipt_file));
  EXPECT_EQ(file.ballots.size(), 1U);
  EXPECT_EQ(file.extends.size(), 1U);
  EXPECT_OK(OrDie(receipt::verify_receipt(file, signer(*room_), {})).accepted());
}

TEST_F(RoomRulesTest, AnApprovalLapsesWithTheLogAndARejectionDoesNot) {
  under({ApprovalRule::k_of_n, 1, {"hospital"}, true});
  const jobs::Proposal query = proposed();
  jobs::Ballot narrow = ballot(*room_, query, laboratory_);
  narrow.expires_at_size = room_->status().log_size;  // its own entry is one more
  ASSERT_OK(room_->vote(query.digest(), sign(narrow, laboratory_)));
  EXPECT_EQ(OrDie(room_->verdict(query.digest())).lapsed, std::vector<std::string>{"laboratory"});
  jobs::Ballot against = ballot(*room_, query, hospital_);
  against.decision = jobs::Decision::reject;
  against.expires_at_size = room_->status().log_size;
  ASSERT_OK(room_->vote(query.digest(), sign(against, hospital_)));
  ASSERT_OK(yes(query, analyst_));
  EXPECT_EQ(state(query), "rejected");
  EXPECT_ERROR(room_->run(query.digest()), Code::refused, "hospital has a veto");
}

TEST_F(RoomRulesTest, AProposalThatExpiredDoesNotRunWhateverItsBallotsSay) {
  under({ApprovalRule::k_of_n, 1, {}, true});
  const jobs::Proposal query = proposed();  // for an hour
  jobs::Ballot longer = ballot(*room_, query, hospital_);
  longer.expires = kNow.plus_seconds(7200);
  ASSERT_OK(room_->vote(query.digest(), sign(longer, hospital_)));
  EXPECT_EQ(state(query), "approved");
  clock_ = kNow.plus_seconds(3601);
  EXPECT_EQ(state(query), "rejected");
  EXPECT_ERROR(room_->run(query.digest()), Code::refused, "the proposal expired at");
}

TEST_F(RoomRulesTest, ARejectionThatTheHostHeldBackUntilItsExpiryStillCounts) {
  under({ApprovalRule::k_of_n, 1, {"hospital"}, true});
  const jobs::Proposal query = proposed();
  jobs::Ballot against = ballot(*room_, query, hospital_);
  against.decision = jobs::Decision::reject;
  against.expires_at_size = against.head.size;
  const auto held_back = sign(against, hospital_);
  ASSERT_OK(yes(query, analyst_));  // the log grows past the size
  clock_ = kNow.plus_seconds(601);  // and the time is over
  EXPECT_EQ(OrDie(room_->vote(query.digest(), held_back)).standing, jobs::Standing::rejected);
  EXPECT_ERROR(yes(query, hospital_), Code::refused, "has voted");
  EXPECT_ERROR(room_->run(query.digest()), Code::refused, "hospital has a veto");
}

TEST_F(RoomRulesTest, WhatCannotBeSealedLeavesNoRunWithoutAReceipt) {
  useless_key_ = true;
  under({ApprovalRule::k_of_n, 1, {}, true});
  const jobs::Proposal query = proposed();
  ASSERT_OK(yes(query, hospital_));
  const std::uint64_t size = room_->status().log_size;
  for (int i = 0; i < 2; ++i) {
    EXPECT_ERROR(room_->run(query.digest()), Code::malformed, "the key of recipient \"analyst\" cannot be used");
    EXPECT_EQ(room_->status().log_size, size);
  }
}

TEST_F(RoomRulesTest, AnUnknownProposalHasNoVerdict) {
  under({ApprovalRule::majority, 0, {}, true});
  EXPECT_ERROR(room_->verdict(proposal(*room_).digest()), Code::not_found, "no proposal");
}

}  // namespace
}  // namespace redoubt::cleanroom
