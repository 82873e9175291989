// Goal: a dataset counts only as its owner released it, repeats change nothing, and failures say nothing. Method: manifests, keys and
// ciphertext changed, swapped and replayed in turn; a failing engine; a lying clock; the log against its checkpoint.
#include "enclave/workloads/cleanroom/room_test_fixture.h"

namespace redoubt::cleanroom {
namespace {

TEST_F(RoomTest, OnlyTheOwnerReleasesAndOnlyForThisManifestAndInstance) {
  const auto other = make_room(2);
  join_all(*room_);
  EXPECT_ERROR(room_->release("laboratory", hospital_data_.document, wrap(*room_, hospital_, hospital_data_.manifest, hospital_data_.key)),
               Code::auth, "only its owner");
  EXPECT_FALSE(room_->release("hospital", hospital_data_.document, wrap(*other, hospital_, hospital_data_.manifest, hospital_data_.key)).ok());
  EXPECT_FALSE(room_->release("hospital", hospital_data_.document, wrap(*room_, hospital_, laboratory_data_.manifest, hospital_data_.key)).ok());
  EXPECT_FALSE(room_->release("hospital", hospital_data_.document, Bytes(10)).ok());
  jobs::SignedDocument forged = jobs::sign_document(jobs::kManifestType, hospital_data_.manifest.canonical(), stranger_.key);
  EXPECT_ERROR(room_->put_manifest(forged), Code::chain, "not by key");
  EXPECT_OK(release(*room_, hospital_, hospital_data_));
}

TEST_F(RoomTest, CiphertextMustBeWhatTheManifestSays) {
  join_all(*room_);
  const auto digest = hospital_data_.manifest.digest();
  EXPECT_ERROR(room_->put_ciphertext(digest, 0, hospital_data_.envelope), Code::not_found, "no manifest");
  ASSERT_OK(release(*room_, hospital_, hospital_data_));
  EXPECT_ERROR(room_->put_ciphertext(digest, 1, hospital_data_.envelope), Code::refused, "expected offset 0");
  Bytes longer = hospital_data_.envelope;
  longer.push_back(std::byte{0});
  EXPECT_ERROR(room_->put_ciphertext(digest, 0, longer), Code::refused, "beyond the");
  Bytes flipped = hospital_data_.envelope;
  flipped.back() ^= std::byte{1};
  EXPECT_ERROR(room_->put_ciphertext(digest, 0, flipped), Code::binding, "envelope chunk 0");
  EXPECT_ERROR(room_->put_ciphertext(digest, 0, ByteView(laboratory_data_.envelope).first(hospital_data_.envelope.size())), Code::binding, "envelope header");
  ASSERT_OK(room_->put_ciphertext(digest, 0, ByteView(hospital_data_.envelope).first(50)));
  EXPECT_ERROR(room_->put_ciphertext(digest, 0, flipped.empty() ? ByteView() : ByteView(laboratory_data_.envelope).first(50)), Code::binding, "other bytes");
  EXPECT_OK(room_->put_ciphertext(digest, 0, hospital_data_.envelope));  // the host starts again
  EXPECT_EQ(room_->status().datasets.front().second, DatasetState::ready);
}

TEST_F(RoomTest, TheLogSaysWhatWasUploadedWhichKeyWasReleasedToWhomAndWhatWasTakenIn) {
  join_all(*room_);
  const auto last = [&] { return OrDie(receipt::LogEntry::parse(room_->entries(0).back())); };
  const auto digest = hospital_data_.manifest.digest();
  const auto released = [&](std::uint64_t number) {
    return jobs::key_release_entry({digest, "hospital", room_->claims().instance, room_->claims().hpke_key, number});
  };
  ASSERT_OK(room_->put_manifest(hospital_data_.document));
  EXPECT_EQ(last(), jobs::upload_entry(digest));
  const SecretBytes wrong = hospital_.random.secret(32);
  ASSERT_OK(room_->release("hospital", hospital_data_.document, wrap(*room_, hospital_, hospital_data_.manifest, wrong)));
  EXPECT_EQ(last(), released(1));
  ASSERT_OK(release(*room_, hospital_, hospital_data_));
  EXPECT_EQ(last(), released(2));
  ASSERT_OK(room_->put_ciphertext(digest, 0, hospital_data_.envelope));
  EXPECT_EQ(last(), jobs::taken_in_entry(digest));
  // What the host or the owner repeats, and what is refused, adds nothing.
  const std::uint64_t size = room_->status().log_size;
  EXPECT_OK(room_->put_manifest(hospital_data_.document));
  EXPECT_OK(release(*room_, hospital_, hospital_data_));
  EXPECT_OK(room_->put_ciphertext(digest, 0, hospital_data_.envelope));
  EXPECT_FALSE(release(*room_, laboratory_, hospital_data_).ok());
  EXPECT_EQ(room_->status().log_size, size);
}

TEST_F(RoomTest, RowsThatDoNotFitTheManifestAreRefused) {
  join_all(*room_);
  engine_.refuses_rows = true;
  ASSERT_OK(release(*room_, hospital_, hospital_data_));
  EXPECT_ERROR(room_->put_ciphertext(hospital_data_.manifest.digest(), 0, hospital_data_.envelope), Code::malformed, "row 2");
  EXPECT_EQ(room_->status().datasets.front().second, DatasetState::waiting_for_ciphertext);
}

TEST_F(RoomTest, ADatasetNeverGoesBackToAnOlderVersion) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  const Sealed newer = seal(hospital_, "hospital", 3);
  ASSERT_OK(release(*room_, hospital_, newer));
  EXPECT_ERROR(room_->put_manifest(seal(hospital_, "hospital", 2).document), Code::freshness, "not above version 3");
  EXPECT_ERROR(room_->put_manifest(seal(hospital_, "hospital", 3).document), Code::freshness, "not above version 3");
  EXPECT_ERROR(room_->put_manifest(seal(laboratory_, "hospital", 4).document), Code::refused, "belongs to \"hospital\"");
  EXPECT_ERROR(room_->run(query.digest()), Code::freshness, "newer version 3");
}

TEST_F(RoomTest, AQueryWaitsForKeysAndCiphertext) {
  join_all(*room_);
  ASSERT_OK(room_->put_manifest(hospital_data_.document));
  ASSERT_OK(release(*room_, laboratory_, laboratory_data_));
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  EXPECT_ERROR(room_->run(query.digest()), Code::unavailable, "is not ready");
  ASSERT_OK(room_->put_ciphertext(hospital_data_.manifest.digest(), 0, hospital_data_.envelope));
  ASSERT_OK(room_->put_ciphertext(laboratory_data_.manifest.digest(), 0, laboratory_data_.envelope));
  EXPECT_ERROR(room_->run(query.digest()), Code::unavailable, "is not ready");
  ASSERT_OK(release(*room_, hospital_, hospital_data_));
  EXPECT_OK(room_->run(query.digest()));
}

TEST_F(RoomTest, RepeatedCallsGiveTheSameAnswerAndOneEntry) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  const auto signed_query = sign(query, analyst_);
  const auto index = OrDie(room_->propose(signed_query)).index;
  EXPECT_EQ(OrDie(room_->propose(signed_query)).index, index);
  const auto vote = sign(ballot(*room_, query, hospital_), hospital_);
  ASSERT_OK(room_->vote(query.digest(), vote));
  const auto size = room_->status().log_size;
  EXPECT_OK(room_->vote(query.digest(), vote));
  EXPECT_OK(join(*room_, hospital_));
  EXPECT_OK(release(*room_, hospital_, hospital_data_));
  EXPECT_EQ(room_->status().log_size, size);
  ASSERT_OK(room_->vote(query.digest(), sign(ballot(*room_, query, laboratory_), laboratory_)));
  const RunOutput first = OrDie(room_->run(query.digest()));
  const RunOutput second = OrDie(room_->run(query.digest()));
  EXPECT_EQ(first.receipt_file, second.receipt_file);
  EXPECT_EQ(engine_.runs, 1);
}

TEST_F(RoomTest, AFailedEngineFailsOneQueryAndSaysNothing) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  engine_.fails = true;
  const auto failed = room_->run(query.digest());
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message(), "the query was not answered");
  engine_.fails = false;
  EXPECT_OK(room_->run(query.digest()));
}

TEST_F(RoomTest, AHostClockBelowTheFloorStopsTheRoom) {
  provide(*room_);
  clock_ = kNow.plus_seconds(-1001);
  EXPECT_ERROR(room_->propose(sign(proposal(*room_), analyst_)), Code::refused, "clock");
}

TEST_F(RoomTest, WhatParticipantsSignedRaisesTheFloorAndNoneCanRaiseItBeyondTheClock) {
  provide(*room_);
  jobs::Proposal query = proposal(*room_);
  query.expires = kNow.plus_seconds(runtime::TimeFloor::kMaxLife + 1);
  EXPECT_ERROR(room_->propose(sign(query, analyst_)), Code::refused, "proposal: expiry: expected no later than");
  clock_ = kNow.plus_seconds(-1000);
  EXPECT_OK(room_->propose(sign(proposal(*room_), analyst_))) << "what is refused raises nothing";
  clock_ = kNow;
  query.expires = kNow.plus_seconds(runtime::TimeFloor::kMaxLife - 60);
  EXPECT_OK(room_->propose(sign(query, analyst_)));
  clock_ = kNow.plus_seconds(-60);
  EXPECT_OK(room_->propose(sign(query, analyst_)));
  clock_ = kNow.plus_seconds(-61);
  EXPECT_ERROR(room_->propose(sign(query, analyst_)), Code::refused, "clock");
}

TEST_F(RoomTest, TheLogIsWhatItsCheckpointSays) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  ASSERT_OK(room_->propose(sign(query, analyst_)));
  approve(*room_, query);
  ASSERT_OK(room_->run(query.digest()));
  const auto log = OrDie(receipt::Log::restore(room_->claims().instance, room_->entries(0)));
  EXPECT_EQ(log.head().text(), OrDie(receipt::Checkpoint::verify(room_->checkpoint(), receipt::log_origin(room_->claims().instance),
                                                                 room_->claims().receipt_key)).head().text());
  EXPECT_TRUE(room_->entries(1000).empty());
}

}  // namespace
}  // namespace redoubt::cleanroom
