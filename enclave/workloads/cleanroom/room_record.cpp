#include "enclave/workloads/cleanroom/room_record.h"

#include <algorithm>

#include "common/base/reader.h"

namespace redoubt::cleanroom {
namespace {

constexpr std::uint8_t kRecordMagic = 'R';
constexpr std::uint8_t kRecordVersion = 1;

// fits: this many fields are what records of this kind have.
bool fits(RoomRecord::Kind kind, std::size_t fields) {
  using Kind = RoomRecord::Kind;
  switch (kind) {
    case Kind::boot:
    case Kind::join:
    case Kind::carry_over:
    case Kind::enrolment:
    case Kind::key:
    case Kind::proposal:
    case Kind::ballot:
    case Kind::change:
    case Kind::change_ballot: return fields == 2;
    case Kind::manifest:
    case Kind::dataset:
    case Kind::refusal:
    case Kind::hand_over:
    case Kind::succession: return fields == 1;
    case Kind::carried: return fields == 0;
    case Kind::old_logs: return fields >= 2;
    case Kind::run: return fields >= 2 && fields % 2 == 0;
  }
  return false;
}

}  // namespace

Result<SecretBytes> RoomRecord::encode() const {
  // The same limits as in decode(): a record that can be kept can be read.
  if (entries.size() > kMaxEntries) return Error(Code::internal, "room record: " + std::to_string(entries.size()) + " log entries");
  if (fields.size() > kMaxFields) return Error(Code::refused, "room record: " + std::to_string(fields.size()) + " fields");
  if (!fits(kind, fields.size())) return Error(Code::internal, "room record: another number of fields than its kind has");
  Writer head;
  head.u8(kRecordMagic).u8(kRecordVersion).u8(static_cast<std::uint8_t>(kind)).u64be(static_cast<std::uint64_t>(floor.unix_seconds()));
  head.u64be(size).bytes(root.view()).u8(static_cast<std::uint8_t>(entries.size()));
  for (const receipt::LogEntry& entry : entries) {
    const Bytes encoded = entry.encode();
    REDOUBT_TRY([[maybe_unused]] const auto read, receipt::LogEntry::parse(encoded).context("room record"));
    head.sized16be(encoded);
  }
  head.u16be(static_cast<std::uint16_t>(fields.size()));
  std::size_t total = head.size();
  for (const SecretBytes& field : fields) {
    if (field.size() > kMaxField) return Error(Code::refused, "room record: a field of " + std::to_string(field.size()) + " bytes");
    total += 4 + field.size();
  }
  SecretBytes out(total);  // of the right size at once, so that no copy of a key stays behind
  auto at = std::ranges::copy(head.view(), out.writable().begin()).out;
  for (const SecretBytes& field : fields) {
    at = std::ranges::copy(Writer().u32be(static_cast<std::uint32_t>(field.size())).view(), at).out;
    at = std::ranges::copy(field.reveal(), at).out;
  }
  return out;
}

Result<RoomRecord> RoomRecord::decode(ByteView bytes) {
  Reader reader(bytes, "room record");
  if (reader.u8() != kRecordMagic || reader.u8() != kRecordVersion) reader.fail("expected version 1");
  RoomRecord out;
  out.kind = static_cast<Kind>(reader.u8());
  out.floor = Instant(static_cast<std::int64_t>(reader.u64be()));
  out.size = reader.u64be();
  out.root = reader.fixed<receipt::TreeHash>();
  const std::size_t entries = reader.u8();
  if (entries > kMaxEntries) reader.fail("too many log entries");
  for (std::size_t i = 0; i < entries && reader.ok(); ++i) {
    const ByteView entry = reader.sized16be(receipt::LogEntry::kMaxSize);
    if (!reader.ok()) break;
    REDOUBT_TRY(out.entries.emplace_back(), receipt::LogEntry::parse(entry));
  }
  const std::size_t fields = reader.u16be();
  if (fields > kMaxFields || (reader.ok() && !fits(out.kind, fields))) reader.fail("another number of fields than its kind has");
  for (std::size_t i = 0; i < fields && reader.ok(); ++i) out.fields.push_back(SecretBytes::copy_of(reader.sized32be(kMaxField)));
  REDOUBT_CHECK(reader.finish());
  return out;
}

}  // namespace redoubt::cleanroom
