// The TCG firmware event log in its crypto-agile form, as far as the SHA-256 bank is concerned.
//
// The attester hands it in; only the digests of extended events are backed by the quote, once replay() gives the quoted
// values. An event's type, and data that no digest covers, stay the attester's word even then (TCG PC Client Platform
// Firmware Profile 1.05, section 10; https://github.com/google/go-attestation, docs/event-log-disclosure.md). Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/base/bytes.h"
#include "common/crypto/digest.h"

namespace redoubt::tpm {

inline constexpr int kPcrCount = 24;

// Event types that the checks speak of (section 10.4.1).
inline constexpr std::uint32_t kEvNoAction = 0x00000003;
inline constexpr std::uint32_t kEvSeparator = 0x00000004;
inline constexpr std::uint32_t kEvEfiVariableDriverConfig = 0x80000001;
inline constexpr std::uint32_t kEvEfiAction = 0x80000007;
inline constexpr std::uint32_t kEvEfiVariableAuthority = 0x800000e0;

struct LogEvent {
  int pcr = 0;
  std::uint32_t type = 0;
  crypto::Sha256Digest digest;  // of the SHA-256 bank
  ByteView data;                // borrowed from the log

  bool extends() const { return type != kEvNoAction; }
};

struct EventLog {
  static constexpr std::size_t kMaxSize = 256 * 1024;
  static constexpr std::size_t kMaxEvents = 4096;
  static constexpr std::size_t kMaxEventData = 64 * 1024;

  std::vector<LogEvent> events;                  // without the header event
  std::optional<std::uint8_t> startup_locality;  // the first byte that PCR 0 started with, if the log says so

  // parse borrows `bytes` for as long as the events are used. `malformed` unless the header lists its algorithms, SHA-256
  // among them, and every event has one digest of each, bounded data and a PCR below 24; nothing may follow the last.
  static Result<EventLog> parse(ByteView bytes);
};

// PcrReplay: value by PCR; absent where nothing was extended.
using PcrReplay = std::array<std::optional<crypto::Sha256Digest>, kPcrCount>;
PcrReplay replay(const EventLog& log);

// extend: SHA-256(value || digest), what TPM2_PCR_Extend does.
crypto::Sha256Digest extend(const crypto::Sha256Digest& value, const crypto::Sha256Digest& digest);

// check_data (L3): the digest of every event whose digest is that of its data (DRIVER_CONFIG, AUTHORITY, SEPARATOR, ACTION)
// fits; `measurement` names the first that does not.
Status check_data(const EventLog& log);

// check_separators (L4): PCR 0 to 7 have exactly one separator each, of four zero bytes; `measurement` otherwise. An event with a
// separator's digest counts as one, and is refused under another type.
Status check_separators(const EventLog& log);

// secure_boot (L5): the SecureBoot variable in PCR 7, nothing if it was not logged. `measurement` when it stands twice, after the
// separator of PCR 7, or with another digest or form than it must have. Means something only after replay and check_data.
Result<std::optional<bool>> secure_boot(const EventLog& log);

}  // namespace redoubt::tpm
