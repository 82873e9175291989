// RoomStateTest: a room whose records go into a list, and restarts from it. For tests.
#pragma once

#include "enclave/workloads/cleanroom/room_test_fixture.h"

namespace redoubt::cleanroom {

class RoomStateTest : public RoomTest {
 protected:
  RoomStateTest() { EXPECT_OK(room_->keep_in(keeper())); }

  Keep keeper() {
    return [this](ByteView record) -> Status {
      if (full_) return Error(Code::unavailable, "disk full");
      if (narrow_ && record.size() > 2000) return Error(Code::refused, "no room for a record of " + std::to_string(record.size()) + " bytes");
      records_.push_back(SecretBytes::copy_of(record));
      return {};
    };
  }
  // identity of the room with this seed, in its n-th boot.
  Room::Identity identity(std::uint64_t seed, int boot) {
    test::FixedRandom random(seed);
    auto receipt_key = OrDie(crypto::Ed25519PrivateKey::generate(random));
    auto hpke_key = OrDie(crypto::HpkePrivateKey::generate(random));
    attest::Claims claims;
    claims.workload = "cleanroom";
    claims.instance = random.fixed<InstanceId>();
    claims.boot = random.fixed<BootId>();
    claims.boot.array()[0] ^= static_cast<std::byte>(boot);
    claims.receipt_key = receipt_key.public_key();
    claims.hpke_key = hpke_key.public_key();
    claims.contract = contract().digest();
    return {claims, std::move(receipt_key), std::move(hpke_key), program_, {"tpm", to_bytes("evidence"), Challenge(), claims.canonical()}, {}, kNow.plus_seconds(-1000),
            std::nullopt};
  }
  Result<std::unique_ptr<Room>> restore_from(const std::vector<SecretBytes>& records, std::uint64_t seed = 1) {
    ++boots_;
    REDOUBT_TRY(auto room, Room::restore(contract(), identity(seed, boots_), engine_, room_random_, [this] { return clock_; }, records, tick()));
    REDOUBT_CHECK(room->keep_in(keeper()));
    return room;
  }
  // kept: copies of all records.
  std::vector<SecretBytes> kept() const { return clones(records_, records_.size()); }
  // restart: the room ends, and a new boot goes on with what it kept.
  void restart() {
    room_.reset();
    room_ = OrDie(restore_from(kept()));
  }
  void deliver(Room& room) {
    for (auto* entry : {&hospital_data_, &laboratory_data_}) ASSERT_OK(room.put_ciphertext(entry->manifest.digest(), 0, entry->envelope));
  }
  static std::vector<SecretBytes> clones(const std::vector<SecretBytes>& records, std::size_t count) {
    std::vector<SecretBytes> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(records[i].clone());
    return out;
  }
  receipt::Checkpoint checkpoint(const Room& room) const {
    return OrDie(receipt::Checkpoint::verify(room.checkpoint(), receipt::log_origin(room.claims().instance), room.claims().receipt_key));
  }

  std::vector<SecretBytes> records_;
  bool full_ = false;
  bool narrow_ = false;
  int boots_ = 0;
};

}  // namespace redoubt::cleanroom
