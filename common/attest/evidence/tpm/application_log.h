// The application log: what a launcher measured into one PCR after boot, as a list of typed events.
//
// PCR value after an event = SHA-256(old value || SHA-256(event bytes)); the PCR starts at zero. Our launcher writes three
// events, "manifest" (digest of the program's manifest), "contract" (contract digest) and "cap" (nothing may follow), into
// kLauncherPcr, which software cannot reset. The log is the host's word; the quote says only that these bytes were extended.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/crypto/digest.h"

namespace redoubt::tpm {

// PCR 14: not resettable, and not used by the firmware of the machines we start (shim uses it on others).
inline constexpr int kLauncherPcr = 14;

// is_application_pcr: PCR 8 to 15 start at zero and only a reset of the machine resets them (PC Client Platform TPM Profile
// section 4.6); PCR 16 and 23 are reset by any program, PCR 17-22 by a dynamic launch.
constexpr bool is_application_pcr(int pcr) { return pcr >= 8 && pcr <= 15; }

struct ApplicationEvent {
  std::string type;  // "manifest", "contract", "cap", or another producer's; 1 to 32 of [a-z0-9_.-]
  Bytes data;        // at most 4 KiB

  // encode: Fields("redoubt/application-event/1", type, data): the bytes whose SHA-256 is extended.
  Bytes encode() const;
  // decode accepts exactly what encode() writes; `malformed` otherwise.
  static Result<ApplicationEvent> decode(ByteView bytes);
};

struct ApplicationLog {
  static constexpr std::size_t kMaxEvents = 64;

  int pcr = kLauncherPcr;
  std::vector<Bytes> events;  // raw bytes, each extended as SHA-256(bytes); ours are ApplicationEvent::encode()

  // replay: the value of the PCR after all events, from zero.
  crypto::Sha256Digest replay() const;
  // encode / decode: the strict binary form that travels inside TpmEvidence and lies in the launcher's log file
  // (docs/specs/tpm-evidence.md). encode expects at most kMaxEvents and a PCR from 8 to 15; decode refuses anything else.
  Bytes encode() const;
  static Result<ApplicationLog> decode(ByteView bytes);
};

}  // namespace redoubt::tpm
