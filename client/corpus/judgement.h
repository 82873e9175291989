// judgement: what a room said of an entry, beside what its label says, and the two shares that come of it.
//
// A corpus is judged by both shares, never by one: a room that refuses everything refuses all attacks. Pure.
#pragma once

#include "client/corpus/corpus_file.h"
#include "common/base/json.h"

namespace redoubt::corpus {

enum class Verdict { error, reject, allow, allow_suppressed };

struct Outcome {
  Verdict verdict = Verdict::error;
  std::string rule;                            // reject: the rule, where it is known
  std::optional<std::uint64_t> released_rows;  // accepted
  std::string error;                           // why it could not be run
};

// behaves: the outcome is what the label says, with as many rows where it says how many. An entry without a label behaves unless it
// could not be run.
bool behaves(const Entry& entry, const Outcome& outcome);

// line_of: {"id", "verdict", "rule", "released_rows"}, null where there is none; verdict null and "error" when it could not be run. One line.
std::string line_of(const Entry& entry, const Outcome& outcome);

struct Score {
  std::uint64_t attacks = 0, refused = 0;   // entries labelled reject
  std::uint64_t honest = 0, accepted = 0;   // the other labelled ones; accepted whether or not as much was withheld as the label says
  std::uint64_t labelled = 0, as_labelled = 0;
  std::uint64_t entries = 0, errors = 0;
  std::vector<std::string> misses;  // ids of those that do not behave

  void count(const Entry& entry, const Outcome& outcome);
  bool whole() const { return misses.empty(); }
};

}  // namespace redoubt::corpus
