// Goal: what is read back counts only with the participants' signatures, says what it logs, and can always be read: whatever a room keeps it takes back, up to the last byte of every
// limit. Method: the records of a whole session with one part changed at a time, written as whoever has opened the seal could write them; records at and beyond each limit.
#include "common/attest/evidence/tpm/enrolment.h"
#include "enclave/workloads/cleanroom/room_state_test_fixture.h"

namespace redoubt::cleanroom {
namespace {

using Kind = RoomRecord::Kind;

class RoomKeptTest : public RoomStateTest {
 protected:
  // session: one record of each kind that a room without predecessor has.
  void session() {
    provide(*room_);
    ASSERT_OK(room_->add_enrolment("analyst", tpm::AkEnrolment::sign(crypto::sha256(as_bytes("c")), tpm::AkName(), kNow, analyst_.key).encode()));
    EXPECT_FALSE(room_->propose(sign(proposal(*room_, "DROP"), analyst_)).ok());
    const jobs::Proposal query = proposal(*room_);
    ASSERT_OK(room_->propose(sign(query, analyst_)));
    approve(*room_, query);
    ASSERT_OK(room_->run(query.digest()));
  }
  // changed: restores all records, the first of `kind` as `change` leaves it.
  Status changed(Kind kind, const std::function<void(RoomRecord&)>& change) {
    std::vector<SecretBytes> records = kept();
    for (SecretBytes& bytes : records) {
      RoomRecord record = OrDie(RoomRecord::decode(bytes.reveal()));
      if (record.kind != kind) continue;
      change(record);
      bytes = OrDie(record.encode());
      ++boots_;
      const auto restored = Room::restore(contract(), identity(1, boots_), engine_, room_random_, [this] { return clock_; }, records, tick());
      return restored.ok() ? Status() : Status(restored.error());
    }
    return Error(Code::internal, "no record of this kind");
  }
  static void set(RoomRecord& record, std::size_t field, std::string_view text) { record.fields[field] = SecretBytes::copy_of(as_bytes(text)); }
  // forge: another signature in a signed document, or another signer's over the same text.
  static std::function<void(RoomRecord&)> forge(std::size_t field, std::string_view type, const Party& by) {
    return [field, type, &by](RoomRecord& record) {
      const auto document = OrDie(jobs::SignedDocument::decode(record.text(field), 1U << 20));
      set(record, field, jobs::sign_document(type, document.text, by.key).encode());
    };
  }
};

TEST_F(RoomKeptTest, WhatNobodySignedIsNotTakenBack) {
  session();
  EXPECT_ERROR(changed(Kind::join, [&](RoomRecord& r) { r.fields[1] = SecretBytes::copy_of(stranger_.key.sign(as_bytes("something else")).view()); }), Code::chain, "restoring: record");
  EXPECT_ERROR(changed(Kind::join, [](RoomRecord& r) { set(r, 0, "stranger"); }), Code::chain, "\"stranger\" is not in this contract");
  EXPECT_ERROR(changed(Kind::enrolment, [](RoomRecord& r) { set(r, 0, "stranger"); }), Code::chain, "not in this contract");
  EXPECT_ERROR(changed(Kind::enrolment, [&](RoomRecord& r) {
    auto enrolment = tpm::AkEnrolment::sign(crypto::sha256(as_bytes("d")), tpm::AkName(), kNow, stranger_.key);
    enrolment.enroller = analyst_.key.public_key();
    r.fields[1] = SecretBytes::copy_of(enrolment.encode());
  }), Code::chain, "restoring: record");
  EXPECT_ERROR(changed(Kind::manifest, forge(0, jobs::kManifestType, stranger_)), Code::chain, "restoring: record");
  EXPECT_ERROR(changed(Kind::proposal, forge(0, jobs::kProposalType, hospital_)), Code::chain, "restoring: record");
  EXPECT_ERROR(changed(Kind::ballot, forge(1, jobs::kBallotType, laboratory_)), Code::chain, "restoring: record");
  EXPECT_OK(changed(Kind::boot, [](RoomRecord&) {})) << "the records as they are";
}

TEST_F(RoomKeptTest, ARecordThatLogsSomethingElseIsNotTakenBack) {
  session();
  for (const Kind kind : {Kind::join, Kind::manifest, Kind::key, Kind::dataset, Kind::proposal, Kind::ballot, Kind::run}) {
    EXPECT_ERROR(changed(kind, [](RoomRecord& r) { r.entries.back().content.array()[0] ^= std::byte{1}; }), Code::log_proof, "logs something else") << static_cast<int>(kind);
    EXPECT_ERROR(changed(kind, [](RoomRecord& r) { r.entries.clear(); }), Code::log_proof, "") << static_cast<int>(kind);
  }
  for (const Kind kind : {Kind::manifest, Kind::key, Kind::enrolment}) {
    EXPECT_ERROR(changed(kind, [](RoomRecord& r) { r.entries.push_back({std::string(receipt::kCarriedEntry), crypto::Sha256Digest()}); }), Code::log_proof, "logs something else");
  }
  EXPECT_ERROR(changed(Kind::key, [](RoomRecord& r) { r.fields[0] = SecretBytes::copy_of(jobs::ManifestDigest().view()); }), Code::malformed, "a key of no manifest that was kept");
  EXPECT_ERROR(changed(Kind::key, [&](RoomRecord& r) {  // said to be released to another identity
    r.entries[0] = jobs::key_release_entry({hospital_data_.manifest.digest(), "hospital", room_->claims().instance, analyst_.hpke.public_key(), 1});
  }), Code::log_proof, "logs something else");
  EXPECT_ERROR(changed(Kind::refusal, [](RoomRecord& r) { r.entries[0].kind = receipt::kCarriedEntry; }), Code::log_proof, "a refusal that is not logged");
  EXPECT_ERROR(changed(Kind::proposal, [](RoomRecord& r) { r.fields[1] = SecretBytes::copy_of(Writer().u64be(1).view()); }), Code::log_proof, "another place");
  EXPECT_ERROR(changed(Kind::run, [](RoomRecord& r) { set(r, 1, "{}"); }), Code::malformed, "receipt file");
}

TEST_F(RoomKeptTest, OldLogsAreCarriedOverBySignaturesNotByARecord) {
  records_.clear();
  const auto lost = make_room(9);
  provide(*lost);
  room_ = make_room(1, checkpoint(*lost).head());
  ASSERT_OK(room_->keep_in(keeper()));
  ASSERT_OK(room_->offer_old_logs({{lost->claims().instance, lost->entries(0)}}, lost->checkpoint()));
  join_all(*room_);
  const auto statement = room_->status().carry_over->statement;
  for (const Party* party : {&analyst_, &hospital_, &laboratory_}) {
    ASSERT_OK(room_->carry_over(party->name, jobs::sign_document(jobs::kCarryOverType, statement.canonical(), party->key)));
  }
  EXPECT_OK(changed(Kind::carried, [](RoomRecord&) {}));
  EXPECT_ERROR(changed(Kind::carry_over, forge(1, jobs::kCarryOverType, stranger_)), Code::chain, "restoring: record");
  EXPECT_ERROR(changed(Kind::carry_over, [](RoomRecord& r) { set(r, 0, "stranger"); }), Code::chain, "not in this contract");
  // Without one of them the record that says "carried" says nothing.
  auto without = kept();
  std::erase_if(without, [](const SecretBytes& bytes) {
    const auto record = OrDie(RoomRecord::decode(bytes.reveal()));
    return record.kind == Kind::carry_over && record.text(0) == "hospital";
  });
  EXPECT_ERROR(restore_from(without), Code::chain, "not everyone has signed that");
}

// sized: a record of this kind with these numbers.
RoomRecord sized(Kind kind, std::size_t entries, std::size_t fields, std::size_t field_size = 1) {
  RoomRecord out;
  out.kind = kind;
  out.floor = kNow;
  for (std::size_t i = 0; i < entries; ++i) out.entries.push_back({std::string(receipt::LogEntry::kMaxKind, 'k'), crypto::Sha256Digest()});
  for (std::size_t i = 0; i < fields; ++i) out.fields.emplace_back(field_size);
  return out;
}

TEST_F(RoomKeptTest, ARecordThatCanBeWrittenCanBeRead) {
  std::size_t written = 0;
  std::size_t refused = 0;
  const auto hold = [&](const RoomRecord& record, const std::string& what) {
    const auto encoded = record.encode();
    ++(encoded.ok() ? written : refused);
    if (!encoded.ok()) return;
    const auto read = RoomRecord::decode(encoded->reveal());
    ASSERT_OK(read) << what;
    EXPECT_EQ(OrDie(read->encode()), *encoded) << what;
    EXPECT_EQ(read->fields.size(), record.fields.size()) << what;
  };
  for (int kind = 0; kind <= 15; ++kind) {
    for (std::size_t entries = 0; entries <= RoomRecord::kMaxEntries + 1; ++entries) {
      for (const std::size_t fields : {0U, 1U, 2U, 3U, 4U, 1023U, 1024U, 1025U, 1026U, 65'538U}) {
        if (fields > 4 && entries > 1) continue;
        hold(sized(static_cast<Kind>(kind), entries, fields), std::to_string(kind) + " with " + std::to_string(entries) + " entries and " + std::to_string(fields) + " fields");
      }
    }
  }
  EXPECT_GT(written, 50U);
  EXPECT_GT(refused, 300U);
  hold(sized(Kind::manifest, 0, 1, RoomRecord::kMaxField), "the largest field");
  EXPECT_ERROR(sized(Kind::manifest, 0, 1, RoomRecord::kMaxField + 1).encode(), Code::refused, "a field of 67108865 bytes");
  EXPECT_ERROR(sized(Kind::run, 0, 1026).encode(), Code::refused, "1026 fields");
  EXPECT_ERROR(sized(Kind::join, 0, 3).encode(), Code::internal, "another number of fields");
  RoomRecord odd = sized(Kind::join, 1, 2);
  odd.entries[0].kind = "NOT A KIND";
  EXPECT_FALSE(odd.encode().ok());
  odd.entries[0].kind = std::string(receipt::LogEntry::kMaxKind + 1, 'k');
  EXPECT_FALSE(odd.encode().ok());
}

TEST_F(RoomKeptTest, TheLargestDocumentsAreTakenBack) {
  // A proposal that fills its limit with text whose every byte is escaped.
  provide(*room_);
  const std::string sql = "SELECT 1 -- ";
  const jobs::Proposal large = proposal(*room_, sql + std::string(jobs::Proposal::kMaxSql - sql.size(), '"'));
  ASSERT_OK(room_->propose(sign(large, analyst_)));
  restart();
  EXPECT_OK(room_->reservation(large.digest()));
}

}  // namespace
}  // namespace redoubt::cleanroom
