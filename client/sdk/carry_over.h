// carry_over: may a new instance go on from the old logs that its host handed it? The participant's side.
//
// The host may have cut the old log, forked it or brought another one; what a participant remembers of it (state.h) is what
// this is held against: the receipt key that it learned in the old attested session, and the last head that it saw. A
// participant signs only for logs that reproduce the offered heads, extend everything that it saw of them, end in a checkpoint
// by the old receipt key, and leave out no instance that may have logged something since. What nobody remembers cannot be
// seen (docs/specs/log.md). No I/O of its own: entries are fetched through a parameter.
#pragma once

#include <functional>

#include "client/sdk/enclave_client.h"
#include "client/sdk/state.h"
#include "common/jobs/cleanroom/carried_logs.h"

namespace redoubt::sdk {

// OldEntries fetches the encoded entries of the old log at `position` from index `from` on; none at its end. Unverified.
using OldEntries = std::function<Result<std::vector<Bytes>>(std::uint64_t position, std::uint64_t from)>;

// check_old_logs: ok, or why not to sign. `not_found`: this participant never joined the last old instance and cannot tell.
// `log_proof`, `chain`, `binding`: the logs are not what they are said to be, or not what this participant saw. `refused`: beyond limits.
// `memory`: what was joined before the new instance, oldest first.
Status check_old_logs(const CarryOverView& offered, const ContractDigest& contract, const InstanceId& instance,
                      const std::vector<KnownLog>& memory, const OldEntries& entries);

// contradiction: what shows others that the last of these logs is not the one that this participant saw: the proof that it was forked, or,
// where it was cut, the two heads that its key signed. Absent where nothing that the key signed contradicts.
std::optional<std::string> contradiction(const CarryOverView& offered, const std::vector<KnownLog>& memory, const OldEntries& entries);

}  // namespace redoubt::sdk
