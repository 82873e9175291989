// corpus_run: a whole corpus through real clean rooms: a hub of our own, rooms under throw-away contracts, each entry as its label's rules
// say: what `after` names is asked first, over dataset versions that nothing else was asked about.
//
// The verdict is the room's alone. What it tells nobody (how much T1 to T3 withhold, which of T4 and T5 refused) is learnt beside it, from a
// copy of the fixture. An entry that gets no answer is an outcome of its own, and the run goes on.
#pragma once

#include "client/corpus/beside.h"
#include "client/corpus/judgement.h"
#include "client/sdk/enrolment.h"
#include "client/sdk/receipt_check.h"

namespace redoubt::corpus {

struct RunPlan {
  std::filesystem::path programs;  // the folder of redoubt-hub, redoubt-cleanroom and its engine
  std::filesystem::path scratch;   // where a folder for the hub's state is made, and removed
  std::filesystem::path tpm_ca;    // of software TPMs, copied for the hub; empty: the hub makes one
  const Corpus& corpus;
  const Beside& beside;
  std::size_t rooms = 2;           // at a time
  crypto::Random& random;          // thread-safe, as the functions below are
  std::function<Instant()> now;
  std::function<void(std::chrono::milliseconds)> sleep;
  sdk::OfflineAppraise appraise;
  sdk::MakeCredential make_credential;
  // told: outcomes in the order of the entries; progress: how many entries are judged. Both on the calling thread.
  std::function<void(const Entry&, const Outcome&)> told;
  std::function<void(std::size_t done, std::size_t total)> progress;
  // warn: something was left behind. On the calling thread, in the end.
  std::function<void(const std::string&)> warn;
  // interrupted: asked often, from any thread: the run is to end, with nothing left behind.
  std::function<bool()> interrupted = [] { return false; };
};

// run_corpus: an Error when there can be no room at all, or when it was interrupted: `missing_dependency`, `unavailable`.
Result<Score> run_corpus(const RunPlan& plan);

}  // namespace redoubt::corpus
