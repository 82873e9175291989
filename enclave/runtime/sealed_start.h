// SealedStart: how an enclave program begins: it goes on as the instance whose state it finds, or it is a new one and says why.
//
// The state is the host's to lose, to cut and to bring back; what is refused is set aside and never half used. A disk or a platform that does not answer is neither: the program
// ends, and may be started again. docs/design/sealed-state.md.
#pragma once

#include "enclave/runtime/identity.h"
#include "enclave/seal/journal.h"

namespace redoubt::runtime {

struct SealedStart {
  InstanceKeys keys;
  std::vector<SecretBytes> records;        // of the workload, oldest first; empty for a new instance
  std::unique_ptr<seal::Journal> journal;  // null: nothing is kept
  std::string statement;                   // one line for participants and the operator
};

// unsealed_start: a new instance that keeps nothing, with the reason.
Result<SealedStart> unsealed_start(crypto::Random& random, std::string_view why);

// sealed_start reads the state, or begins one. `sealer` outlives the journal. `unavailable`, `internal`: try again.
Result<SealedStart> sealed_start(const seal::Journal::Options& options, seal::Sealer& sealer, crypto::Random& random);

// sealed_start_anew begins a new state whatever is there; `why` the old one does not serve.
Result<SealedStart> sealed_start_anew(const seal::Journal::Options& options, seal::Sealer& sealer, crypto::Random& random, std::string_view why);

}  // namespace redoubt::runtime
