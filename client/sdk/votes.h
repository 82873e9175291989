// votes: how the ballots on a proposal stand, as a program or a hub answers; its word, for people. Whether a query was approved is shown
// by its receipt (receipt_check.h). Pure.
#pragma once

#include "common/jobs/cleanroom/verdict.h"

namespace redoubt::sdk {

struct VotesView {
  std::vector<std::string> approved, rejected, lapsed, missing;
  std::string state;   // "open", "approved", "rejected"
  std::string reason;  // printable, at most 400 bytes

  bool met() const { return state == name_of(jobs::Standing::approved); }
};

// read_votes: `malformed` for what is not what jobs::to_json writes of a verdict; members that this version does not know are passed over.
Result<VotesView> read_votes(const json::Value& answer);

}  // namespace redoubt::sdk
