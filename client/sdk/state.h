// EnvironmentState: what a participant remembers of one environment, in files of mode 0600 below its configuration folder.
//
//   DIR/environments/NAME/contract.json     the contract, exactly as it was read and accepted by this participant
//                         hub.json          the hub's id of it: where to knock, nothing more
//                         roots.pem         candidates for the contract's trust anchors
//                         enrolments.json   own AkEnrolments
//                         log.json          instance that was joined, its receipt key, the last checkpoint that was verified
//                         earlier-logs.json the same of instances that were joined before it, oldest first
//                         fork-N.json       proof that a log was forked, or two heads that do not fit, to be shown to others
//                         datasets/D.vN.json  object key and signed manifest of a sealed dataset (a secret)
//                         datasets/D.vN.rdt   its envelope, until the hub has all of it
//
// The memory is what makes rollbacks and forks visible: without it every old log looks whole. One process at a time.
#pragma once

#include <filesystem>

#include "common/attest/evidence/tpm/enrolment.h"
#include "common/jobs/cleanroom/manifest.h"
#include "common/receipt/checkpoint.h"

namespace redoubt::sdk {

// KnownLog: the instance that this participant joined, and how far it has seen its log.
struct KnownLog {
  InstanceId instance;
  crypto::Ed25519PublicKey receipt_key;
  std::string note;     // the last verified checkpoint
  bool open = true;     // everyone had joined it, or may have: only then can anything be in its log that matters later
  std::string carried;  // the CarryOver that this participant signed for it; empty when it signed none
};

struct SealedDataset {
  jobs::Manifest manifest;
  jobs::SignedDocument document;
  SecretBytes object_key;
};

class EnvironmentState {
 public:
  // open: the state of environment `name`, which need not exist yet. `malformed`: not a name.
  static Result<EnvironmentState> open(const std::filesystem::path& config, std::string_view name);
  // names of environments that have a contract here, sorted.
  static std::vector<std::string> list(const std::filesystem::path& config);

  const std::string& name() const { return name_; }
  const std::filesystem::path& folder() const { return folder_; }

  // contract: `not_found` when none is kept. keep_contract: `refused` when another one is kept: a new contract is a new
  // identity and never slips in under an old name.
  Result<jobs::Contract> contract() const;
  Status keep_contract(const jobs::Contract& contract) const;

  Result<std::string> hub_id() const;
  Status keep_hub_id(std::string_view id) const;

  // roots: PEM, empty when none are kept.
  Result<std::string> roots() const;
  Status keep_roots(std::string_view pem) const;

  Result<std::vector<tpm::AkEnrolment>> enrolments() const;
  Status keep_enrolment(const tpm::AkEnrolment& enrolment) const;

  Result<std::optional<KnownLog>> known_log() const;
  Status keep_log(const KnownLog& log) const;
  // earlier_logs: of instances that were left for another, oldest first, at most kMaxEarlier. keep_earlier adds one, once.
  static constexpr std::size_t kMaxEarlier = 256;
  Result<std::vector<KnownLog>> earlier_logs() const;
  Status keep_earlier(const KnownLog& log) const;
  // keep_fork writes fork-N.json and gives its path; the same text is kept once.
  Result<std::filesystem::path> keep_fork(std::string_view json) const;

  // datasets: the newest kept version of `dataset`; `not_found` without one.
  Result<SealedDataset> dataset(std::string_view dataset) const;
  Status keep_dataset(const SealedDataset& dataset) const;
  std::vector<std::pair<std::string, std::uint64_t>> datasets() const;  // name, version

  // keep_upload keeps a sealed dataset and its envelope before the hub has a byte, the envelope first: a key that is kept has
  // its envelope until drop_upload. upload: the envelope of an upload that has not ended; nothing when there is none, or it
  // is not the one of the manifest.
  Status keep_upload(const SealedDataset& dataset, ByteView envelope) const;
  Result<std::optional<Bytes>> upload(const jobs::Manifest& manifest) const;
  Status drop_upload(const jobs::Manifest& manifest) const;

 private:
  EnvironmentState(std::string name, std::filesystem::path folder) : name_(std::move(name)), folder_(std::move(folder)) {}
  Status keep(const std::filesystem::path& file, std::string_view text) const;
  Result<std::optional<std::string>> read(const std::filesystem::path& file) const;

  std::string name_;
  std::filesystem::path folder_;
};

}  // namespace redoubt::sdk
