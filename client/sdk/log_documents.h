// LogDocuments: what participants signed that a log's entries are about, in a file beside the saved log (docs/specs/log.md, "Documents of a log").
//
// Entries are digests; these are the texts. They come from the hub and may be left out, added or changed: whoever reads them verifies each
// signature against the contract that it holds itself, and computes the digests (log_story.h). Which identity the log is of is said by
// `claims`, and the log's last boot entry holds their digest. Immutable after parse.
#pragma once

#include "common/attest/evidence/claims.h"
#include "common/jobs/cleanroom/ballot.h"

namespace redoubt::sdk {

inline constexpr std::string_view kLogDocumentsType = "redoubt/log-documents/1";

struct LogDocuments {
  static constexpr std::size_t kMaxBytes = std::size_t{256} << 20;
  static constexpr std::size_t kMaxCount = 262'144;  // of each kind

  attest::Claims claims;  // of the boot that the log was read from
  std::string previous;   // text of the head that the instance takes over from; empty for none
  std::vector<jobs::SignedDocument> manifests, proposals, ballots;  // unverified

  std::string json() const;
  // parse: `malformed`.
  static Result<LogDocuments> parse(std::string_view text);
};

}  // namespace redoubt::sdk
