#include "common/attest/evidence/eventlog/boot.h"

#include "common/base/reader.h"

namespace redoubt::eventlog {
namespace {

constexpr std::array<std::byte, 4> kFourZeros{};
constexpr std::size_t kVariableHead = 32;  // GUID and both lengths
constexpr std::uint32_t kEvCrtmContents = 0x00000007;

// Where a register of PCR numbering stands in a log of this kind (TDX Virtual Firmware Design Guide, section 8.1: PCR 1 and 7 are
// RTMR0, PCR 2 to 6 are RTMR1).
int secure_boot_index(const EventLog& log) { return log.registers == Registers::pcrs ? 7 : 1; }
int action_index(const EventLog& log) { return log.registers == Registers::pcrs ? 5 : 2; }
std::pair<int, int> separated(const EventLog& log) {  // first and last register that firmware closes with a separator
  return log.registers == Registers::pcrs ? std::pair(0, 7) : std::pair(1, 2);
}

std::string event_name(const EventLog& log, std::size_t i) {
  return "event " + std::to_string(i + 1) + " in " + log.register_text(log.events[i].index);
}

bool digest_covers_data(std::uint32_t type) {
  return type == kEvEfiVariableDriverConfig || type == kEvEfiVariableAuthority || type == kEvSeparator || type == kEvEfiAction;
}

bool is_digest_of(const Event& event, const Bank& bank, ByteView data) {
  return equal(EventLog::digest(event, bank), hash(bank.algorithm, data).view());
}

// Separators: by digest as well as by type. Types are not authenticated: a host that can extend after boot could append events of
// its own, a separator last, and give the firmware's separator another type.
class Separator {
 public:
  explicit Separator(const Bank& bank) : bank_(bank), digest_(hash(bank.algorithm, kFourZeros)) {}
  bool operator()(const Event& event) const {
    return event.type == kEvSeparator || (event.extends() && equal(EventLog::digest(event, bank_), digest_.view()));
  }
  // is_plain: four zero bytes, as they are or as their digest where the data were left out.
  bool is_plain(const Event& event) const {
    if (event.type != kEvSeparator) return false;
    return event.has_data ? equal(event.data, kFourZeros) : equal(EventLog::digest(event, bank_), digest_.view());
  }

 private:
  const Bank& bank_;
  Digest digest_;
};

// UEFI_VARIABLE_DATA: GUID | u64 name length in characters | u64 data length | name (UTF-16, no NUL) | data.
struct Variable {
  ByteView guid;
  ByteView name;
  ByteView data;
};

Result<Variable> read_variable(ByteView bytes) {
  Reader reader(bytes, "UEFI variable");
  Variable variable;
  variable.guid = reader.bytes(16);
  const std::uint64_t characters = reader.u64le();
  const std::uint64_t size = reader.u64le();
  if (characters > bytes.size() || size > bytes.size()) reader.fail("a length above the event's own");
  if (reader.ok()) {
    variable.name = reader.bytes(static_cast<std::size_t>(characters) * 2);
    variable.data = reader.bytes(static_cast<std::size_t>(size));
  }
  REDOUBT_CHECK(reader.finish());
  return variable;
}

// The first three fields of a GUID are little-endian in memory.
using Guid = std::array<unsigned char, 16>;
constexpr Guid kGlobal = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,   // 8be4df61-93ca-11d2-aa0d-00e098032b8c
                          0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
constexpr Guid kSecurityDatabase = {0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,  // d719b2cb-3d3a-4596-a3bc-dad00e67656f
                                    0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f};

bool is_named(const Variable& variable, const Guid& guid, std::string_view name) {
  if (!equal(variable.guid, std::as_bytes(std::span(guid))) || variable.name.size() != 2 * name.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (variable.name[2 * i] != static_cast<std::byte>(name[i]) || variable.name[2 * i + 1] != std::byte{0}) return false;
  }
  return true;
}

Digest copy(ByteView digest) {
  Digest out(digest.size());
  std::ranges::copy(digest, out.writable().begin());
  return out;
}

// Slot: one of the variables that may stand once.
struct Slot {
  const Guid& guid;
  std::string_view name;
  std::optional<Digest> BootFacts::*digest;  // null: SecureBoot itself
};
constexpr std::array<Slot, 5> kSlots = {{{kGlobal, "SecureBoot", nullptr},
                                         {kGlobal, "PK", &BootFacts::pk},
                                         {kGlobal, "KEK", &BootFacts::kek},
                                         {kSecurityDatabase, "db", &BootFacts::db},
                                         {kSecurityDatabase, "dbx", &BootFacts::dbx}}};

// note_variable: a DRIVER_CONFIG event of the Secure Boot register.
Status note_variable(BootFacts& facts, const Event& event, const Bank& bank, bool after_separator) {
  REDOUBT_TRY(const Variable variable, read_variable(event.data));
  const auto slot = std::ranges::find_if(kSlots, [&](const Slot& s) { return is_named(variable, s.guid, s.name); });
  if (slot == kSlots.end()) return {};
  const std::string name(slot->name);
  // Whatever came after the separator was measured when others than the firmware could already extend the register.
  if (after_separator) return Error(Code::measurement, name + " after the separator");
  if (slot->digest == nullptr ? facts.secure_boot.has_value() : (facts.*(slot->digest)).has_value()) {
    return Error(Code::measurement, name + " stands twice");
  }
  if (!is_digest_of(event, bank, event.data)) return Error(Code::measurement, name + " is not what the digest says");
  if (slot->digest != nullptr) {
    facts.*(slot->digest) = copy(EventLog::digest(event, bank));
    return {};
  }
  // A variable that is not there is measured without data, and then Secure Boot is off.
  const ByteView data = variable.data;
  if (data.size() > 1 || (data.size() == 1 && std::to_integer<unsigned>(data[0]) > 1)) {
    return Error(Code::measurement, "SecureBoot: expected 00 or 01, found " + hex_encode(data.first(std::min<std::size_t>(data.size(), 16))));
  }
  facts.secure_boot = data.size() == 1 && data[0] == std::byte{1};
  return {};
}

}  // namespace

Status check_data(const EventLog& log, const Bank& bank) {
  for (std::size_t i = 0; i < log.events.size(); ++i) {
    const Event& event = log.events[i];
    if (!digest_covers_data(event.type) || !event.has_data || is_digest_of(event, bank, event.data)) continue;
    if (event.type == kEvEfiVariableAuthority) {
      const auto variable = read_variable(event.data);
      if (variable.ok() && is_digest_of(event, bank, variable->data)) continue;
      if (event.data.size() > kVariableHead && is_digest_of(event, bank, event.data.first(event.data.size() - 1))) continue;
    }
    return Error(Code::measurement, event_name(log, i) + ": digest of the data is " + hash(bank.algorithm, event.data).hex() +
                                        ", found " + hex_encode(EventLog::digest(event, bank)));
  }
  return {};
}

Status check_separators(const EventLog& log, const Bank& bank) {
  const Separator separates(bank);
  const auto [first, last] = separated(log);
  std::array<int, 8> counts{};
  for (std::size_t i = 0; i < log.events.size(); ++i) {
    const Event& event = log.events[i];
    if (event.index < first || event.index > last || !separates(event)) continue;
    // Some firmware measures four zero bytes for the contents of its CRTM, into PCR 0, where no decision rests on the separator.
    if (log.registers == Registers::pcrs && event.index == 0 && event.type == kEvCrtmContents) continue;
    if (event.type != kEvSeparator) {
      return Error(Code::measurement,
                   event_name(log, i) + ": a separator's digest under event type " + std::to_string(event.type));
    }
    if (!separates.is_plain(event)) {
      return Error(Code::measurement, event_name(log, i) + ": expected a separator of four zero bytes, found " +
                                          hex_encode(event.data.first(std::min<std::size_t>(event.data.size(), 16))));
    }
    ++counts[static_cast<std::size_t>(event.index)];
  }
  for (int index = first; index <= last; ++index) {
    const int count = counts[static_cast<std::size_t>(index)];
    if (count != 1) {
      return Error(Code::measurement,
                   log.register_text(index) + ": expected one separator, found " + std::to_string(count));
    }
  }
  return {};
}

Result<BootFacts> boot_facts(const EventLog& log, const Bank& bank) {
  const Separator separates(bank);
  BootFacts facts;
  bool after_separator = false;
  for (std::size_t i = 0; i < log.events.size(); ++i) {
    const Event& event = log.events[i];
    if (!event.extends()) continue;
    if (event.index == action_index(log) && event.type == kEvEfiAction &&
        as_text(event.data) == "Exit Boot Services Returned with Success" && is_digest_of(event, bank, event.data)) {
      facts.exit_boot_services = true;
    }
    if (log.registers == Registers::pcrs && event.index == 2 &&
        (event.type == kEvEfiBootServicesDriver || event.type == kEvEfiRuntimeServicesDriver)) {
      ++facts.option_roms;
    }
    if (event.index != secure_boot_index(log)) continue;
    after_separator = after_separator || separates(event);
    if (event.type == kEvEfiVariableAuthority && after_separator) {
      facts.authorities.push_back(copy(EventLog::digest(event, bank)));
    }
    if (event.type != kEvEfiVariableDriverConfig || !event.has_data) continue;
    const Status status = note_variable(facts, event, bank, after_separator);
    if (!status.ok()) return Error(Code::measurement, event_name(log, i) + ": " + status.error().message());
  }
  return facts;
}

}  // namespace redoubt::eventlog
