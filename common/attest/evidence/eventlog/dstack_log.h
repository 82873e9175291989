// dstack's JSON list of RTMR events: what firmware and the dstack guest extended RTMR0 to RTMR3 with.
//
//   [{"imr": 0..3, "event_type": u32, "digest": 48 bytes of hex, "event": name, "event_payload": hex,
//     "version": 1 or 2 (absent: 1), "hash_input": hex (optional, not read)}, ...]
//
// The attester hands it in. Firmware events carry no name, and their payload may have been left out. Events of type 0x08000001 are
// the guest's own, and their digest may have been left out, since it is recomputed. Version 1: SHA-384(event_type as u32
// little-endian || ":" || name || ":" || payload), where a name with ":" would give one digest two readings and is not believed.
// Version 2: SHA-384 of the canonical JSON {"event", "event_type", "payload", "version"}. https://github.com/Dstack-TEE/dstack,
// cc-eventlog. Pure.
#pragma once

#include "common/attest/evidence/eventlog/event_log.h"

namespace redoubt::eventlog {

struct ApplicationEvent {
  int rtmr = 0;
  std::string name;
  Bytes payload;

  friend bool operator==(const ApplicationEvent&, const ApplicationEvent&) = default;
};

struct DstackLog {
  static constexpr std::size_t kMaxSize = 1024 * 1024;
  static constexpr std::size_t kMaxName = 256;
  static constexpr std::uint32_t kEventType = 0x08000001;

  EventLog log;                       // as of RTMRs, one SHA-384 bank; borrows from `bytes`
  std::vector<std::string> names;     // of each event; empty for firmware's
  std::vector<int> versions;          // of each event: how the digest is made, 1 or 2
  Bytes bytes;                        // digests and payloads

  DstackLog() = default;
  DstackLog(DstackLog&&) noexcept = default;
  DstackLog& operator=(DstackLog&&) noexcept = default;

  // parse: `malformed` unless each entry has these members and no others, at most 4096 entries; an empty list proves nothing.
  static Result<DstackLog> parse(std::string_view json);
};

// application_events (L3): the guest's events in order, each with the digest that its name and payload give; `measurement` names the
// first that has another, or a name that no digest covers.
Result<std::vector<ApplicationEvent>> application_events(const DstackLog& list);

}  // namespace redoubt::eventlog
