// When a ballot is good, as a pure function (docs/specs/clean-room-documents.md). What good ballots come to, by the contract's rule, is
// common/jobs/cleanroom/verdict.h.
//
// A ballot counts if a voter of the contract signed it, its terms are the proposal's in every field, it names this proposal,
// it rejects or has not expired by time or by log size, and the log extends the head that its voter saw, with the proposal's reservation
// inside that head. The host carries ballots and may forge, replay, drop or reorder them: all of that fails on one of these.
// Thread-safe.
#pragma once

#include "common/jobs/cleanroom/ballot.h"
#include "common/receipt/log.h"

namespace redoubt::cleanroom {

// A proposal that the room has accepted, and the index of its reservation in the log.
struct Reserved {
  jobs::Proposal proposal;
  jobs::ProposalDigest digest;
  std::uint64_t index = 0;  // in the log of the instance that the proposal names
};

// check_ballot: ok, or `chain` (signature), `auth` (not a voter), `binding` (other terms or proposal), `freshness` (an expired approval),
// `log_proof` (a head that this log does not extend, or without the reservation). `log` is the one of the instance that the
// proposal names; `since` counts the entries of the logs that went on from it.
Status check_ballot(const jobs::Contract& contract, const Reserved& reserved, const jobs::SignedDocument& document,
                    const receipt::Log& log, std::uint64_t since, Instant now);

}  // namespace redoubt::cleanroom
