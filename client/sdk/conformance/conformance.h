// Conformance: test vectors of Evidence, judged one by one and compared with what their file expects.
//
// Reads the JSON files that list cases beside the bytes they speak of: `cases`, `quotes`, `negative`, `collateral_choice`,
// `eventlogs`, `certs`. Which platform an entry is of is told by its members. Every answer comes from the production verifier;
// nothing here decides about trust, and the strict policy of a case is one of the library's own policies. An entry whose expectation
// is prose that is no verdict, or whose platform is not built, is counted apart. Files are the participant's own. Not
// thread-safe; docs/conformance.md.
#pragma once

#include <filesystem>
#include <functional>

#include "common/base/json.h"

namespace redoubt::conformance {

struct Verdict {
  std::string id;
  json::Value expected;
  json::Value got;
  std::optional<bool> ok;   // absent: skipped
  std::string skipped;      // why
};

struct Summary {
  std::size_t passed = 0, failed = 0, skipped = 0;
};

// verdict_json: {"id", "expected", "got", "ok"} or, for a skipped one, "ok":null and "skipped".
json::Value verdict_json(const Verdict& verdict);

// run judges every entry of the file in its order and hands each verdict to `report`. `malformed` when the file is not such a list,
// `not_found` when it cannot be read; an entry whose own files cannot be read is a failed verdict.
Result<Summary> run(const std::filesystem::path& file, const std::function<void(const Verdict&)>& report);

}  // namespace redoubt::conformance
