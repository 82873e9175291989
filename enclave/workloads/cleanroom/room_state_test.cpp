// Goal: a room that is restored from its records is the one that stood: same log, joins, keys, queries, ballots, results and time; and records that are missing, out
// of order, of another room or cut give no room at all. A change that could not be kept did not happen. Method: a room whose records go into a list; restored
// from the whole list, from every prefix of it, and from changed ones; and a keeper that fails.
#include "common/receipt/boot_entry.h"
#include "enclave/workloads/cleanroom/room_state_test_fixture.h"

namespace redoubt::cleanroom {
namespace {

TEST_F(RoomStateTest, AnApprovedQueryRunsAfterARestartWithoutItsOwners) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  const auto before = checkpoint(*room_);
  const auto keys = std::pair(room_->claims().receipt_key, room_->claims().hpke_key);
  const BootId boot = room_->claims().boot;
  restart();
  EXPECT_EQ(std::pair(room_->claims().receipt_key, room_->claims().hpke_key), keys);
  EXPECT_NE(room_->claims().boot, boot);
  const auto after = checkpoint(*room_);
  EXPECT_EQ(after.head().size, before.head().size + 1);  // the boot
  EXPECT_OK(receipt::extends(before.head(), after.head(), OrDie(room_->consistency(before.head().size, after.head().size))));
  EXPECT_TRUE(room_->status().open);
  EXPECT_EQ(room_->status().proposals.at(0).second, "approved");
  EXPECT_ERROR(room_->run(query.digest()), Code::unavailable, "is not ready");
  deliver(*room_);
  EXPECT_EQ(room_->status().log_size, after.head().size);  // that the datasets were taken in is known
  const RunOutput output = OrDie(room_->run(query.digest()));
  const auto file = OrDie(receipt::ReceiptFile::parse(output.receipt_file));
  const auto report = OrDie(receipt::verify_receipt(file, signer(*room_), {}));
  EXPECT_OK(report.accepted());
  EXPECT_EQ(report.body.boot, room_->claims().boot);
  EXPECT_FALSE(file.carried);
  EXPECT_EQ(file.acceptances.size(), 3U);
  EXPECT_OK(open(analyst_, output.packages[0], report.body.digest()));
}

TEST_F(RoomStateTest, VotingGoesOnAfterARestart) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  const auto first = sign(ballot(*room_, query, hospital_), hospital_);
  ASSERT_OK(room_->vote(query.digest(), first));
  restart();
  deliver(*room_);
  EXPECT_EQ(room_->status().proposals.at(0).second, "voting");
  const std::uint64_t size = room_->status().log_size;
  ASSERT_OK(room_->vote(query.digest(), first));  // again: nothing changes
  EXPECT_EQ(room_->status().log_size, size);
  EXPECT_ERROR(room_->vote(query.digest(), sign(ballot(*room_, query, hospital_), hospital_)), Code::refused, "has voted");
  ASSERT_OK(room_->vote(query.digest(), sign(ballot(*room_, query, laboratory_), laboratory_)));
  EXPECT_OK(room_->run(query.digest()));
}

TEST_F(RoomStateTest, AResultIsGivenAgainWithTheSameBytes) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  const RunOutput first = OrDie(room_->run(query.digest()));
  restart();
  const RunOutput again = OrDie(room_->run(query.digest()));  // without the data
  EXPECT_EQ(engine_.runs, 1);
  EXPECT_EQ(again.receipt_file, first.receipt_file);
  ASSERT_EQ(again.packages.size(), first.packages.size());
  for (std::size_t i = 0; i < first.packages.size(); ++i) {
    EXPECT_EQ(again.packages[i].recipient, first.packages[i].recipient);
    EXPECT_EQ(again.packages[i].sealed, first.packages[i].sealed);
  }
  EXPECT_EQ(room_->status().proposals.at(0).second, "done");
}

TEST_F(RoomStateTest, WhatWasAskedBeforeARestartStillCounts) {
  provide(*room_);
  const jobs::Proposal first = proposal(*room_, "SELECT 1");
  ASSERT_OK(room_->propose(sign(first, analyst_)));
  restart();
  deliver(*room_);
  const jobs::Proposal second = proposal(*room_);
  ASSERT_OK(room_->propose(sign(second, analyst_)));
  approve(*room_, second);
  ASSERT_OK(room_->run(second.digest()));
  EXPECT_EQ(engine_.earlier, std::vector<std::string>{"SELECT 1"});
}

TEST_F(RoomStateTest, EveryPrefixOfTheRecordsIsARoomThatStood) {
  std::vector<std::vector<Bytes>> logs;  // after each record
  const auto keep = keeper();
  records_.clear();
  room_ = make_room(1);
  ASSERT_OK(room_->keep_in(keep));
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  EXPECT_FALSE(room_->propose(sign(proposal(*room_, "DROP"), analyst_)).ok());
  approve(*room_, query);
  ASSERT_OK(room_->run(query.digest()));
  const std::vector<Bytes> whole = room_->entries(0);
  const std::vector<SecretBytes> all = clones(records_, records_.size());
  ASSERT_GE(all.size(), 14U);
  for (std::size_t count = 1; count <= all.size(); ++count) {
    const auto restored = restore_from(clones(all, count));
    ASSERT_OK(restored) << count;
    std::vector<Bytes> entries = (*restored)->entries(0);
    ASSERT_FALSE(entries.empty());
    // The boot names the head that it goes on from. Whoever saw more than the host stored sees no less.
    EXPECT_EQ((*restored)->stored_entries(0), entries);
    const auto before = OrDie(receipt::Log::restore((*restored)->claims().instance, {entries.begin(), entries.end() - 1})).head();
    EXPECT_EQ(OrDie(receipt::LogEntry::parse(entries.back())), receipt::boot_entry((*restored)->claims().digest(), before));
    entries.pop_back();
    ASSERT_LE(entries.size(), whole.size());
    EXPECT_TRUE(std::equal(entries.begin(), entries.end(), whole.begin())) << count;
    if (count == all.size()) {
      EXPECT_EQ(entries, whole);
    }
  }
}

TEST_F(RoomStateTest, ABootThatCannotBeKeptIsNoReasonToGiveTheRecordsUp) {
  provide(*room_);
  const std::size_t records = records_.size();
  room_.reset();
  for (const Code code : {Code::refused, Code::unavailable, Code::freshness}) {
    auto restored = OrDie(Room::restore(contract(), identity(1, ++boots_), engine_, room_random_, [this] { return clock_; }, kept(), tick()));
    EXPECT_ERROR(restored->put_manifest(seal(hospital_, "other").document), Code::internal, "was not told where its state is kept");
    EXPECT_ERROR(restored->keep_in([&](ByteView) -> Status { return Error(code, "no"); }), code, "no");
    EXPECT_EQ(records_.size(), records);
  }
  room_ = OrDie(restore_from(kept()));
  EXPECT_TRUE(room_->status().open);
  EXPECT_ERROR(room_->keep_in(keeper()), Code::internal, "too late");
}

TEST_F(RoomStateTest, RecordsThatDoNotFollowEachOtherGiveNoRoom) {
  provide(*room_);
  const std::vector<SecretBytes> all = clones(records_, records_.size());
  EXPECT_ERROR(restore_from({}), Code::not_found, "no records");
  for (std::size_t left_out = 0; left_out + 1 < all.size(); ++left_out) {
    std::vector<SecretBytes> some;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i != left_out) some.push_back(all[i].clone());
    }
    const RoomRecord gone = OrDie(RoomRecord::decode(all[left_out].reveal()));
    // A record that adds nothing to the log is missed by those that need it, or by nobody.
    if (!gone.entries.empty()) {
      EXPECT_FALSE(restore_from(some).ok()) << left_out;
    }
  }
  auto swapped = clones(all, all.size());
  std::swap(swapped[1], swapped[2]);
  EXPECT_ERROR(restore_from(swapped), Code::log_proof, "record 1: expected a log of");
  auto twice = clones(all, all.size());
  twice.push_back(all[1].clone());
  EXPECT_ERROR(restore_from(twice), Code::log_proof, "expected a log of");
  auto no_boot = clones(all, all.size());
  no_boot.erase(no_boot.begin());
  EXPECT_ERROR(restore_from(no_boot), Code::malformed, "expected a boot");
}

TEST_F(RoomStateTest, AChangeThatCannotBeKeptDoesNotHappen) {
  const auto unchanged = [this](auto call) {
    const std::vector<Bytes> before = room_->entries(0);
    const std::size_t records = records_.size();
    full_ = true;
    const auto failed = call();
    EXPECT_ERROR(failed, Code::unavailable, "disk full");
    EXPECT_EQ(room_->entries(0), before);
    EXPECT_EQ(records_.size(), records);
    full_ = false;
    EXPECT_OK(call());
    EXPECT_GT(records_.size(), records);
  };
  unchanged([&] { return join(*room_, analyst_); });
  EXPECT_OK(join(*room_, hospital_));
  EXPECT_OK(join(*room_, laboratory_));
  unchanged([&] { return room_->put_manifest(hospital_data_.document); });
  unchanged([&] { return release(*room_, hospital_, hospital_data_); });
  unchanged([&] { return room_->put_ciphertext(hospital_data_.manifest.digest(), 0, hospital_data_.envelope); });
  EXPECT_OK(release(*room_, laboratory_, laboratory_data_));
  EXPECT_OK(room_->put_ciphertext(laboratory_data_.manifest.digest(), 0, laboratory_data_.envelope));
  const jobs::Proposal query = proposal(*room_);
  unchanged([&] { return room_->propose(sign(query, analyst_)); });
  const auto vote = sign(ballot(*room_, query, hospital_), hospital_);
  unchanged([&] { return room_->vote(query.digest(), vote); });
  EXPECT_OK(room_->vote(query.digest(), sign(ballot(*room_, query, laboratory_), laboratory_)));
  unchanged([&] { return room_->run(query.digest()); });
  restart();
  EXPECT_EQ(room_->status().proposals.at(0).second, "done");
}

TEST_F(RoomStateTest, AResultThatIsTooLargeToBeKeptIsNotAnswered) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  narrow_ = true;
  EXPECT_ERROR(room_->run(query.digest()), Code::refused, "the query was not answered");
  EXPECT_EQ(OrDie(receipt::LogEntry::parse(room_->entries(0).back())).kind, receipt::kRefusalEntry);
  EXPECT_EQ(room_->status().proposals.at(0).second, "approved");
}

TEST_F(RoomStateTest, ARoomThatTookOverFromAnotherStillKnowsIt) {
  // An instance that was lost, its query approved; a new one carries it over, and is restarted itself.
  records_.clear();
  const auto lost = make_room(9);
  provide(*lost);
  const jobs::Proposal query = proposal(*lost);
  const auto document = sign(query, analyst_);
  ASSERT_OK(lost->propose(document));
  std::vector<jobs::SignedDocument> ballots;
  for (Party* voter : {&hospital_, &laboratory_}) ballots.push_back(sign(ballot(*lost, query, *voter), *voter));
  room_ = make_room(1, checkpoint(*lost).head());
  ASSERT_OK(room_->keep_in(keeper()));
  const jobs::OldLog old{lost->claims().instance, lost->entries(0)};
  ASSERT_OK(room_->offer_old_logs({old}, lost->checkpoint()));
  provide(*room_);
  for (const Party* party : {&analyst_, &hospital_}) {
    ASSERT_OK(room_->carry_over(party->name, jobs::sign_document(jobs::kCarryOverType, room_->status().carry_over->statement.canonical(), party->key)));
  }
  restart();
  EXPECT_EQ(room_->status().carry_over->missing, std::vector<std::string>{"laboratory"});
  ASSERT_OK(room_->carry_over("laboratory", jobs::sign_document(jobs::kCarryOverType, room_->status().carry_over->statement.canonical(), laboratory_.key)));
  ASSERT_OK(room_->propose(document));
  for (const auto& vote : ballots) ASSERT_OK(room_->vote(query.digest(), vote));
  restart();
  deliver(*room_);
  const auto file = OrDie(receipt::ReceiptFile::parse(OrDie(room_->run(query.digest())).receipt_file));
  EXPECT_TRUE(file.carried);
  const auto report = OrDie(receipt::verify_receipt(file, signer(*room_), {}));
  EXPECT_OK(report.accepted());
  EXPECT_EQ(report.body.previous, checkpoint(*lost).head());
}

TEST_F(RoomStateTest, TheTimeFloorDoesNotFallOverARestart) {
  provide(*room_);
  jobs::Proposal query = proposal(*room_);
  query.expires = kNow.plus_seconds(runtime::TimeFloor::kMaxLife - 500);  // signed no earlier than 500 s before now
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  restart();
  clock_ = kNow.plus_seconds(-600);
  EXPECT_ERROR(room_->propose(sign(proposal(*room_), analyst_)), Code::refused, "the host's clock says");
}

TEST_F(RoomStateTest, RecordsHaveOneForm) {
  provide(*room_);
  for (const SecretBytes& record : records_) {
    const RoomRecord read = OrDie(RoomRecord::decode(record.reveal()));
    EXPECT_EQ(OrDie(read.encode()), record);
    Bytes longer = to_bytes(record.reveal());
    longer.push_back(std::byte{0});
    EXPECT_ERROR(RoomRecord::decode(longer), Code::malformed, "room record");
    for (std::size_t size = 0; size < record.size(); size += 13) EXPECT_FALSE(RoomRecord::decode(record.reveal().first(size)).ok()) << size;
    Bytes changed = to_bytes(record.reveal());
    changed[2] = std::byte{18};
    EXPECT_ERROR(RoomRecord::decode(changed), Code::malformed, "number of fields");
    changed[0] = std::byte{0};
    EXPECT_ERROR(RoomRecord::decode(changed), Code::malformed, "version 1");
  }
}

}  // namespace
}  // namespace redoubt::cleanroom
