// Evidence of any platform in a file: verified offline against a policy, shown byte by byte, and explained.
//
// The command line's hand on common/attest/verifier: it reads files, options and the collateral that was kept, and prints. It decides
// nothing. Private to this room.
#pragma once

#include "client/cli/commands.h"
#include "common/attest/verifier/verifier.h"

namespace redoubt::cli {

struct AnyEvidenceOptions {
  std::string file, policy, time, nonce, tpm_root;
  std::vector<std::string> collateral;  // folders or files; empty: what `collateral add` kept

  bool given() const { return !policy.empty() || !time.empty() || !nonce.empty() || !collateral.empty(); }
};

// add_any_evidence_options: --policy, --collateral, --time, --nonce.
void add_any_evidence_options(CLI::App* verb, AnyEvidenceOptions& options);

// read_evidence: the file's bytes, at most what Evidence can have.
Result<Bytes> read_evidence(const std::string& file);
// read_policy: a file, or the word "strict" for the built-in policy; any spacing of the JSON is taken.
Result<appraise::Policy> read_policy(const std::string& file);
// read_folder: every file below each path, at most 4096 and 64 MiB.
Result<std::vector<verifier::NamedFile>> read_folder(const std::vector<std::string>& paths);

// `evidence verify`, `evidence explain` and `evidence show` of a file.
Status verify_any(Session& session, const AnyEvidenceOptions& options);
Status explain_any(Session& session, const AnyEvidenceOptions& options);
Status show_any(Session& session, const std::string& file);

}  // namespace redoubt::cli
