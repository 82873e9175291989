// Goal: nothing that a host or a participant repeats makes a room keep more than once, and nothing that one participant does makes it keep without end: each record costs a write
// of the platform's anchor. Method: every call again and again, with the same and with other bytes, before and after a restart; the number of records is counted.
#include "common/attest/evidence/tpm/enrolment.h"
#include "enclave/workloads/cleanroom/room_state_test_fixture.h"

namespace redoubt::cleanroom {
namespace {

class RoomLimitsTest : public RoomStateTest {
 protected:
  jobs::SignedDocument refused(int number) {
    jobs::Proposal bad = proposal(*room_, "DROP TABLE hospital -- " + std::to_string(number));
    return sign(bad, analyst_);
  }
  static Bytes enrolment(const Party& party, int number) {
    return tpm::AkEnrolment::sign(crypto::sha256(as_bytes(std::to_string(number))), tpm::AkName(), kNow, party.key).encode();
  }
};

TEST_F(RoomLimitsTest, WhatIsRepeatedIsKeptOnce) {
  provide(*room_);
  const jobs::Proposal query = proposal(*room_);
  const auto bad = refused(1);
  const auto calls = [&] {
    EXPECT_OK(join(*room_, analyst_));
    EXPECT_OK(room_->put_manifest(hospital_data_.document));
    EXPECT_OK(release(*room_, hospital_, hospital_data_));
    EXPECT_OK(room_->add_enrolment("analyst", enrolment(analyst_, 1)));
    EXPECT_OK(room_->add_enrolment("analyst", enrolment(analyst_, 2)));
    EXPECT_ERROR(room_->propose(bad), Code::refused, "rule G1");
    EXPECT_OK(room_->propose(sign(query, analyst_)));
    engine_.fails = true;
    EXPECT_FALSE(room_->run(query.digest()).ok());
    engine_.fails = false;
  };
  calls();
  approve(*room_, query);
  calls();  // the run is refused, with ballots
  const std::size_t once = records_.size();
  for (int again = 0; again < 3; ++again) calls();
  EXPECT_EQ(records_.size(), once);
  restart();
  deliver(*room_);
  for (int again = 0; again < 3; ++again) calls();
  EXPECT_EQ(records_.size(), once + 1);  // the boot
  // A refusal is no verdict: what could not be run may still be.
  EXPECT_OK(room_->run(query.digest()));
}

TEST_F(RoomLimitsTest, AParticipantsRefusedProposalsAreBoundedAndHinderNobodyElse) {
  provide(*room_);
  for (std::size_t i = 0; i < Room::kMaxRefusals; ++i) EXPECT_ERROR(room_->propose(refused(static_cast<int>(i))), Code::refused, "rule G1");
  const auto first_again = refused(-1);
  const std::size_t full = records_.size();
  for (int boot = 0; boot < 2; ++boot) {
    EXPECT_ERROR(room_->propose(first_again), Code::unavailable, "500 of \"analyst\" were refused");
    EXPECT_EQ(records_.size(), full + static_cast<std::size_t>(boot));
    restart();
  }
  jobs::Proposal other = proposal(*room_, "DROP");
  other.proposer = "hospital";
  EXPECT_ERROR(room_->propose(sign(other, hospital_)), Code::refused, "rule G1");
  other = proposal(*room_);
  other.proposer = "hospital";
  EXPECT_OK(room_->propose(sign(other, hospital_)));
}

TEST_F(RoomLimitsTest, EnrolmentsAreBoundedOverRestartsAndWhoIsNotInTheContractLeavesNone) {
  join_all(*room_);
  for (int i = 0; i < 60; ++i) ASSERT_OK(room_->add_enrolment("analyst", enrolment(analyst_, i)));
  restart();
  for (int i = 60; i < 100; ++i) ASSERT_OK(room_->add_enrolment("analyst", enrolment(analyst_, i)));
  const std::size_t full = records_.size();
  EXPECT_ERROR(room_->add_enrolment("analyst", enrolment(analyst_, 100)), Code::unavailable, "no room for more");
  EXPECT_OK(room_->add_enrolment("analyst", enrolment(analyst_, 5)));
  EXPECT_ERROR(room_->add_enrolment("stranger", enrolment(stranger_, 0)), Code::auth, "not in this contract");
  EXPECT_EQ(records_.size(), full);
  EXPECT_OK(room_->add_enrolment("hospital", enrolment(hospital_, 0)));
}

TEST_F(RoomLimitsTest, TheKeyThatOpenedADatasetIsTheOnlyOne) {
  provide(*room_);
  const SecretBytes other = hospital_.random.secret(32);
  const auto replace = [&] { return room_->release("hospital", hospital_data_.document, wrap(*room_, hospital_, hospital_data_.manifest, other)); };
  EXPECT_ERROR(replace(), Code::binding, "not the one that opened this version");
  // After a restart the ciphertext is not there yet: what opened it is known all the same.
  restart();
  EXPECT_ERROR(replace(), Code::binding, "not the one that opened this version");
  deliver(*room_);
  EXPECT_EQ(room_->status().datasets.front().second, DatasetState::ready);
  EXPECT_EQ(room_->status().datasets.back().second, DatasetState::ready);
  restart();
  EXPECT_OK(release(*room_, hospital_, hospital_data_));
}

TEST_F(RoomLimitsTest, AKeyThatOpenedNothingMayBeReplacedAFewTimes) {
  join_all(*room_);
  const auto release_key = [&](const SecretBytes& key) {
    return room_->release("hospital", hospital_data_.document, wrap(*room_, hospital_, hospital_data_.manifest, key));
  };
  for (std::size_t i = 0; i + 1 < Room::kMaxKeys; ++i) {
    ASSERT_OK(release_key(hospital_.random.secret(32)));
    if (i == 2) restart();
  }
  EXPECT_ERROR(room_->put_ciphertext(hospital_data_.manifest.digest(), 0, hospital_data_.envelope), Code::binding, "opening dataset hospital");
  ASSERT_OK(release_key(hospital_data_.key));
  const std::size_t records = records_.size();
  EXPECT_ERROR(release_key(hospital_.random.secret(32)), Code::refused, "8 were released for this version");
  EXPECT_EQ(records_.size(), records);
  ASSERT_OK(room_->put_ciphertext(hospital_data_.manifest.digest(), 0, hospital_data_.envelope));
  EXPECT_EQ(room_->status().datasets.front().second, DatasetState::ready);
}

// A table that one key has half decrypted must not become ready under another, which would then be the one that nobody can replace.
TEST_F(RoomLimitsTest, AKeyThatComesInTheMiddleTakesOverNothingFromTheOneBefore) {
  join_all(*room_);
  const auto digest = hospital_data_.manifest.digest();
  const ByteView envelope = hospital_data_.envelope;
  const auto release_key = [&](const SecretBytes& key) {
    return room_->release("hospital", hospital_data_.document, wrap(*room_, hospital_, hospital_data_.manifest, key));
  };
  const SecretBytes other = hospital_.random.secret(32);
  ASSERT_OK(release_key(hospital_data_.key));
  ASSERT_EQ(OrDie(room_->put_ciphertext(digest, 0, envelope.first(100))), 100U);
  ASSERT_OK(release_key(other));
  EXPECT_ERROR(room_->put_ciphertext(digest, 100, envelope.subspan(100)), Code::refused, "expected offset 0");
  EXPECT_ERROR(room_->put_ciphertext(digest, 0, envelope), Code::binding, "opening dataset hospital");
  EXPECT_EQ(room_->status().datasets.front().second, DatasetState::waiting_for_ciphertext);
  ASSERT_OK(release_key(hospital_data_.key));
  ASSERT_OK(room_->put_ciphertext(digest, 0, envelope));
  EXPECT_EQ(room_->status().datasets.front().second, DatasetState::ready);
  EXPECT_ERROR(release_key(other), Code::binding, "not the one that opened this version");
}

}  // namespace
}  // namespace redoubt::cleanroom
