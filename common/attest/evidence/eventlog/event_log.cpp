#include "common/attest/evidence/eventlog/event_log.h"

#include "common/base/reader.h"

namespace redoubt::eventlog {
namespace {

constexpr std::uint32_t kNoRegister = 0xffffffff;
constexpr std::size_t kSha1Size = 20;
constexpr std::size_t kOldHeaderSize = 32;  // pcr, type, digest, size
constexpr std::string_view kSpecId("Spec ID Event03\0", 16);
constexpr std::string_view kStartupLocality("StartupLocality\0", 16);

bool all(ByteView bytes, std::byte value) {
  return std::ranges::all_of(bytes, [value](std::byte b) { return b == value; });
}

// is_crypto_agile: the first event carries the signature of the header; anything else can only be the SHA-1 form.
bool is_crypto_agile(ByteView log) {
  return log.size() >= kOldHeaderSize + kSpecId.size() &&
         equal(log.subspan(kOldHeaderSize, kSpecId.size()), as_bytes(kSpecId));
}

// The header is an event of the old form: PCR 0, EV_NO_ACTION, a zero SHA-1 digest, and TCG_EfiSpecIDEvent as data.
//
//   u32 pcr | u32 type | 20 bytes zero | u32 size | "Spec ID Event03\0" | u32 platform class | u8 minor | u8 major | u8 errata |
//   u8 uintn size | u32 algorithm count | (u16 id, u16 digest size)* | u8 vendor size | vendor info          all little-endian
std::vector<Bank> read_header(Reader& reader, std::uint32_t max_index) {
  if (reader.u32le() > max_index) reader.fail("header: another register than the first");
  if (reader.u32le() != kEvNoAction) reader.fail("header: expected EV_NO_ACTION");
  if (!all(reader.bytes(kSha1Size), std::byte{0})) reader.fail("header: digest is not zero");
  const ByteView data = reader.sized32le(EventLog::kMaxEventData);

  Reader spec(data, "event log header");
  spec.bytes(kSpecId.size());
  spec.u32le();  // platform class
  if (spec.u8() != 0 || spec.u8() != 2) spec.fail("expected version 2.0");
  spec.u8();  // errata
  const std::uint8_t uintn = spec.u8();
  if (uintn != 1 && uintn != 2) spec.fail("UINTN size: expected 1 or 2");
  const std::uint32_t count = spec.u32le();
  if (count == 0 || count > kMaxBanks) spec.fail("expected 1 to 8 algorithms, found " + std::to_string(count));
  std::vector<Bank> banks;
  banks.reserve(kMaxBanks);
  for (std::uint32_t i = 0; i < count && spec.ok(); ++i) {
    Bank bank;
    bank.algorithm = spec.u16le();
    bank.size = spec.u16le();
    bank.place = i;
    const std::size_t known = known_size(bank.algorithm);
    if (bank.size == 0 || bank.size > Digest::kMaxSize || (known != 0 && known != bank.size)) {
      spec.fail("digest size " + std::to_string(bank.size) + " of algorithm " + algorithm_text(bank.algorithm));
    }
    if (std::ranges::any_of(banks, [&](const Bank& other) { return other.algorithm == bank.algorithm; })) {
      spec.fail("algorithm " + algorithm_text(bank.algorithm) + " stands twice");
    }
    banks.push_back(bank);
  }
  const std::uint8_t vendor_size = spec.u8();
  spec.bytes(vendor_size);
  if (const Status status = spec.finish(); !status.ok()) reader.fail(status.error().message());
  return banks;
}

int read_index(Reader& reader, std::uint32_t max_index, std::uint32_t& type) {
  const std::uint32_t index = reader.u32le();
  type = reader.u32le();
  if (index == kNoRegister && type == kEvNoAction) return -1;
  if (index > max_index) {
    reader.fail("register index: expected 0 to " + std::to_string(max_index) + ", found " + std::to_string(index));
    return 0;
  }
  return static_cast<int>(index);
}

// read_digests: one of each bank of the header. Their order is the firmware's: TCG PC Client Platform Firmware Profile asks for none.
void read_digests(Reader& reader, const std::vector<Bank>& banks, ByteView log, Event& event) {
  const std::uint32_t count = reader.u32le();
  if (count != banks.size()) {
    reader.fail("digest count: expected " + std::to_string(banks.size()) + " as in the header, found " + std::to_string(count));
  }
  const std::size_t begin = reader.offset();
  unsigned seen = 0;
  for (std::size_t i = 0; i < banks.size() && reader.ok(); ++i) {
    const std::uint16_t algorithm = reader.u16le();
    const auto bank = std::ranges::find(banks, algorithm, &Bank::algorithm);
    if (bank == banks.end()) return reader.fail("digest algorithm: expected one of the header, found " + algorithm_text(algorithm));
    if ((seen >> bank->place & 1U) != 0) return reader.fail("digest algorithm " + algorithm_text(algorithm) + " stands twice");
    seen |= 1U << bank->place;
    event.offsets[bank->place] = static_cast<std::uint16_t>(reader.offset() - begin);
    reader.bytes(bank->size);
  }
  if (reader.ok()) event.digests = log.subspan(begin, reader.offset() - begin);
}

// make_room: for as many events as `size` bytes can hold, so that the list grows once; with data they are fewer.
void make_room(EventLog& log, std::size_t size) {
  std::size_t least = 16;  // PCR, type, count of digests, size of the data
  for (const Bank& bank : log.banks) least += sizeof bank.algorithm + bank.size;
  log.events.reserve(std::min(EventLog::kMaxEvents, size / least));
}

// An event: u32 pcr | u32 type | u32 digest count | (u16 algorithm, digest)* | u32 size | data, all little-endian.
Event read_event(Reader& reader, const std::vector<Bank>& banks, ByteView log, std::uint32_t max_index) {
  Event event;
  event.index = read_index(reader, max_index, event.type);
  read_digests(reader, banks, log, event);
  event.data = reader.sized32le(EventLog::kMaxEventData);
  return event;
}

// The SHA-1 form: u32 pcr | u32 type | 20 bytes digest | u32 size | data, from the first event on.
Event read_sha1_event(Reader& reader) {
  Event event;
  event.index = read_index(reader, kPcrCount - 1, event.type);
  event.digests = reader.bytes(kSha1Size);
  event.data = reader.sized32le(EventLog::kMaxEventData);
  return event;
}

// note_locality (section 10.4.5.3): PCR 0 starts with the locality of TPM2_Startup, or of the H-CRTM, in its last byte. Said later,
// or twice, it would let the attester choose among values.
void note_locality(Reader& reader, EventLog& log, const Event& event, bool extended_pcr0) {
  if (event.type != kEvNoAction || event.data.size() < kStartupLocality.size() ||
      !equal(event.data.first(kStartupLocality.size()), as_bytes(kStartupLocality))) {
    return;
  }
  if (event.data.size() != kStartupLocality.size() + 1) return reader.fail("StartupLocality: expected one byte after its name");
  if (event.index != 0 || extended_pcr0 || log.startup_locality) {
    return reader.fail("StartupLocality: expected once, before the first event of PCR 0");
  }
  // 0 to 4 are localities; H-CRTM events start PCR 0 at 4.
  const std::uint8_t locality = std::to_integer<std::uint8_t>(event.data.back());
  if (locality > 4) return reader.fail("StartupLocality: expected 0 to 4, found " + std::to_string(locality));
  log.startup_locality = locality;
}

// is_filler: what follows in the table is no event: 0xff to its end, or zeros to its end.
bool is_filler(ByteView rest) { return all(rest, std::byte{0xff}) || all(rest, std::byte{0}); }

Status too_large(ByteView bytes) {
  if (bytes.size() <= EventLog::kMaxSize) return {};
  return Error(Code::malformed, "event log: expected at most 1048576 bytes, found " + std::to_string(bytes.size()));
}

Status require_extension(const EventLog& log) {
  if (std::ranges::any_of(log.events, &Event::extends)) return {};
  return Error(Code::malformed, "event log: expected an event that extends a register, found none");
}

}  // namespace

Result<EventLog> EventLog::parse(ByteView bytes) {
  REDOUBT_CHECK(too_large(bytes));
  Reader reader(bytes, "event log");
  EventLog log;
  if (is_crypto_agile(bytes)) {
    log.banks = read_header(reader, 0);
  } else {
    log.form = Form::sha1;
    log.banks = {Bank{kSha1, kSha1Size, 0}};
  }
  make_room(log, reader.remaining());
  bool extended_pcr0 = false;
  while (reader.ok() && reader.remaining() != 0) {
    if (log.events.size() == kMaxEvents) reader.fail("more than 4096 events");
    const Event event =
        log.form == Form::sha1 ? read_sha1_event(reader) : read_event(reader, log.banks, bytes, kPcrCount - 1);
    if (!reader.ok()) break;
    note_locality(reader, log, event, extended_pcr0);
    extended_pcr0 = extended_pcr0 || (event.index == 0 && event.extends());
    log.events.push_back(event);
  }
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(require_extension(log));
  return log;
}

Result<EventLog> EventLog::parse_ccel(ByteView table) {
  REDOUBT_CHECK(too_large(table));
  if (!is_crypto_agile(table)) return Error(Code::malformed, "ccel: expected a crypto-agile log (Spec ID Event03)");
  Reader reader(table, "ccel");
  EventLog log;
  log.registers = Registers::rtmrs;
  log.banks = read_header(reader, 1);  // firmware writes the header under MRTD or under RTMR0
  if (reader.ok() && (log.banks.size() != 1 || log.banks.front().algorithm != kSha384)) {
    std::string found;
    for (const Bank& bank : log.banks) found += (found.empty() ? "" : ", ") + algorithm_text(bank.algorithm);
    reader.fail("expected digests of sha384 alone, found " + found);
  }
  make_room(log, reader.remaining());
  while (reader.ok() && reader.remaining() != 0 && !is_filler(table.subspan(reader.offset()))) {
    if (log.events.size() == kMaxEvents) reader.fail("more than 4096 events");
    const Event event = read_event(reader, log.banks, table, kRtmrCount);
    if (event.index == 0 && event.extends()) reader.fail("expected no event that extends MRTD");
    if (reader.ok()) log.events.push_back(event);
  }
  REDOUBT_CHECK(reader.status());
  REDOUBT_CHECK(require_extension(log));
  return log;
}

const Bank* EventLog::bank(std::uint16_t algorithm) const {
  const auto it = std::ranges::find(banks, algorithm, &Bank::algorithm);
  return it == banks.end() ? nullptr : &*it;
}

Replay EventLog::replay(const Bank& bank) const {
  Replay values;
  for (const Event& event : events) {
    if (!event.extends()) continue;
    auto& value = values[static_cast<std::size_t>(event.index)];
    if (!value) {
      value = Digest(bank.size);
      if (event.index == 0 && startup_locality) value->writable().back() = std::byte{*startup_locality};
    }
    value = extend(bank.algorithm, *value, digest(event, bank));
  }
  return values;
}

std::string EventLog::register_text(int index) const {
  if (index < 0) return "none";
  if (registers == Registers::pcrs) return "PCR " + std::to_string(index);
  return index == 0 ? "MRTD" : "RTMR" + std::to_string(index - 1);
}

}  // namespace redoubt::eventlog
