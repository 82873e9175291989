// The enclaves' logs, as their host keeps them: entries and signed checkpoints of each instance.
//
// The hub adds what the enclave hands it, in order and without gaps, so that the log survives the enclave. It cannot make
// entries count, and clients do not believe it: they check proofs against checkpoints. Two different checkpoints of one size are
// a fork, which the hub refuses to hide: the first stays.
#pragma once

#include "common/base/ids.h"
#include "common/receipt/log.h"
#include "untrusted/hub/store/page.h"

namespace redoubt::hub {

// append_entries: `first` must be the number of entries so far; entries that are there already with the same bytes are
// skipped, so that an append may be repeated. `refused` for a gap or other bytes, `malformed` for what is not a log entry.
Status append_entries(Transaction& transaction, const InstanceId& instance, std::uint64_t first, const std::vector<Bytes>& entries);
Result<std::uint64_t> log_size(Transaction& transaction, const InstanceId& instance);
// get_entries: up to `count` (at most 1000) from `first` on; fewer at the end.
Result<std::vector<Bytes>> get_entries(Transaction& transaction, const InstanceId& instance, std::uint64_t first, std::size_t count);
// load_log: all entries as a tree, for proofs.
Result<receipt::Log> load_log(Transaction& transaction, const InstanceId& instance);

// put_checkpoint: the same note again changes nothing; another note of the same size is `log_proof`. `refused` when the log
// holds fewer entries than the checkpoint says. The signature is not checked here.
Status put_checkpoint(Transaction& transaction, const InstanceId& instance, const receipt::TreeHead& head, std::string_view note);
// last_checkpoint: the note of the largest size, or `not_found`.
Result<std::string> last_checkpoint(Transaction& transaction, const InstanceId& instance);

}  // namespace redoubt::hub
