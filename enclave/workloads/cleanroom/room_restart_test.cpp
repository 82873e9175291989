// Goal: after a restart a query that was reserved and voted on runs in the new instance without new ballots, once every participant
// has signed the old log; and no host gets there with less. Method: rooms one after the other, with the real logs between them;
// then the old log truncated, forked, of another instance, statements of others, over other heads, or missing.
#include "enclave/workloads/cleanroom/room_test_fixture.h"

namespace redoubt::cleanroom {
namespace {

class RoomRestartTest : public RoomTest {
 protected:
  receipt::TreeHead head_of(const Room& room) const {
    return OrDie(receipt::Checkpoint::verify(room.checkpoint(), receipt::log_origin(room.claims().instance), room.claims().receipt_key)).head();
  }
  static jobs::OldLog log_of(const Room& room) { return {room.claims().instance, room.entries(0)}; }

  // restarted: a new instance that was told of the old one's last head, and handed the logs.
  std::unique_ptr<Room> restarted(std::uint64_t seed, const Room& old, const std::vector<jobs::OldLog>& before = {}) {
    auto room = make_room(seed, head_of(old));
    auto logs = before;
    logs.push_back(log_of(old));
    EXPECT_OK(room->offer_old_logs(logs, old.checkpoint()));
    return room;
  }
  jobs::SignedDocument statement(const Room& room, const Party& by) const {
    return jobs::sign_document(jobs::kCarryOverType, room.status().carry_over->statement.canonical(), by.key);
  }
  void carry(Room& room) {
    for (const Party* party : {&analyst_, &hospital_, &laboratory_}) ASSERT_OK(room.carry_over(party->name, statement(room, *party)));
  }
  // reserved: a query in the first room, with ballots as `voters` say.
  jobs::Proposal reserved(std::vector<Party*> voters) {
    provide(*room_);
    const jobs::Proposal query = proposal(*room_);
    EXPECT_OK(room_->propose(sign(query, analyst_)));
    document_ = sign(query, analyst_);
    for (Party* voter : voters) {
      ballots_.push_back(sign(ballot(*room_, query, *voter), *voter));
      EXPECT_OK(room_->vote(query.digest(), ballots_.back()));
    }
    return query;
  }
  // resume: what the host brings again.
  Status resume(Room& room, const jobs::Proposal& query) {
    const auto taken = room.propose(document_);
    if (!taken.ok()) return taken.error();
    for (const auto& vote : ballots_) {
      const auto counted = room.vote(query.digest(), vote);
      if (!counted.ok()) return counted.error();
    }
    return {};
  }

  jobs::SignedDocument document_;
  std::vector<jobs::SignedDocument> ballots_;
};

TEST_F(RoomRestartTest, AnApprovedQueryRunsInTheNewInstanceWithItsOldBallots) {
  const jobs::Proposal query = reserved({&hospital_, &laboratory_});
  const auto room = restarted(2, *room_);
  provide(*room);
  carry(*room);
  ASSERT_OK(resume(*room, query));
  EXPECT_EQ(room->status().proposals.at(0).second, "approved");
  const RunOutput output = OrDie(room->run(query.digest()));
  EXPECT_EQ(engine_.runs, 1);

  const auto file = OrDie(receipt::ReceiptFile::parse(output.receipt_file));
  receipt::VerifierKnowledge knowledge;
  knowledge.contract = contract().digest();
  knowledge.previous_key = room_->claims().receipt_key;
  const auto report = OrDie(receipt::verify_receipt(file, signer(*room), knowledge));
  EXPECT_OK(report.accepted());
  EXPECT_EQ(report.find("log.previous")->outcome, receipt::Outcome::passed);
  EXPECT_EQ(report.body.previous, head_of(*room_));
  ASSERT_TRUE(file.carried);
  EXPECT_EQ(file.carried->signatures.size(), 3U);
  EXPECT_EQ(file.carried->heads.size(), 2U);
  EXPECT_OK(open(analyst_, output.packages[0], report.body.digest()));
}

TEST_F(RoomRestartTest, TheReservationIsShownInTheOldLog) {
  const jobs::Proposal query = reserved({});
  const auto room = restarted(2, *room_);
  provide(*room);
  carry(*room);
  const Reservation found = OrDie(room->propose(document_));
  EXPECT_EQ(found.log, room_->claims().instance);
  const auto head = room->status().carry_over->statement.heads.at(0).head;
  const receipt::LogEntry entry{"reservation", crypto::Sha256Digest(query.digest().array())};
  EXPECT_OK(receipt::verify_inclusion(entry.hash(), found.index, head.size, found.inclusion, head.root));
}

TEST_F(RoomRestartTest, VotingGoesOnInTheNewInstance) {
  const jobs::Proposal query = reserved({&hospital_});
  const auto room = restarted(2, *room_);
  provide(*room);
  carry(*room);
  ASSERT_OK(resume(*room, query));
  EXPECT_ERROR(room->run(query.digest()), Code::refused, "1 approved, 0 rejected, 1 missing");
  // The voter has the carried head, and the new log's size for the expiry.
  jobs::Ballot late = ballot(*room, query, laboratory_);
  late.head = room->status().carry_over->statement.heads.at(0).head;
  EXPECT_ERROR(room->vote(query.digest(), sign(ballot(*room, query, laboratory_), laboratory_)), Code::log_proof, "head");
  late.expires_at_size = late.head.size + room->status().log_size - 1;
  EXPECT_ERROR(room->vote(query.digest(), sign(late, laboratory_)), Code::freshness, "void beyond");
  late.expires_at_size += 100;
  ASSERT_OK(room->vote(query.digest(), sign(late, laboratory_)));
  EXPECT_OK(room->run(query.digest()));
}

TEST_F(RoomRestartTest, TwoRestartsInARowCarryTheFirstLogToo) {
  const jobs::Proposal query = reserved({&hospital_, &laboratory_});
  const auto second = restarted(2, *room_);
  provide(*second);
  carry(*second);
  ASSERT_OK(resume(*second, query));
  const auto third = restarted(3, *second, {log_of(*room_)});
  provide(*third);
  carry(*third);
  ASSERT_OK(resume(*third, query));
  const auto file = OrDie(receipt::ReceiptFile::parse(OrDie(third->run(query.digest())).receipt_file));
  EXPECT_EQ(file.carried->heads.at(0).instance, room_->claims().instance);
  EXPECT_EQ(OrDie(jobs::CarryOver::parse(file.carried->statement)).heads.size(), 2U);

  // Without the oldest log the chain is not whole.
  const auto other = make_room(4, head_of(*second));
  EXPECT_ERROR(other->offer_old_logs({log_of(*second)}, second->checkpoint()), Code::log_proof, "took over from logs that are not here");
  // What the third one ran is not run again in a fourth, nor after a restart in between.
  const auto fourth = restarted(5, *third, {log_of(*room_), log_of(*second)});
  provide(*fourth);
  carry(*fourth);
  EXPECT_ERROR(resume(*fourth, query), Code::refused, "it was run before the restart");
}

TEST_F(RoomRestartTest, NothingCountsBeforeEveryParticipantHasSigned) {
  const jobs::Proposal query = reserved({&hospital_, &laboratory_});
  const auto room = restarted(2, *room_);
  provide(*room);
  EXPECT_ERROR(resume(*room, query), Code::unavailable, "\"analyst\" has not signed");
  ASSERT_OK(room->carry_over("analyst", statement(*room, analyst_)));
  ASSERT_OK(room->carry_over("hospital", statement(*room, hospital_)));
  EXPECT_ERROR(resume(*room, query), Code::unavailable, "\"laboratory\" has not signed");
  EXPECT_EQ(room->status().carry_over->missing, std::vector<std::string>{"laboratory"});
  ASSERT_OK(room->carry_over("laboratory", statement(*room, laboratory_)));
  EXPECT_OK(resume(*room, query));
}

TEST_F(RoomRestartTest, SignaturesMayComeBeforeTheOthersHaveJoined) {
  const jobs::Proposal query = reserved({&hospital_, &laboratory_});
  const auto room = restarted(2, *room_);
  carry(*room);
  EXPECT_ERROR(resume(*room, query), Code::refused, "has not joined");
  provide(*room);
  EXPECT_OK(resume(*room, query));
  EXPECT_OK(room->run(query.digest()));
}

TEST_F(RoomRestartTest, OldProposalsWithoutAnOldLogAreForAnotherInstance) {
  const jobs::Proposal query = reserved({&hospital_, &laboratory_});
  const auto room = make_room(2, head_of(*room_));
  provide(*room);
  EXPECT_ERROR(resume(*room, query), Code::binding, "instance");
  EXPECT_ERROR(room->carry_over("hospital", jobs::sign_document(jobs::kCarryOverType, "{}", hospital_.key)), Code::not_found,
               "no old logs");
  const auto fresh = make_room(3);
  EXPECT_ERROR(fresh->offer_old_logs({log_of(*room_)}, room_->checkpoint()), Code::not_found, "without a head");
}

TEST_F(RoomRestartTest, TheHostCannotOfferAnotherLog) {
  reserved({&hospital_});
  const auto room = make_room(2, head_of(*room_));
  const auto refuse = [&](auto change, Code code, std::string_view why) {
    jobs::OldLog old = log_of(*room_);
    change(old);
    EXPECT_ERROR(room->offer_old_logs({old}, room_->checkpoint()), code, why);
    EXPECT_FALSE(room->status().carry_over);
  };
  refuse([](jobs::OldLog& old) { old.entries.pop_back(); }, Code::log_proof, "entries in the last, found");
  refuse([](jobs::OldLog& old) { old.entries.push_back(old.entries.back()); }, Code::log_proof, "entries in the last, found");
  refuse([](jobs::OldLog& old) { std::swap(old.entries[1], old.entries[2]); }, Code::log_proof, "expected root");
  refuse([](jobs::OldLog& old) { old.instance = InstanceId(); }, Code::binding, "expected the last of");
  refuse([](jobs::OldLog& old) { old.entries[1] = to_bytes("junk"); }, Code::malformed, "entry 1");
  EXPECT_ERROR(room->offer_old_logs({log_of(*room_)}, room->checkpoint()), Code::log_proof, "old checkpoint");
  EXPECT_ERROR(room->offer_old_logs({log_of(*room_)}, "junk"), Code::malformed, "old checkpoint");
  ASSERT_OK(room->offer_old_logs({log_of(*room_)}, room_->checkpoint()));
  EXPECT_OK(room->offer_old_logs({log_of(*room_)}, room_->checkpoint()));
}

TEST_F(RoomRestartTest, ATruncatedLogNeedsTheSignatureOfThoseWhoSawMore) {
  // The host names an earlier head at start, as if the query had never been voted on: entries and root agree.
  const jobs::Proposal query = reserved({});
  const receipt::TreeHead early = head_of(*room_);
  const std::string note = room_->checkpoint();
  const jobs::OldLog short_log = log_of(*room_);
  ballots_.push_back(sign(ballot(*room_, query, hospital_), hospital_));
  ASSERT_OK(room_->vote(query.digest(), ballots_.back()));
  ballots_.push_back(sign(ballot(*room_, query, laboratory_), laboratory_));
  ASSERT_OK(room_->vote(query.digest(), ballots_.back()));
  const auto room = make_room(2, early);
  ASSERT_OK(room->offer_old_logs({short_log}, note));
  provide(*room);
  // Participants who saw more sign what they saw, which is not what the host offered.
  const jobs::CarryOver seen{contract().digest(), room->claims().instance,
                             {{room_->claims().instance, {head_of(*room_).size, head_of(*room_).root}}}};
  EXPECT_ERROR(room->carry_over("laboratory", jobs::sign_document(jobs::kCarryOverType, seen.canonical(), laboratory_.key)),
               Code::log_proof, "a size of the log");
  EXPECT_ERROR(resume(*room, query), Code::unavailable, "not carried over yet");
  // Even if all had been careless: the second ballot's head lies beyond the log.
  carry(*room);
  EXPECT_ERROR(resume(*room, query), Code::log_proof, "this log only");
}

TEST_F(RoomRestartTest, StatementsOfOthersOrOverOtherThingsAreRefused) {
  reserved({&hospital_});
  const auto room = restarted(2, *room_);
  EXPECT_ERROR(room->carry_over("hospital", statement(*room, stranger_)), Code::chain, "not by key");
  EXPECT_ERROR(room->carry_over("hospital", statement(*room, laboratory_)), Code::chain, "not by key");
  EXPECT_ERROR(room->carry_over("stranger", statement(*room, stranger_)), Code::auth, "not in this contract");
  const auto refuse = [&](auto change, Code code, std::string_view why) {
    jobs::CarryOver other = room->status().carry_over->statement;
    change(other);
    EXPECT_ERROR(room->carry_over("hospital", jobs::sign_document(jobs::kCarryOverType, other.canonical(), hospital_.key)), code, why);
  };
  refuse([](jobs::CarryOver& s) { s.contract = ContractDigest(); }, Code::binding, "expected contract");
  refuse([](jobs::CarryOver& s) { s.instance = InstanceId(); }, Code::binding, "expected instance");
  refuse([](jobs::CarryOver& s) { s.heads[0].instance = InstanceId(); }, Code::binding, "old instance");
  refuse([](jobs::CarryOver& s) { --s.heads[0].head.size; }, Code::log_proof, "a size of the log");
  refuse([](jobs::CarryOver& s) { s.heads[0].head.root = receipt::TreeHash(); }, Code::log_proof, "root of the log");
  const auto another = restarted(3, *room_);  // a statement for one new instance is none for another
  EXPECT_ERROR(room->carry_over("hospital", statement(*another, hospital_)), Code::binding, "expected instance");
  EXPECT_EQ(room->status().carry_over->missing.size(), 3U);
}

TEST_F(RoomRestartTest, AQueryThatWasRunIsNotRunAgain) {
  const jobs::Proposal query = reserved({&hospital_, &laboratory_});
  ASSERT_OK(room_->run(query.digest()));
  const auto room = restarted(2, *room_);
  provide(*room);
  carry(*room);
  EXPECT_ERROR(resume(*room, query), Code::refused, "it was run before the restart");
  EXPECT_ERROR(room->run(query.digest()), Code::not_found, "no proposal");
  EXPECT_EQ(engine_.runs, 1);
}

TEST_F(RoomRestartTest, AProposalThatWasNeverReservedIsRefused) {
  reserved({});
  const jobs::Proposal never = proposal(*room_);
  const auto room = restarted(2, *room_);
  provide(*room);
  carry(*room);
  EXPECT_ERROR(room->propose(sign(never, analyst_)), Code::log_proof, "no reservation of it");
}

TEST_F(RoomRestartTest, BallotsExpireOverTheRestart) {
  const jobs::Proposal query = reserved({});
  jobs::Ballot narrow = ballot(*room_, query, hospital_);
  narrow.expires_at_size = narrow.head.size + 6;
  ballots_ = {sign(narrow, hospital_)};
  ASSERT_OK(room_->vote(query.digest(), ballots_[0]));
  const auto room = restarted(2, *room_);
  provide(*room);  // boot, three acceptances, two datasets: with the carried entry more than the ballot allows
  carry(*room);
  EXPECT_ERROR(resume(*room, query), Code::freshness, "void beyond");
  ballots_ = {sign(ballot(*room_, query, hospital_), hospital_)};
  clock_ = kNow.plus_seconds(601);
  EXPECT_ERROR(resume(*room, query), Code::freshness, "expired at");
}

TEST_F(RoomRestartTest, KeysOfTheOldInstanceOpenNothingInTheNewOne) {
  reserved({});
  const auto room = restarted(2, *room_);
  join_all(*room);
  EXPECT_FALSE(room->release("hospital", hospital_data_.document, wrap(*room_, hospital_, hospital_data_.manifest, hospital_data_.key)).ok());
  EXPECT_OK(release(*room, hospital_, hospital_data_));
}

TEST_F(RoomRestartTest, ParticipantsAreShownWhatTheHostHasStored) {
  const jobs::Proposal query = reserved({});
  const auto shown = [&] {
    return OrDie(receipt::Checkpoint::verify(room_->stored_checkpoint(), receipt::log_origin(room_->claims().instance), room_->claims().receipt_key))
        .head();
  };
  EXPECT_EQ(shown().size, 0U);
  EXPECT_ERROR(room_->reservation(query.digest()), Code::unavailable, "has not stored");
  room_->acknowledge(3);
  EXPECT_EQ(shown().size, 3U);
  room_->acknowledge(2);  // a host that forgets does not make the log shrink
  EXPECT_EQ(shown().size, 3U);
  room_->acknowledge(1'000'000);
  EXPECT_EQ(shown(), head_of(*room_));
  EXPECT_OK(room_->reservation(query.digest()));
}

}  // namespace
}  // namespace redoubt::cleanroom
