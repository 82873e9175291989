// SealedStart: how an enclave program begins: it goes on as the instance whose state it finds, or it is a new one and says why.
//
// The state is the host's to lose, to cut and to bring back. A new instance begins where there never was a state, where the one that is there is refused (it is set aside and
// never half used), and where the operator asked for it in so many words. All else (a disk or a platform that does not answer, a state that is missing and was there) is
// none of these: the program ends with the next step, and may be started again. docs/design/sealed-state.md.
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

// sealed_start reads the state, or begins one. `sealer` outlives the journal. Every error means that nothing was begun.
Result<SealedStart> sealed_start(const seal::Journal::Options& options, seal::Sealer& sealer, crypto::Random& random);

// sealed_start_anew begins a new state whatever is there; `why` the old one does not serve.
Result<SealedStart> sealed_start_anew(const seal::Journal::Options& options, seal::Sealer& sealer, crypto::Random& random, std::string_view why);

// refuses_state: whether the error says that what was kept is not, or is no longer, this program's state. No other error may cost an instance.
bool refuses_state(const Error& error);

}  // namespace redoubt::runtime
