// Measuring a launch: the program's digest and its contract's go into PCR 14 of a TPM, and then a cap.
//
// The operator's zone: whoever runs this code can extend whatever it likes before it starts the program, so the claim is
// HostAsserted and no more (docs/specs/launch.md). What the TPM adds: after the cap nothing can be taken back or put in
// without a quote showing it, since software cannot reset PCR 14. One thread at a time.
#pragma once

#include <filesystem>

#include "common/attest/evidence/tpm/application_log.h"
#include "common/base/ids.h"
#include "untrusted/launch/program_on_disk.h"
#include "untrusted/launch/tpm_channel.h"

namespace redoubt::launch {

class LaunchLog {
 public:
  // begin: `refused` unless PCR 14 is still zero, that is, nobody measured a launch since this TPM started.
  // Borrows `channel` until the last call.
  static Result<LaunchLog> begin(TpmChannel& channel);

  // measure extends one event; `usage` for a type or data that ApplicationEvent does not allow or for the 64th event,
  // `refused` after cap(), else the errors of TpmChannel::extend, after which the log holds the event that may have been
  // extended or not: start the TPM anew.
  Status measure(const tpm::ApplicationEvent& event);
  // cap: the last event, "cap" without data.
  Status cap();

  const tpm::ApplicationLog& log() const { return log_; }

 private:
  explicit LaunchLog(TpmChannel& channel) : channel_(&channel) {}
  Status extend(const tpm::ApplicationEvent& event);

  TpmChannel* channel_;
  tpm::ApplicationLog log_;
  bool capped_ = false;
};

// measure_launch: "manifest" with the program's digest (32 bytes), "contract" with the contract's if there is one, "cap".
Result<tpm::ApplicationLog> measure_launch(TpmChannel& channel, const appraise::ProgramDigest& program,
                                           const std::optional<ContractDigest>& contract);

// write_log puts log.encode() into a file, as a whole or not at all (a new file renamed over the old one).
Status write_log(const tpm::ApplicationLog& log, const std::filesystem::path& path);

}  // namespace redoubt::launch
