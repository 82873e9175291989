#include "common/attest/evidence/tpm/event_log.h"

#include "common/attest/evidence/tpm/structures.h"
#include "common/base/reader.h"

namespace redoubt::tpm {
namespace {

constexpr std::size_t kMaxAlgorithms = 8;
constexpr std::size_t kSha1Size = 20;
constexpr std::string_view kSpecId("Spec ID Event03\0", 16);
constexpr std::string_view kStartupLocality("StartupLocality\0", 16);

struct Algorithm {
  std::uint16_t id = 0;
  std::uint16_t size = 0;
};

// known_size: digest sizes that are fixed by the TCG registry; 0 for algorithms that only the header knows.
std::size_t known_size(std::uint16_t id) {
  switch (id) {
    case 0x0004: return 20;      // SHA-1
    case kAlgSha256: return 32;
    case 0x000c: return 48;      // SHA-384
    case 0x000d: return 64;      // SHA-512
    case 0x0012: return 32;      // SM3-256
    default: return 0;
  }
}

// The header is an event of the old form: PCR 0, EV_NO_ACTION, a zero SHA-1 digest, and TCG_EfiSpecIDEvent as data.
//
//   u32 pcr | u32 type | 20 bytes zero | u32 size | "Spec ID Event03\0" | u32 platform class | u8 minor | u8 major | u8 errata |
//   u8 uintn size | u32 algorithm count | (u16 id, u16 digest size)* | u8 vendor size | vendor info          all little-endian
std::vector<Algorithm> read_header(Reader& reader) {
  if (reader.u32le() != 0) reader.fail("header: expected PCR 0");
  if (reader.u32le() != kEvNoAction) reader.fail("header: expected EV_NO_ACTION");
  const ByteView digest = reader.bytes(kSha1Size);
  if (!std::ranges::all_of(digest, [](std::byte b) { return b == std::byte{0}; })) reader.fail("header: digest is not zero");
  const ByteView data = reader.sized32le(EventLog::kMaxEventData);

  Reader spec(data, "event log header");
  if (!equal(spec.bytes(kSpecId.size()), as_bytes(kSpecId))) spec.fail("expected a crypto-agile log (Spec ID Event03)");
  spec.u32le();  // platform class
  if (spec.u8() != 0 || spec.u8() != 2) spec.fail("expected version 2.0");
  spec.u8();  // errata
  const std::uint8_t uintn = spec.u8();
  if (uintn != 1 && uintn != 2) spec.fail("UINTN size: expected 1 or 2");
  const std::uint32_t count = spec.u32le();
  if (count == 0 || count > kMaxAlgorithms) spec.fail("expected 1 to 8 algorithms, found " + std::to_string(count));
  std::vector<Algorithm> algorithms;
  for (std::uint32_t i = 0; i < count && spec.ok(); ++i) {
    Algorithm algorithm;
    algorithm.id = spec.u16le();
    algorithm.size = spec.u16le();
    const std::size_t known = known_size(algorithm.id);
    if (algorithm.size == 0 || algorithm.size > 64 || (known != 0 && known != algorithm.size)) {
      spec.fail("digest size " + std::to_string(algorithm.size) + " of algorithm " + std::to_string(algorithm.id));
    }
    if (std::ranges::any_of(algorithms, [&](const Algorithm& other) { return other.id == algorithm.id; })) {
      spec.fail("algorithm " + std::to_string(algorithm.id) + " stands twice");
    }
    algorithms.push_back(algorithm);
  }
  if (!std::ranges::any_of(algorithms, [](const Algorithm& algorithm) { return algorithm.id == kAlgSha256; })) {
    spec.fail("no SHA-256 bank");
  }
  const std::uint8_t vendor_size = spec.u8();
  spec.bytes(vendor_size);
  if (const Status status = spec.finish(); !status.ok()) reader.fail(status.error().message());
  return algorithms;
}

// An event: u32 pcr | u32 type | u32 digest count | (u16 algorithm, digest)* | u32 size | data, all little-endian. The count and the
// order of algorithms are those of the header.
LogEvent read_event(Reader& reader, const std::vector<Algorithm>& algorithms) {
  LogEvent event;
  const std::uint32_t pcr = reader.u32le();
  if (pcr >= static_cast<std::uint32_t>(kPcrCount)) reader.fail("PCR index: expected 0 to 23, found " + std::to_string(pcr));
  event.pcr = static_cast<int>(pcr);
  event.type = reader.u32le();
  const std::uint32_t count = reader.u32le();
  if (count != algorithms.size()) {
    reader.fail("digest count: expected " + std::to_string(algorithms.size()) + " as in the header, found " +
                std::to_string(count));
  }
  for (const Algorithm& algorithm : algorithms) {
    if (!reader.ok()) break;
    const std::uint16_t id = reader.u16le();
    if (id != algorithm.id) {
      reader.fail("digest algorithm: expected " + std::to_string(algorithm.id) + " as in the header, found " +
                  std::to_string(id));
    }
    const ByteView digest = reader.bytes(algorithm.size);
    if (algorithm.id == kAlgSha256 && reader.ok()) std::ranges::copy(digest, event.digest.array().begin());
  }
  event.data = reader.sized32le(EventLog::kMaxEventData);
  return event;
}

std::string event_name(std::size_t index, const LogEvent& event) {
  return "event " + std::to_string(index + 1) + " in PCR " + std::to_string(event.pcr);
}

bool digest_covers_data(std::uint32_t type) {
  return type == kEvEfiVariableDriverConfig || type == kEvEfiVariableAuthority || type == kEvSeparator ||
         type == kEvEfiAction;
}

bool is_separator(const LogEvent& event) {
  return event.type == kEvSeparator && equal(event.data, std::array<std::byte, 4>{});
}

// separates: by digest as well as by type. Types are not authenticated: a host that can extend after boot could append events of
// its own, a separator last, and give the firmware's separator another type.
bool separates(const LogEvent& event) {
  static const crypto::Sha256Digest digest = crypto::sha256(std::array<std::byte, 4>{});
  return event.type == kEvSeparator || (event.extends() && event.digest == digest);
}

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

bool is_secure_boot(const Variable& variable) {
  // EFI_GLOBAL_VARIABLE, 8be4df61-93ca-11d2-aa0d-00e098032b8c; the first three fields are little-endian.
  static constexpr std::array<unsigned char, 16> kGlobal = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                                            0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
  constexpr std::string_view kName("S\0e\0c\0u\0r\0e\0B\0o\0o\0t\0", 20);
  return equal(variable.guid, std::as_bytes(std::span(kGlobal))) && equal(variable.name, as_bytes(kName));
}

}  // namespace

Result<EventLog> EventLog::parse(ByteView bytes) {
  if (bytes.size() > kMaxSize) {
    return Error(Code::malformed, "event log: expected at most 262144 bytes, found " + std::to_string(bytes.size()));
  }
  Reader reader(bytes, "event log");
  const std::vector<Algorithm> algorithms = read_header(reader);
  EventLog log;
  bool extended_pcr0 = false;
  while (reader.ok() && reader.remaining() != 0) {
    if (log.events.size() == kMaxEvents) reader.fail("more than 4096 events");
    const LogEvent event = read_event(reader, algorithms);
    if (!reader.ok()) break;
    if (event.type == kEvNoAction && event.data.size() == kStartupLocality.size() + 1 &&
        equal(event.data.first(kStartupLocality.size()), as_bytes(kStartupLocality))) {
      // Section 10.4.5.3: PCR 0 starts with the locality of TPM2_Startup, or of the H-CRTM, in its last byte.
      if (event.pcr != 0 || extended_pcr0 || log.startup_locality) {
        reader.fail("StartupLocality: expected once, before the first event of PCR 0");
      }
      log.startup_locality = std::to_integer<std::uint8_t>(event.data.back());
    }
    extended_pcr0 = extended_pcr0 || (event.pcr == 0 && event.extends());
    log.events.push_back(event);
  }
  REDOUBT_CHECK(reader.finish());
  return log;
}

crypto::Sha256Digest extend(const crypto::Sha256Digest& value, const crypto::Sha256Digest& digest) {
  return crypto::sha256({value.view(), digest.view()});
}

PcrReplay replay(const EventLog& log) {
  PcrReplay values;
  for (const LogEvent& event : log.events) {
    if (!event.extends()) continue;
    auto& value = values[static_cast<std::size_t>(event.pcr)];
    if (!value) {
      value = crypto::Sha256Digest();
      if (event.pcr == 0 && log.startup_locality) value->array().back() = std::byte{*log.startup_locality};
    }
    value = extend(*value, event.digest);
  }
  return values;
}

Status check_data(const EventLog& log) {
  for (std::size_t i = 0; i < log.events.size(); ++i) {
    const LogEvent& event = log.events[i];
    if (!digest_covers_data(event.type)) continue;
    const crypto::Sha256Digest digest = crypto::sha256(event.data);
    if (digest != event.digest) {
      return Error(Code::measurement, event_name(i, event) + ": digest of the data is " + digest.hex() + ", found " +
                                          event.digest.hex());
    }
  }
  return {};
}

Status check_separators(const EventLog& log) {
  std::array<int, 8> counts{};
  for (std::size_t i = 0; i < log.events.size(); ++i) {
    const LogEvent& event = log.events[i];
    if (event.pcr > 7 || !separates(event)) continue;
    if (event.type != kEvSeparator) {
      return Error(Code::measurement, event_name(i, event) + ": a separator's digest under event type " + std::to_string(event.type));
    }
    if (!is_separator(event)) {
      return Error(Code::measurement, event_name(i, event) + ": expected a separator of four zero bytes, found " +
                                          hex_encode(event.data.first(std::min<std::size_t>(event.data.size(), 16))));
    }
    ++counts[static_cast<std::size_t>(event.pcr)];
  }
  for (std::size_t pcr = 0; pcr < counts.size(); ++pcr) {
    if (counts[pcr] != 1) {
      return Error(Code::measurement, "PCR " + std::to_string(pcr) + ": expected one separator, found " +
                                          std::to_string(counts[pcr]));
    }
  }
  return {};
}

Result<std::optional<bool>> secure_boot(const EventLog& log) {
  std::optional<bool> value;
  bool separated = false;
  for (std::size_t i = 0; i < log.events.size(); ++i) {
    const LogEvent& event = log.events[i];
    if (event.pcr != 7) continue;
    separated = separated || separates(event);
    if (event.type != kEvEfiVariableDriverConfig) continue;
    const auto variable = read_variable(event.data);
    if (!variable.ok()) return Error(Code::measurement, event_name(i, event) + ": " + variable.error().message());
    if (!is_secure_boot(*variable)) continue;
    // Whatever came after the separator was measured when others than the firmware could already extend PCR 7.
    if (separated) return Error(Code::measurement, event_name(i, event) + ": SecureBoot after the separator");
    if (value) return Error(Code::measurement, event_name(i, event) + ": SecureBoot stands twice");
    if (crypto::sha256(event.data) != event.digest) {
      return Error(Code::measurement, event_name(i, event) + ": SecureBoot is not what the digest says");
    }
    // A variable that is not there is measured without data, and then Secure Boot is off.
    const ByteView data = variable->data;
    if (data.size() > 1 || (data.size() == 1 && std::to_integer<unsigned>(data[0]) > 1)) {
      return Error(Code::measurement, event_name(i, event) + ": SecureBoot: expected 00 or 01, found " + hex_encode(data));
    }
    value = data.size() == 1 && data[0] == std::byte{1};
  }
  return value;
}

}  // namespace redoubt::tpm
