// TpmPlatform: a TPM 2.0 as the platform that vouches for this program.
//
// The device, the EK intermediates and the application log come from the host; a verifier checks all of it against the quote. What
// the log says of the program is therefore the host's word (HostAsserted), unless the whole machine image is measured.
#pragma once

#include <filesystem>
#include <memory>

#include "common/attest/appraise/policy.h"
#include "common/attest/evidence/tpm/application_log.h"
#include "enclave/runtime/platform.h"

namespace redoubt::runtime {

struct TpmPlatformOptions {
  std::string tcti;                                // "swtpm:path=...", "device:/dev/tpmrm0", ...
  std::vector<Bytes> untrusted_ek_intermediates;   // DER
  tpm::ApplicationLog untrusted_application_log;   // of the launcher
  // Where the attestation key is kept over boots, wrapped by the TPM, so that enrolments stay good. Empty: a new key at every start.
  std::filesystem::path attestation_key = {};
};

// open_tpm_platform: `unavailable` when the device does not answer or the key cannot be kept. A kept key that this TPM does not load is replaced by a new one.
Result<std::unique_ptr<Platform>> open_tpm_platform(TpmPlatformOptions options);

// launched_program: the manifest digest in the launcher's log; `malformed` when the log is not the launcher's.
Result<appraise::ProgramDigest> launched_program(const tpm::ApplicationLog& log);

}  // namespace redoubt::runtime
