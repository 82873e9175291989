#include "client/corpus/judgement.h"

namespace redoubt::corpus {

bool behaves(const Entry& entry, const Outcome& outcome) {
  if (outcome.verdict == Verdict::error) return false;
  if (entry.expect == Expect::none) return true;
  const Verdict expected = entry.expect == Expect::reject ? Verdict::reject
                           : entry.expect == Expect::allow ? Verdict::allow
                                                           : Verdict::allow_suppressed;
  if (outcome.verdict != expected) return false;
  return expected == Verdict::reject || !entry.released_rows || entry.released_rows == outcome.released_rows;
}

std::string line_of(const Entry& entry, const Outcome& outcome) {
  std::string verdict = "null";
  if (outcome.verdict == Verdict::reject) verdict = R"("reject")";
  if (outcome.verdict == Verdict::allow) verdict = R"("allow")";
  if (outcome.verdict == Verdict::allow_suppressed) verdict = R"("allow_suppressed")";
  std::string line = R"({"id":)" + json::canonical(entry.id) + R"(,"verdict":)" + verdict + R"(,"rule":)" +
                     (outcome.rule.empty() ? "null" : json::canonical(outcome.rule)) + R"(,"released_rows":)" +
                     (outcome.released_rows ? std::to_string(*outcome.released_rows) : "null");
  if (outcome.verdict == Verdict::error) line += R"(,"error":)" + json::canonical(outcome.error);
  return line + "}";
}

void Score::count(const Entry& entry, const Outcome& outcome) {
  ++entries;
  const bool error = outcome.verdict == Verdict::error;
  errors += error ? 1 : 0;
  const bool right = behaves(entry, outcome);
  if (!right) misses.push_back(entry.id);
  if (entry.expect == Expect::none) return;
  ++labelled;
  as_labelled += right ? 1 : 0;
  if (entry.expect == Expect::reject) {
    ++attacks;
    refused += outcome.verdict == Verdict::reject ? 1 : 0;
  } else {
    ++honest;
    accepted += !error && outcome.verdict != Verdict::reject ? 1 : 0;
  }
}

}  // namespace redoubt::corpus
