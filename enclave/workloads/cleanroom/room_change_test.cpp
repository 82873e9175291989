// Goal: a contract ends where its participants approve the next one by its own rule, and only there; it then stays ended, and the next one opens with the hand-over and not without. Datasets follow by
// their owners' act alone. Method: two rooms and real documents; a host that drops, replays, reorders and makes up, participants who approve twice or for others, restarts, records rewritten.
#include "enclave/workloads/cleanroom/room_state_test_fixture.h"

namespace redoubt::cleanroom {
namespace {

class RoomChangeTest : public RoomStateTest {
 protected:
  // next_contract: the newcomer joins, and one approval is enough from then on.
  jobs::Contract next_contract() {
    jobs::Contract next = contract();
    next.previous = next.digest();
    next.epoch = 2;
    next.participants.push_back(newcomer_.listed());
    std::ranges::sort(next.participants, {}, &jobs::Participant::name);
    next.approval = {jobs::ApprovalRule::k_of_n, 1, {}, true};
    return OrDie(jobs::Contract::parse(next.canonical()));
  }
  jobs::ContractChange change() { return change_to(next_contract()); }
  jobs::ContractChange change_to(const jobs::Contract& next) {
    return {contract().digest(), room_->claims().instance, next.canonical(), "analyst", analyst_.random.fixed<jobs::BallotNonce>(), kNow.plus_seconds(3600)};
  }
  jobs::SignedDocument sign_change(const jobs::ContractChange& change, const Party& by) { return jobs::sign_document(jobs::kContractChangeType, change.canonical(), by.key); }
  jobs::ChangeBallot cast(const jobs::ContractChange& change, Party& voter) {
    const auto head = checkpoint(*room_).head();
    return {change.contract, change.instance, change.digest(), OrDie(jobs::Contract::parse(change.next)).digest(), voter.name, jobs::Decision::approve, kNow.plus_seconds(600),
            head.size + 100, voter.random.fixed<jobs::BallotNonce>(), {head.size, head.root}};
  }
  jobs::SignedDocument sign_ballot(const jobs::ChangeBallot& ballot, const Party& by) { return jobs::sign_document(jobs::kChangeBallotType, ballot.canonical(), by.key); }
  Result<jobs::Verdict> vote(const jobs::ContractChange& change, Party& voter) { return room_->vote_change(change.digest(), sign_ballot(cast(change, voter), voter)); }
  // approved: a change that both voters approve.
  jobs::ContractChange approved() {
    const jobs::ContractChange asked = change();
    EXPECT_OK(room_->propose_change(sign_change(asked, analyst_)));
    for (Party* voter : {&hospital_, &laboratory_}) EXPECT_OK(vote(asked, *voter));
    return asked;
  }
  std::unique_ptr<Room> room_of(const jobs::Contract& contract, std::uint64_t seed) {
    test::FixedRandom random(seed);
    auto receipt_key = OrDie(crypto::Ed25519PrivateKey::generate(random));
    auto hpke_key = OrDie(crypto::HpkePrivateKey::generate(random));
    attest::Claims claims;
    claims.workload = "cleanroom";
    claims.instance = random.fixed<InstanceId>();
    claims.boot = random.fixed<BootId>();
    claims.receipt_key = receipt_key.public_key();
    claims.hpke_key = hpke_key.public_key();
    claims.contract = contract.digest();
    Room::Identity identity{claims, std::move(receipt_key), std::move(hpke_key), program_, {"tpm", to_bytes("evidence"), Challenge(), claims.canonical()}, {}, kNow.plus_seconds(-1000), std::nullopt};
    return std::make_unique<Room>(contract, std::move(identity), engine_, room_random_, [this] { return clock_; }, tick());
  }
  void everyone_joins(Room& room) {
    for (const Party* party : {&analyst_, &hospital_, &laboratory_, &newcomer_}) ASSERT_OK(join(room, *party));
  }
  receipt::LogEntry last() { return OrDie(receipt::LogEntry::parse(room_->entries(0).back())); }

  Party newcomer_{"newcomer", 21, true};
};

TEST_F(RoomChangeTest, AnApprovedChangeEndsTheOldContractAndOpensTheNext) {
  provide(*room_);
  const jobs::Proposal done = proposal(*room_);
  const jobs::Proposal waiting = proposal(*room_, "SELECT 1");
  for (const auto& query : {done, waiting}) {
    ASSERT_OK(room_->propose(sign(query, analyst_)));
    approve(*room_, query);
  }
  const RunOutput output = OrDie(room_->run(done.digest()));
  const jobs::ContractChange asked = change();
  const ChangeView view = OrDie(room_->propose_change(sign_change(asked, analyst_)));
  EXPECT_EQ(view.digest, asked.digest());
  EXPECT_EQ(last().kind, jobs::kChangeEntry);
  EXPECT_ERROR(room_->contract_change(asked.digest()), Code::unavailable, "has not stored the change yet");
  EXPECT_ERROR(room_->hand_over(asked.digest()), Code::refused, "0 approved, 0 rejected, 2 missing");
  EXPECT_FALSE(OrDie(vote(asked, hospital_)).met());
  EXPECT_EQ(last().kind, jobs::kChangeBallotEntry);
  EXPECT_ERROR(room_->hand_over(asked.digest()), Code::refused, "1 approved");
  EXPECT_FALSE(room_->handed_over());
  EXPECT_TRUE(OrDie(vote(asked, laboratory_)).met());
  const std::string text = OrDie(room_->hand_over(asked.digest()));
  EXPECT_EQ(OrDie(room_->hand_over(asked.digest())), text);
  EXPECT_EQ(room_->handed_over(), text);
  const auto shown = OrDie(jobs::verify_hand_over(OrDie(jobs::HandOverFile::parse(text)), contract(), room_->claims().receipt_key));
  EXPECT_EQ(shown.next.digest(), next_contract().digest());
  EXPECT_EQ(last(), (receipt::LogEntry{std::string(jobs::kHandOverEntry), crypto::Sha256Digest(shown.hand_over.digest().array())}));

  // The old contract has ended, but for what is done.
  EXPECT_TRUE(room_->status().ended);
  const std::string_view ended = "this contract has ended";
  EXPECT_ERROR(room_->run(waiting.digest()), Code::refused, ended);
  EXPECT_ERROR(room_->propose(sign(proposal(*room_), analyst_)), Code::refused, ended);
  EXPECT_ERROR(room_->vote(waiting.digest(), sign(ballot(*room_, waiting, hospital_), hospital_)), Code::refused, ended);
  EXPECT_ERROR(room_->put_manifest(seal(hospital_, "hospital", 2).document), Code::refused, ended);
  EXPECT_ERROR(release(*room_, hospital_, hospital_data_), Code::refused, ended);
  EXPECT_ERROR(room_->put_ciphertext(hospital_data_.manifest.digest(), 0, hospital_data_.envelope), Code::refused, ended);
  EXPECT_ERROR(room_->propose_change(sign_change(change(), analyst_)), Code::refused, ended);
  EXPECT_ERROR(vote(asked, hospital_), Code::refused, ended);
  EXPECT_EQ(OrDie(room_->run(done.digest())).receipt_file, output.receipt_file);
  EXPECT_EQ(engine_.runs, 1);

  // The next one opens with it, and not without.
  const auto next = room_of(next_contract(), 31);
  everyone_joins(*next);
  EXPECT_FALSE(next->status().open);
  jobs::Manifest manifest = hospital_data_.manifest;
  manifest.contract = next_contract().digest();
  const auto again = jobs::sign_document(jobs::kManifestType, manifest.canonical(), hospital_.key);
  EXPECT_ERROR(next->put_manifest(again), Code::refused, "the hand-over from that one is not here yet");
  ASSERT_OK(next->succeed(text));
  EXPECT_OK(next->succeed(text));
  EXPECT_TRUE(next->status().open);
  EXPECT_EQ(OrDie(receipt::LogEntry::parse(next->entries(0).back())), (receipt::LogEntry{std::string(jobs::kSuccessionEntry), crypto::Sha256Digest(shown.hand_over.digest().array())}));
  // A dataset follows when its owner seals it again, and not because it was there.
  EXPECT_ERROR(next->put_manifest(hospital_data_.document), Code::binding, "expected contract " + next_contract().digest().hex());
  EXPECT_ERROR(next->release("hospital", hospital_data_.document, wrap(*next, hospital_, hospital_data_.manifest, hospital_data_.key)), Code::binding, "expected contract");
  EXPECT_ERROR(next->put_manifest(jobs::sign_document(jobs::kManifestType, manifest.canonical(), laboratory_.key)), Code::chain, "not by key");
  EXPECT_OK(next->put_manifest(again));
}

TEST_F(RoomChangeTest, AHandOverThatTheHostMakesUpOpensNothing) {
  provide(*room_);
  const std::string text = OrDie(room_->hand_over(approved().digest()));
  jobs::Contract stolen = next_contract();  // the operator's own key in a participant's name
  std::ranges::find(stolen.participants, "hospital", &jobs::Participant::name)->signing_key = stranger_.key.public_key();
  stolen = OrDie(jobs::Contract::parse(stolen.canonical()));
  const auto other = room_of(stolen, 32);
  EXPECT_ERROR(other->succeed(text), Code::binding, "succession: next contract");
  jobs::HandOverFile file = OrDie(jobs::HandOverFile::parse(text));
  auto hand_over = OrDie(jobs::HandOver::parse(file.hand_over.text));
  hand_over.next = stolen.digest();
  file.hand_over = jobs::sign_document(jobs::kHandOverType, hand_over.canonical(), stranger_.key);
  EXPECT_ERROR(other->succeed(file.json()), Code::binding, "hand-over: next contract");
  jobs::ContractChange swapped = OrDie(jobs::ContractChange::parse(file.change.text));
  swapped.next = stolen.canonical();
  hand_over.change = swapped.digest();
  file.hand_over = jobs::sign_document(jobs::kHandOverType, hand_over.canonical(), stranger_.key);
  file.change = sign_change(swapped, analyst_);  // who colludes
  EXPECT_ERROR(other->succeed(file.json()), Code::binding, "change ballot of hospital: change");
  file.ballots.clear();
  file.extends.clear();
  hand_over.ballots.clear();
  file.hand_over = jobs::sign_document(jobs::kHandOverType, hand_over.canonical(), stranger_.key);
  EXPECT_ERROR(other->succeed(file.json()), Code::refused, "0 approved");
  EXPECT_FALSE(other->status().open);
  // From a contract that is not the one before, or for one that follows none.
  EXPECT_ERROR(make_room(5)->succeed(text), Code::refused, "this contract follows no other");
  jobs::Contract third = next_contract();
  third.previous = next_contract().digest();
  third.epoch = 3;
  EXPECT_ERROR(room_of(OrDie(jobs::Contract::parse(third.canonical())), 33)->succeed(text), Code::binding, "succession: old contract");
  EXPECT_ERROR(room_of(next_contract(), 34)->succeed("{}"), Code::malformed, "hand-over file");
}

TEST_F(RoomChangeTest, ApprovingTwiceCountsOnceAndAVoteIsFinal) {
  provide(*room_);
  const jobs::ContractChange asked = change();
  ASSERT_OK(room_->propose_change(sign_change(asked, analyst_)));
  const auto once = sign_ballot(cast(asked, hospital_), hospital_);
  ASSERT_OK(room_->vote_change(asked.digest(), once));
  const std::uint64_t size = room_->status().log_size;
  EXPECT_EQ(OrDie(room_->vote_change(asked.digest(), once)).approved.size(), 1U);  // the host, again
  EXPECT_ERROR(vote(asked, hospital_), Code::refused, "\"hospital\" has voted on this change");
  EXPECT_EQ(room_->status().log_size, size);
  EXPECT_ERROR(room_->hand_over(asked.digest()), Code::refused, "1 approved");
  // The same next contract, proposed once more, is another change: its ballots are its own.
  const jobs::ContractChange second = change();
  ASSERT_OK(room_->propose_change(sign_change(second, analyst_)));
  EXPECT_ERROR(room_->vote_change(second.digest(), once), Code::binding, "change ballot: change");
  ASSERT_OK(vote(second, laboratory_));
  for (const auto& one : {asked, second}) EXPECT_ERROR(room_->hand_over(one.digest()), Code::refused, "1 approved");
}

TEST_F(RoomChangeTest, ABallotThatItsVoterDidNotCastOnThisChangeIsRefused) {
  provide(*room_);
  const jobs::ContractChange asked = change();
  const jobs::ChangeBallot early = cast(asked, hospital_);  // before the change is in the log
  ASSERT_OK(room_->propose_change(sign_change(asked, analyst_)));
  const jobs::ChangeBallot good = cast(asked, hospital_);
  const auto refuse = [&](auto change_ballot, const Party& by, Code code, std::string_view why) {
    jobs::ChangeBallot bad = good;
    change_ballot(bad);
    EXPECT_ERROR(room_->vote_change(asked.digest(), sign_ballot(bad, by)), code, why);
  };
  const auto same = [](jobs::ChangeBallot&) {};
  refuse(same, stranger_, Code::chain, "not by key");
  refuse(same, laboratory_, Code::chain, "not by key");
  refuse([](jobs::ChangeBallot& b) { b.voter = "newcomer"; }, newcomer_, Code::auth, "has no vote in this contract");
  refuse([](jobs::ChangeBallot& b) { b.voter = "analyst"; }, analyst_, Code::auth, "has no vote in this contract");
  refuse([](jobs::ChangeBallot& b) { b.next = ContractDigest(); }, hospital_, Code::binding, "change ballot: next contract");
  refuse([](jobs::ChangeBallot& b) { b.contract = ContractDigest(); }, hospital_, Code::binding, "change ballot: contract");
  refuse([](jobs::ChangeBallot& b) { b.instance = InstanceId(); }, hospital_, Code::binding, "change ballot: instance");
  refuse([](jobs::ChangeBallot& b) { b.change = jobs::ChangeDigest(); }, hospital_, Code::binding, "change ballot: change");
  refuse([&](jobs::ChangeBallot& b) { b.head = early.head; }, hospital_, Code::log_proof, "does not include the change");
  refuse([](jobs::ChangeBallot& b) { b.head.size += 1; }, hospital_, Code::log_proof, "this log only");
  refuse([](jobs::ChangeBallot& b) { b.head.root.array()[0] ^= std::byte{1}; }, hospital_, Code::log_proof, "does not extend");
  refuse([](jobs::ChangeBallot& b) { b.expires = kNow.plus_seconds(-1); }, hospital_, Code::freshness, "expired");
  refuse([](jobs::ChangeBallot& b) { b.expires_at_size = 1; }, hospital_, Code::freshness, "void beyond");
  EXPECT_ERROR(room_->vote_change(asked.digest(), jobs::sign_document(jobs::kBallotType, good.canonical(), hospital_.key)), Code::chain, "not by key");
  EXPECT_ERROR(room_->vote_change(jobs::ChangeDigest(), sign_ballot(good, hospital_)), Code::not_found, "no contract change");
  EXPECT_OK(room_->vote_change(asked.digest(), sign_ballot(good, hospital_)));
}

TEST_F(RoomChangeTest, AChangeThatCannotFollowIsNotTaken) {
  EXPECT_ERROR(room_->propose_change(sign_change(change(), analyst_)), Code::refused, "has not joined");
  provide(*room_);
  const auto refuse = [&](const jobs::ContractChange& bad, const Party& by, Code code, std::string_view why) { EXPECT_ERROR(room_->propose_change(sign_change(bad, by)), code, why); };
  refuse(change(), stranger_, Code::chain, "not by key");
  jobs::ContractChange bad = change();
  bad.proposer = "newcomer";
  refuse(bad, newcomer_, Code::auth, "not in this contract");
  bad = change();
  bad.contract = ContractDigest();
  refuse(bad, analyst_, Code::binding, "contract change: contract");
  bad = change();
  bad.instance = InstanceId();
  refuse(bad, analyst_, Code::binding, "contract change: instance");
  bad = change();
  bad.expires = kNow.plus_seconds(-1);
  refuse(bad, analyst_, Code::freshness, "expired");
  jobs::Contract next = next_contract();
  next.environment = "another";
  refuse(change_to(next), analyst_, Code::binding, "environment");
  next = next_contract();
  next.epoch = 3;
  refuse(change_to(next), analyst_, Code::binding, "epoch");
  next = next_contract();
  next.previous = ContractDigest();
  refuse(change_to(next), analyst_, Code::binding, "previous");
  jobs::ContractChange one = change();
  for (std::size_t i = 0; i < Room::kMaxChanges; ++i) {
    one.nonce = analyst_.random.fixed<jobs::BallotNonce>();
    ASSERT_OK(room_->propose_change(sign_change(one, analyst_)));
  }
  refuse(change(), analyst_, Code::unavailable, "too many");
}

TEST_F(RoomChangeTest, AnApprovalThatHasExpiredHandsNothingOver) {
  provide(*room_);
  const jobs::ContractChange asked = approved();
  clock_ = kNow.plus_seconds(601);
  EXPECT_ERROR(room_->hand_over(asked.digest()), Code::refused, "2 expired");
  EXPECT_FALSE(room_->status().ended);
  clock_ = kNow.plus_seconds(3601);
  EXPECT_ERROR(room_->hand_over(asked.digest()), Code::refused, "the proposal expired");
}

TEST_F(RoomChangeTest, ARestartGoesOnWithAChangeAndNeverBehindAHandOver) {
  provide(*room_);
  const jobs::ContractChange asked = change();
  ASSERT_OK(room_->propose_change(sign_change(asked, analyst_)));
  ASSERT_OK(vote(asked, hospital_));
  restart();
  EXPECT_EQ(OrDie(room_->contract_change(asked.digest())).verdict.approved, std::vector<std::string>{"hospital"});
  EXPECT_ERROR(vote(asked, hospital_), Code::refused, "has voted");
  ASSERT_OK(vote(asked, laboratory_));
  const std::string text = OrDie(room_->hand_over(asked.digest()));
  restart();
  EXPECT_EQ(room_->handed_over(), text);
  EXPECT_EQ(OrDie(room_->hand_over(asked.digest())), text);
  EXPECT_ERROR(room_->propose(sign(proposal(*room_), analyst_)), Code::refused, "this contract has ended");
  EXPECT_OK(jobs::verify_hand_over(OrDie(jobs::HandOverFile::parse(text)), contract(), room_->claims().receipt_key));
}

TEST_F(RoomChangeTest, AnotherInstanceOfTheOldContractThatCarriesTheLogHasEndedToo) {
  provide(*room_);
  OrDie(room_->hand_over(approved().digest()));
  const auto revived = make_room(2, checkpoint(*room_).head());
  join_all(*revived);
  ASSERT_OK(revived->offer_old_logs({{room_->claims().instance, room_->entries(0)}}, room_->checkpoint()));
  for (const Party* party : {&analyst_, &hospital_, &laboratory_}) {
    ASSERT_OK(revived->carry_over(party->name, jobs::sign_document(jobs::kCarryOverType, revived->status().carry_over->statement.canonical(), party->key)));
  }
  EXPECT_TRUE(revived->status().ended);
  EXPECT_ERROR(revived->put_manifest(hospital_data_.document), Code::refused, "the log that was carried over says");
}

TEST_F(RoomChangeTest, RecordsOfChangesThatNobodySignedAreNotTakenBack) {
  provide(*room_);
  const jobs::ContractChange asked = approved();
  OrDie(room_->hand_over(asked.digest()));
  const auto changed = [&](RoomRecord::Kind kind, const std::function<void(RoomRecord&)>& change_record) -> Status {
    std::vector<SecretBytes> records = kept();
    for (SecretBytes& bytes : records) {
      RoomRecord record = OrDie(RoomRecord::decode(bytes.reveal()));
      if (record.kind != kind) continue;
      change_record(record);
      bytes = OrDie(record.encode());
      ++boots_;
      const auto restored = Room::restore(contract(), identity(1, boots_), engine_, room_random_, [this] { return clock_; }, records, tick());
      return restored.ok() ? Status() : Status(restored.error());
    }
    return Error(Code::internal, "no record of this kind");
  };
  using Kind = RoomRecord::Kind;
  const auto set = [](RoomRecord& record, std::size_t field, std::string_view text) { record.fields[field] = SecretBytes::copy_of(as_bytes(text)); };
  for (const Kind kind : {Kind::change, Kind::change_ballot, Kind::hand_over}) {
    EXPECT_OK(changed(kind, [](RoomRecord&) {})) << static_cast<int>(kind);
    EXPECT_ERROR(changed(kind, [](RoomRecord& r) { r.entries[0].content.array()[0] ^= std::byte{1}; }), Code::log_proof, "logs something else");
    EXPECT_ERROR(changed(kind, [](RoomRecord& r) { r.entries.clear(); }), Code::log_proof, "logs something else");
  }
  EXPECT_ERROR(changed(Kind::change, [&](RoomRecord& r) { set(r, 0, sign_change(asked, stranger_).encode()); }), Code::chain, "restoring: record");
  EXPECT_ERROR(changed(Kind::change, [](RoomRecord& r) { r.fields[1] = SecretBytes::copy_of(Writer().u64be(1).view()); }), Code::log_proof, "another place");
  EXPECT_ERROR(changed(Kind::change_ballot, [&](RoomRecord& r) { set(r, 1, sign_ballot(cast(asked, hospital_), stranger_).encode()); }), Code::chain, "restoring: record");
  EXPECT_ERROR(changed(Kind::change_ballot, [&](RoomRecord& r) { r.fields[0] = SecretBytes::copy_of(jobs::ChangeDigest().view()); }), Code::malformed, "no contract change");
  EXPECT_ERROR(changed(Kind::hand_over, [&](RoomRecord& r) {
    jobs::HandOverFile file = OrDie(jobs::HandOverFile::parse(r.text(0)));
    file.hand_over = jobs::sign_document(jobs::kHandOverType, file.hand_over.text, stranger_.key);
    set(r, 0, file.json());
  }), Code::chain, "hand-over");
}

TEST_F(RoomChangeTest, TheNextRoomKnowsItsHandOverAfterARestart) {
  provide(*room_);
  const std::string text = OrDie(room_->hand_over(approved().digest()));
  const jobs::Contract next = next_contract();
  std::vector<SecretBytes> records;
  const Keep keep = [&](ByteView record) -> Status {
    records.push_back(SecretBytes::copy_of(record));
    return {};
  };
  const auto first = room_of(next, 35);
  ASSERT_OK(first->keep_in(keep));
  ASSERT_OK(first->succeed(text));
  everyone_joins(*first);
  ASSERT_TRUE(first->status().open);
  const auto restored = [&](const std::vector<SecretBytes>& from) {
    test::FixedRandom random(35);
    auto receipt_key = OrDie(crypto::Ed25519PrivateKey::generate(random));
    auto hpke_key = OrDie(crypto::HpkePrivateKey::generate(random));
    attest::Claims claims = first->claims();
    claims.boot.array()[0] ^= std::byte{1};
    Room::Identity identity{claims, std::move(receipt_key), std::move(hpke_key), program_, {"tpm", to_bytes("evidence"), Challenge(), claims.canonical()}, {}, kNow.plus_seconds(-1000), std::nullopt};
    return Room::restore(next, std::move(identity), engine_, room_random_, [this] { return clock_; }, from, tick());
  };
  const auto again = OrDie(restored(records));
  EXPECT_TRUE(again->status().open);
  for (SecretBytes& bytes : records) {  // a hand-over to a contract that is not this one
    RoomRecord record = OrDie(RoomRecord::decode(bytes.reveal()));
    if (record.kind != RoomRecord::Kind::succession) continue;
    jobs::HandOverFile file = OrDie(jobs::HandOverFile::parse(record.text(0)));
    file.ballots.pop_back();
    record.fields[0] = SecretBytes::copy_of(as_bytes(file.json()));
    bytes = OrDie(record.encode());
  }
  EXPECT_ERROR(restored(records), Code::binding, "ballots in the file");
}

}  // namespace
}  // namespace redoubt::cleanroom
