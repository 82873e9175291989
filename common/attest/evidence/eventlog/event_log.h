// The TCG firmware event log: crypto-agile with any banks, the older form with SHA-1 alone, and the confidential-computing table
// (CCEL) whose registers are the RTMRs of a TDX guest.
//
// The attester hands it in; only the digests of extended events are backed, once replay() gives the values that a quote signs. An
// event's type, and data that no digest covers, stay the attester's word even then (CVE-2022-0317;
// https://github.com/google/go-attestation, docs/event-log-disclosure.md). TCG PC Client Platform Firmware Profile 1.06 section 10,
// TCG EFI Platform Specification 1.22 section 7 (SHA-1 form), UEFI 2.10 section 38.4.1 (CCEL). Pure and thread-safe.
#pragma once

#include <vector>

#include "common/attest/evidence/eventlog/bank.h"

namespace redoubt::eventlog {

inline constexpr int kPcrCount = 24;
inline constexpr int kRtmrCount = 4;

// Event types that the checks speak of (PC Client Platform Firmware Profile section 10.4.1).
inline constexpr std::uint32_t kEvNoAction = 0x00000003;
inline constexpr std::uint32_t kEvSeparator = 0x00000004;
inline constexpr std::uint32_t kEvEfiVariableDriverConfig = 0x80000001;
inline constexpr std::uint32_t kEvEfiBootServicesDriver = 0x80000004;
inline constexpr std::uint32_t kEvEfiRuntimeServicesDriver = 0x80000005;
inline constexpr std::uint32_t kEvEfiAction = 0x80000007;
inline constexpr std::uint32_t kEvEfiVariableAuthority = 0x800000e0;

enum class Form { crypto_agile, sha1 };
// Registers: whose registers the events extend. In a TDX guest index 0 is MRTD, which no event extends, and 1 to 4 are RTMR0 to 3.
enum class Registers { pcrs, rtmrs };

inline constexpr std::size_t kMaxBanks = 8;

struct Bank {
  std::uint16_t algorithm = 0;
  std::uint16_t size = 0;
  std::size_t place = 0;  // in the header
};

struct Event {
  int index = 0;           // PCR, or 1 to 4 for RTMR0 to RTMR3; -1: none, where nothing is extended
  std::uint32_t type = 0;
  ByteView digests;        // borrowed from the log, as data; read through EventLog::digest
  ByteView data;
  std::array<std::uint16_t, kMaxBanks> offsets{};  // of the digests in `digests`, by the bank's place
  bool has_data = true;    // false where a list left the data out

  bool extends() const { return type != kEvNoAction; }
};

// Replay: value by register of one bank; absent where nothing was extended.
using Replay = std::array<std::optional<Digest>, kPcrCount>;

struct EventLog {
  static constexpr std::size_t kMaxSize = 1024 * 1024;
  static constexpr std::size_t kMaxEvents = 4096;
  static constexpr std::size_t kMaxEventData = 64 * 1024;

  Form form = Form::crypto_agile;
  Registers registers = Registers::pcrs;
  std::vector<Bank> banks;                       // as in the header, in its order
  std::vector<Event> events;                     // without the header event
  std::optional<std::uint8_t> startup_locality;  // the last byte that PCR 0 started with, if the log says so

  // parse borrows `bytes` for as long as the events are used. `malformed` unless every event has one digest of each bank of the
  // header, bounded data and a PCR below 24 (0xffffffff, "none", too where nothing is extended, as Windows writes); nothing may
  // follow the last, and at least one must extend a PCR: a log about nothing proves nothing. Digests that no registry knows are as
  // long as the header says.
  static Result<EventLog> parse(ByteView bytes);
  // parse_ccel: the table as it is in memory: SHA-384 alone, indices 0 to 4, and after the last event nothing but 0xff or nothing
  // but zeros.
  static Result<EventLog> parse_ccel(ByteView table);

  const Bank* bank(std::uint16_t algorithm) const;
  // digest: of the event in that bank; the bank must be one of this log's.
  static ByteView digest(const Event& event, const Bank& bank) { return event.digests.subspan(event.offsets[bank.place], bank.size); }
  // replay: `bank` is computable.
  Replay replay(const Bank& bank) const;
  // register_text: "PCR 7" or "RTMR0".
  std::string register_text(int index) const;
};

}  // namespace redoubt::eventlog
