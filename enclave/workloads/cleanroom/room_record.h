// RoomRecord: one accepted change of a room, as it is kept in sealed state (docs/specs/sealed-state.md).
//
// A room makes a record of what it is about to change, has it made durable, and then changes itself by it; after a restart it does the same with the records that
// it kept. So a restored room is what stood. Records hold dataset keys: they leave the program only sealed. Parsing is strict and bounded, although
// what is parsed was authenticated: a later release must not read an earlier one's records as something else. Pure.
#pragma once

#include "common/base/instant.h"
#include "common/base/secret.h"
#include "common/receipt/log.h"

namespace redoubt::cleanroom {

struct RoomRecord {
  // What was accepted, and the fields that it has, in their order.
  enum class Kind : std::uint8_t {
    boot = 1,    // boot id, head that the log entry names (three lines, or empty)
    join,        // participant, signature
    carry_over,  // participant, signed statement
    enrolment,   // participant, AkEnrolment
    old_logs,    // checkpoint, then each log: instance id, entries each with a u16be length
    manifest,    // signed manifest
    key,         // manifest digest, dataset key
    dataset,     // manifest digest: rows and types were looked at
    proposal,    // signed proposal, index of its reservation (u64be)
    refusal,     // participant whose proposal was refused; empty for a run
    ballot,      // proposal digest, signed ballot
    run,         // proposal digest, receipt file, then each package: recipient, sealed bytes
    carried,     // nothing: the old logs count from here on
    change,      // signed contract change, index of its entry (u64be)
    change_ballot,  // change digest, signed change ballot
    hand_over,   // hand-over file: this contract has ended
    succession,  // hand-over file of the contract before
  };
  static constexpr std::size_t kMaxEntries = 4;
  static constexpr std::size_t kMaxFields = 1024;
  static constexpr std::size_t kMaxField = 64U << 20;

  Kind kind = Kind::refusal;
  Instant floor;                            // of the time, after it
  std::uint64_t size = 0;                   // of the log, before it
  receipt::TreeHash root;                   // of the log, before it
  std::vector<receipt::LogEntry> entries;   // that it adds to the log
  std::vector<SecretBytes> fields;

  RoomRecord& add(ByteView field) {
    fields.push_back(SecretBytes::copy_of(field));
    return *this;
  }
  RoomRecord& add(std::string_view text) { return add(as_bytes(text)); }

  // encode gives nothing that decode would not take: `refused` for more or larger fields than there may be, `internal` for another number than the kind has.
  //   'R' 1 | kind u8 | floor u64be | size u64be | root 32 | u8 entries, each u16be length | u16be fields, each u32be length.
  Result<SecretBytes> encode() const;
  // decode accepts exactly what encode() writes for a number of fields that its kind can have; `malformed`.
  static Result<RoomRecord> decode(ByteView bytes);

  // digest: field `index` as a digest or id; `malformed` for another size.
  template <class D>
  Result<D> fixed(std::size_t index, std::string_view what) const {
    return D::from(fields.at(index).reveal(), what);
  }
  std::string text(std::size_t index) const { return std::string(as_text(fields.at(index).reveal())); }
};

}  // namespace redoubt::cleanroom
