// What a firmware event log shows about a boot, as far as digests back it: covered data, separators, Secure Boot variables,
// Exit Boot Services.
//
// Each function reads the log in one bank, which must be one that replays; what it says means something only after the replay of
// that bank gave the quoted values. Event types are nobody's word: separators are found by digest as well as by type, variables
// and actions count only where the digest is that of the data. TCG PC Client Platform Firmware Profile 1.06, sections 3.3 and 10.4.
// Pure and thread-safe.
#pragma once

#include "common/attest/evidence/eventlog/event_log.h"

namespace redoubt::eventlog {

// check_data (L3): the digest of every event whose digest is that of its data (DRIVER_CONFIG, AUTHORITY, SEPARATOR, ACTION)
// fits; `measurement` names the first that does not. An AUTHORITY also fits by the variable's value
// alone (some firmware; then its name is not covered) or without the last byte (old versions of shim logged one byte too many).
Status check_data(const EventLog& log, const Bank& bank);

// check_separators (L4): PCR 0 to 7 (RTMR0 and RTMR1) have exactly one separator each, of four zero bytes; `measurement` otherwise. An
// event with a separator's digest counts as one, and is refused under another type (but for the contents of the CRTM in PCR 0).
Status check_separators(const EventLog& log, const Bank& bank);

struct BootFacts {
  std::optional<bool> secure_boot;           // the SecureBoot variable; absent when it was not logged
  std::optional<Digest> pk, kek, db, dbx;    // digests of the events that hold those variables, name included
  std::vector<Digest> authorities;           // digests of AUTHORITY events after the separator of PCR 7: what verified images
  bool exit_boot_services = false;           // firmware handed over to the operating system
  std::size_t option_roms = 0;               // drivers that PCR 2 (RTMR1 is shared, so 0 there) names: type unbacked, a hint
};

// boot_facts (L5): `measurement` when a Secure Boot variable stands twice, after the separator, or with another digest or form than
// it must have.
Result<BootFacts> boot_facts(const EventLog& log, const Bank& bank);

}  // namespace redoubt::eventlog
