// log_keeper: every checkpoint that a participant gets to see is held against the last one it kept.
//
// A log only grows. A smaller one was rolled back; another root at the same size is a fork, whose proof is written down for
// others; a larger one must come with a consistency proof. Any of these is `log_proof`, and the kept head stays; where there is
// no proof that others could check, both signed heads are written down (rollback_report). The program
// and its host may lie about all of it; what nobody remembers cannot be seen (docs/specs/log.md).
#pragma once

#include <functional>

#include "client/sdk/enclave_client.h"
#include "client/sdk/saved_log.h"
#include "client/sdk/state.h"
#include "common/attest/evidence/claims.h"

namespace redoubt::sdk {

// Consistency asks the log for a proof between two sizes; unverified.
using Consistency = std::function<Result<receipt::Proof>(std::uint64_t from, std::uint64_t to)>;

// adopt_instance: the participant is about to join this instance; its log is known from here on. The same instance again is advance(). `binding` for one that was left for another before.
Status adopt_instance(const EnvironmentState& state, const attest::Claims& claims, const receipt::Checkpoint& checkpoint,
                      const Consistency& consistency);

// check_instance: `binding` when another instance was joined, or none: `environment verify` comes first.
Status check_instance(const EnvironmentState& state, const attest::Claims& claims);

// advance: `log_proof` as above, `binding` for another instance. Keeps the checkpoint when it is newer.
Status advance(const EnvironmentState& state, const receipt::Checkpoint& checkpoint, const Consistency& consistency);

// read_log: every entry of the log under `checkpoint`, which the session's program signed. The last boot in it is the one that the session is with, and goes on from all
// entries before it (check_boot); where the program is of an earlier release, or its host has stored nothing yet, that is not looked at. `log_proof`.
Result<SavedLog> read_log(EnclaveClient& enclave, const InstanceView& instance, const receipt::Checkpoint& checkpoint);

// known_log_of: what this participant remembers of one instance, which it has joined now or before; nothing when it never did.
Result<std::optional<KnownLog>> known_log_of(const EnvironmentState& state, const InstanceId& instance);

// kept_head: the last head that it verified of the log of that instance.
Result<std::optional<receipt::Checkpoint>> kept_head(const EnvironmentState& state, const InstanceId& instance);

// note_open: whether everyone has joined the instance that is kept; once it was open it stays so. Just before it joins, a
// participant notes that the instance may be open from now on; only what follows, with `joining`, may take that back.
Status note_open(const EnvironmentState& state, bool open, bool joining);

}  // namespace redoubt::sdk
