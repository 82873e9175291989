// RTMR logs: judging a CCEL table or dstack's event list against the RTMRs of a TDX quote.
//
// The quote has been judged by its own room; here its four RTMRs are the reference. Checks L1 to L6 are all recorded. A log is
// authentic only if every register that it speaks of replays to the quoted value and RTMR0 to RTMR2, where they are not zero, are
// spoken of: a partial match is no match, since the attester chose what to leave out. RTMR3 belongs to the guest's own software,
// which need not log into the same list. Pure and thread-safe. docs/specs/event-logs.md.
#pragma once

#include "common/attest/evidence/check.h"
#include "common/attest/evidence/eventlog/boot.h"
#include "common/attest/evidence/eventlog/dstack_log.h"
#include "common/attest/evidence/type_state.h"
#include "common/base/json.h"
#include "common/crypto/digest.h"

namespace redoubt::eventlog {

using Rtmrs = std::array<crypto::Sha384Digest, kRtmrCount>;

// What an authentic log says.
struct RtmrLog {
  using Authenticator = class RtmrAuthenticator;

  std::array<bool, kRtmrCount> covered{};  // registers that the log explains
  BootFacts boot;
  std::vector<ApplicationEvent> application_events;  // dstack's list only
};

struct RtmrOutcome {
  std::vector<attest::Check> checks;       // L1 to L6, each once, in this order
  std::array<bool, kRtmrCount> matches{};  // registers that the log speaks of and that replay to the quoted value
  Replay replayed;                         // by index 1 to 4; for people and tests
  std::optional<std::size_t> event_count;  // absent where the log could not be read
  std::optional<attest::Authentic<RtmrLog>> authentic;
};

// match_registers: for each of RTMR0 to RTMR3 whether `log`, which is one of RTMRs, speaks of it and replays to the quoted value. It
// tells nothing but that: a log is believed only when authenticate_* made it authentic.
std::array<bool, kRtmrCount> match_registers(const EventLog& log, const Rtmrs& quoted);

RtmrOutcome authenticate_ccel(ByteView table, const Rtmrs& quoted);
RtmrOutcome authenticate_dstack(std::string_view json, const Rtmrs& quoted);

// describe: the events as they stand, for people; nothing of it is verified.
json::Value describe(const EventLog& log);

}  // namespace redoubt::eventlog
