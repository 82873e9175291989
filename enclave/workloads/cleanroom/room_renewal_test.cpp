// Goal: an approval that has lapsed can be given again by the one who gave it, and by nobody else; nobody's counts twice, and what it stood in for does not come back, whatever the host replays,
// reorders or sets its clock to. Method: rooms whose ballots lapse by time and by log size; renewed, replayed, reordered and forged ballots, before and after a restart.
#include "enclave/workloads/cleanroom/room_state_test_fixture.h"

namespace redoubt::cleanroom {
namespace {

class RoomRenewalTest : public RoomStateTest {
 protected:
  // lapsed: both voters approved, and both approvals have expired.
  void lapsed() {
    provide(*room_);
    ASSERT_OK(room_->propose(sign(query_, analyst_)));
    for (Party* voter : {&hospital_, &laboratory_}) {
      first_.push_back(sign(ballot(*room_, query_, *voter), *voter));
      ASSERT_OK(room_->vote(query_.digest(), first_.back()));
    }
    EXPECT_EQ(state(), "approved");
    clock_ = kNow.plus_seconds(601);
    EXPECT_EQ(state(), "voting");
    EXPECT_ERROR(room_->run(query_.digest()), Code::freshness, "ballot: expired at");
  }
  // again: a later ballot of a voter, that names the one it stands in for.
  jobs::SignedDocument again(Party& voter, const jobs::SignedDocument& earlier, jobs::Decision decision = jobs::Decision::approve) {
    jobs::Ballot made = ballot(*room_, query_, voter);
    made.decision = decision;
    made.expires = clock_.plus_seconds(600);
    made.renews = receipt::approval_digest(earlier.encode());
    return sign(made, voter);
  }
  Result<jobs::Verdict> vote(const jobs::SignedDocument& document) { return room_->vote(query_.digest(), document); }
  std::string state() { return room_->status().proposals.at(0).second; }

  jobs::Proposal query_ = proposal(*room_);
  std::vector<jobs::SignedDocument> first_;  // of hospital, laboratory
};

TEST_F(RoomRenewalTest, WhoseApprovalLapsedApprovesAgainAndCountsOnce) {
  lapsed();
  const auto renewed = again(hospital_, first_[0]);
  const jobs::Verdict half = OrDie(vote(renewed));
  EXPECT_EQ(half.approved, std::vector<std::string>{"hospital"});
  EXPECT_EQ(half.lapsed, std::vector<std::string>{"laboratory"});
  EXPECT_FALSE(half.met());
  EXPECT_EQ(OrDie(vote(renewed)).approved.size(), 1U) << "the same once more changes nothing";
  EXPECT_ERROR(room_->run(query_.digest()), Code::freshness, "ballot: expired at");
  EXPECT_TRUE(OrDie(vote(again(laboratory_, first_[1]))).met());
  const auto file = OrDie(receipt::ReceiptFile::parse(OrDie(room_->run(query_.digest())).receipt_file));
  EXPECT_EQ(file.ballots.size(), 2U);
  EXPECT_NE(std::ranges::find(file.ballots, renewed.encode()), file.ballots.end());
  EXPECT_EQ(std::ranges::find(file.ballots, first_[0].encode()), file.ballots.end());
  EXPECT_OK(OrDie(receipt::verify_receipt(file, signer(*room_), {})).accepted());
  EXPECT_ERROR(vote(again(hospital_, renewed)), Code::refused, "has voted") << "there is nothing left to vote on";
}

TEST_F(RoomRenewalTest, WhatWasRenewedDoesNotComeBackWhateverTheClockSays) {
  lapsed();
  const auto second = again(hospital_, first_[0]);
  ASSERT_OK(vote(second));
  for (const std::int64_t at : {601, 0, 601}) {
    clock_ = kNow.plus_seconds(at);
    EXPECT_ERROR(vote(first_[0]), Code::refused, "\"hospital\" has voted");
  }
  clock_ = kNow.plus_seconds(1300);  // the second has lapsed too
  EXPECT_ERROR(vote(first_[0]), Code::refused, "expected a ballot that renews");
  EXPECT_ERROR(vote(again(hospital_, first_[0])), Code::refused, "expected a ballot that renews");
  const auto third = again(hospital_, second);
  EXPECT_OK(vote(third));
  clock_ = kNow.plus_seconds(2000);
  for (const auto& old : {first_[0], second}) EXPECT_ERROR(vote(old), Code::refused, "expected a ballot that renews");
}

TEST_F(RoomRenewalTest, AnApprovalThatStandsOrARejectionIsFinal) {
  lapsed();
  clock_ = kNow.plus_seconds(600);
  EXPECT_ERROR(vote(again(hospital_, first_[0])), Code::refused, "has voted");
  clock_ = kNow.plus_seconds(601);
  const auto against = again(hospital_, first_[0], jobs::Decision::reject);
  EXPECT_EQ(OrDie(vote(against)).standing, jobs::Standing::rejected);
  clock_ = kNow.plus_seconds(5000);
  EXPECT_ERROR(vote(again(hospital_, against)), Code::refused, "has voted");
  EXPECT_EQ(state(), "rejected");
}

TEST_F(RoomRenewalTest, ARenewalThatIsNotItsVotersOwnWordIsRefused) {
  lapsed();
  const std::uint64_t size = room_->status().log_size;
  jobs::Ballot plain = ballot(*room_, query_, hospital_);
  plain.expires = clock_.plus_seconds(600);
  EXPECT_ERROR(vote(sign(plain, hospital_)), Code::refused, "expected a ballot that renews");  // names none
  plain.renews = receipt::approval_digest(first_[1].encode());
  EXPECT_ERROR(vote(sign(plain, hospital_)), Code::refused, "expected a ballot that renews");  // another voter's
  plain.renews = receipt::approval_digest(first_[0].encode());
  EXPECT_ERROR(vote(sign(plain, laboratory_)), Code::chain, "not by key");
  jobs::Ballot late = plain;
  late.expires = clock_.plus_seconds(-1);
  EXPECT_ERROR(vote(sign(late, hospital_)), Code::freshness, "expired at");
  jobs::Ballot other = plain;
  other.terms.k = 11;
  EXPECT_ERROR(vote(sign(other, hospital_)), Code::binding, "terms differ in k");
  EXPECT_EQ(room_->status().log_size, size);
}

TEST_F(RoomRenewalTest, AnApprovalThatTheLogOutgrewIsRenewed) {
  provide(*room_);
  ASSERT_OK(room_->propose(sign(query_, analyst_)));
  jobs::Ballot narrow = ballot(*room_, query_, hospital_);
  narrow.expires_at_size = narrow.head.size + 2;
  const auto document = sign(narrow, hospital_);
  ASSERT_OK(vote(document));
  ASSERT_OK(room_->propose(sign(proposal(*room_, "SELECT 1"), analyst_)));
  ASSERT_OK(vote(sign(ballot(*room_, query_, laboratory_), laboratory_)));
  EXPECT_ERROR(room_->run(query_.digest()), Code::freshness, "void beyond");
  ASSERT_OK(vote(again(hospital_, document)));
  EXPECT_OK(room_->run(query_.digest()));
}

TEST_F(RoomRenewalTest, RenewingTwiceGivesKOfNNoSecondVote) {
  approval_ = {jobs::ApprovalRule::k_of_n, 2, {}, true};
  analyst_.votes = true;
  records_.clear();
  room_ = make_room(1);
  ASSERT_OK(room_->keep_in(keeper()));
  hospital_data_ = seal(hospital_, "hospital");
  laboratory_data_ = seal(laboratory_, "laboratory");
  query_ = proposal(*room_);
  provide(*room_);
  ASSERT_OK(room_->propose(sign(query_, analyst_)));
  auto last = sign(ballot(*room_, query_, hospital_), hospital_);
  ASSERT_OK(vote(last));
  for (int i = 1; i <= 3; ++i) {
    clock_ = kNow.plus_seconds(700 * i);
    last = again(hospital_, last);
    const jobs::Verdict verdict = OrDie(vote(last));
    EXPECT_EQ(verdict.approved, std::vector<std::string>{"hospital"});
    EXPECT_FALSE(verdict.met());
  }
  EXPECT_ERROR(room_->run(query_.digest()), Code::refused, "1 approved");
}

TEST_F(RoomRenewalTest, ARestartKnowsWhichBallotIsTheLast) {
  lapsed();
  const auto second = again(hospital_, first_[0]);
  ASSERT_OK(vote(second));
  restart();
  EXPECT_ERROR(vote(first_[0]), Code::refused, "has voted");
  ASSERT_OK(vote(second));
  ASSERT_OK(vote(again(laboratory_, first_[1])));
  deliver(*room_);
  EXPECT_OK(room_->run(query_.digest()));
}

TEST_F(RoomRenewalTest, RecordsInWhichASecondBallotRenewsNoneAreNotTakenBack) {
  lapsed();
  const auto second = again(hospital_, first_[0]);
  ASSERT_OK(vote(second));
  auto records = kept();
  // Whoever can write records brings the ballots in the other order, in a log that fits: both are the hospital's, and only one renews the other.
  receipt::Log log(room_->claims().instance);
  std::size_t of_hospital = 0;
  for (SecretBytes& bytes : records) {
    RoomRecord record = OrDie(RoomRecord::decode(bytes.reveal()));
    if (record.kind == RoomRecord::Kind::ballot) {
      const auto document = OrDie(jobs::SignedDocument::decode(record.text(1), jobs::Ballot::kMaxBytes));
      if (OrDie(jobs::Ballot::parse(document.text)).voter == "hospital") {
        const auto& swapped = of_hospital++ == 0 ? second : first_[0];
        record.fields[1] = SecretBytes::copy_of(as_bytes(swapped.encode()));
        record.entries[0].content = crypto::Sha256Digest(receipt::approval_digest(swapped.encode()).array());
      }
    }
    record.size = log.size();
    record.root = log.tree().root();
    for (const auto& entry : record.entries) log.append(entry);
    bytes = OrDie(record.encode());
  }
  ASSERT_EQ(of_hospital, 2U);
  EXPECT_ERROR(restore_from(records), Code::chain, "that renews none");
  EXPECT_OK(restore_from(clones(records, records.size() - 1))) << "the first of them alone is a ballot as good as any";
}

}  // namespace
}  // namespace redoubt::cleanroom
